"""The page's files over HTTP: types, caching, compression, ranges, and nothing from elsewhere."""

from __future__ import annotations

import gzip
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest
from flask.testing import FlaskClient

import files
from server import create_app
from tests.server.conftest import SECONDS

WASM = "/generated/pyodide/pyodide.asm.wasm"


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("a.html", "text/html"),
        ("a.css", "text/css"),
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.json", "application/json"),
        ("a.wasm", "application/wasm"),
        ("a.whl", "application/zip"),
        ("a.zip", "application/zip"),
        ("a.npz", "application/zip"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.py", "text/x-python"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(tmp_path: Path, name: str, mimetype: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    answer = create_app({"SITE": tmp_path}).test_client().get(f"/{name}")
    assert answer.mimetype == mimetype
    answer.close()


def test_the_page_is_asked_for_again_each_time(client: FlaskClient) -> None:
    for path in ("/", "/sw.js", "/app.js", "/generated/precache.js", WASM):
        answer = client.get(path, buffered=True)
        assert answer.headers["Cache-Control"] == "no-cache", path
        assert answer.headers["ETag"]


def test_a_file_with_its_hash_in_the_name_is_kept_for_a_year(tmp_path: Path) -> None:
    (tmp_path / "generated").mkdir()
    kept = {
        "generated/core-C9KDLldu.js": True,
        "generated/pages.0123456789abcdef.bin": True,
        "generated/core.js": False,
        "generated/pyodide-lock.json": False,
        "touch-settings.js": False,
    }
    client = create_app({"SITE": tmp_path}).test_client()
    for name, for_long in kept.items():
        (tmp_path / name).write_bytes(b"x")
        value = client.get(f"/{name}", buffered=True).headers["Cache-Control"]
        assert ("immutable" in value) == for_long, name


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_an_unchanged_file_is_not_sent_again(client: FlaskClient, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    first = client.get("/app.js", headers=headers, buffered=True)
    again = client.get(
        "/app.js", headers={**headers, "If-None-Match": first.headers["ETag"]}, buffered=True
    )
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "no-cache"


def test_a_changed_file_is_sent_again(tmp_path: Path) -> None:
    client = create_app({"SITE": tmp_path}).test_client()
    for encoding in ("br", "gzip", "identity"):
        headers = {"Accept-Encoding": encoding}
        (tmp_path / "a.js").write_bytes(b"1;\n" * 100)
        first = client.get("/a.js", headers=headers, buffered=True)
        (tmp_path / "new.js").write_bytes(b"2;\n" * 100)
        (tmp_path / "new.js").replace(tmp_path / "a.js")
        again = client.get(
            "/a.js", headers={**headers, "If-None-Match": first.headers["ETag"]}, buffered=True
        )
        assert again.status_code == 200
        assert first.data != again.data


def test_text_and_wasm_are_compressed_for_those_who_take_it(
    client: FlaskClient, built_site: Path
) -> None:
    content = (built_site / WASM[1:]).read_bytes()
    plain = client.get(WASM, buffered=True)
    assert "Content-Encoding" not in plain.headers
    assert plain.data == content
    assert "Accept-Encoding" in plain.headers["Vary"]
    sizes, etags = [], {plain.headers["ETag"]}
    for accepted, encoding, unpack in (
        ("gzip, deflate", "gzip", gzip.decompress),
        ("br;q=0.5, gzip;q=0.8", "gzip", gzip.decompress),
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
    ):
        packed = client.get(WASM, headers={"Accept-Encoding": accepted}, buffered=True)
        assert packed.headers["Content-Encoding"] == encoding
        assert unpack(packed.data) == content
        assert int(packed.headers["Content-Length"]) == len(packed.data)
        assert "Accept-Encoding" in packed.headers["Vary"]
        sizes.append(len(packed.data))
        etags.add(packed.headers["ETag"])
    assert len(content) / 2 > sizes[0] > sizes[2]
    assert len(etags) == 3
    for refusing in ("gzip;q=0, br;q=0", "identity", "zstd"):
        answer = client.get("/app.js", headers={"Accept-Encoding": refusing}, buffered=True)
        assert "Content-Encoding" not in answer.headers


def test_a_file_that_changes_without_a_later_time_is_compressed_anew(tmp_path: Path) -> None:
    client = create_app({"SITE": tmp_path}).test_client()
    path = tmp_path / "a.js"
    etags = set()
    for text in (b"1;", b"2;", b"3.5;"):
        path.unlink(missing_ok=True)
        path.write_bytes(text)
        os.utime(path, (1, 1))  # as where each deployment has the same time
        answer = client.get("/a.js", headers={"Accept-Encoding": "gzip"}, buffered=True)
        assert gzip.decompress(answer.data) == text
        etags.add(answer.headers["ETag"])
    assert len(etags) == 3


@pytest.mark.parametrize("encoding", ["br", "identity"])
def test_a_file_that_goes_away_meanwhile_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    (tmp_path / "a.js").write_bytes(b"1;")

    def gone(*_: object, **__: object) -> bytes:
        raise FileNotFoundError

    monkeypatch.setitem(files.ENCODINGS, "br", gone)
    monkeypatch.setattr(files, "send_from_directory", gone)
    client = create_app({"SITE": tmp_path}).test_client()
    assert client.get("/a.js", headers={"Accept-Encoding": encoding}).status_code == 404


def test_two_who_ask_at_once_have_a_file_compressed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = [threading.Event(), threading.Event()]
    release, turns = threading.Event(), iter(begun)

    def slowly(data: bytes) -> bytes:
        next(turns).set()
        assert release.wait(SECONDS)
        return brotli.compress(data)

    monkeypatch.setitem(files.ENCODINGS, "br", slowly)
    (tmp_path / "a.js").write_bytes(b"1;")
    client = create_app({"SITE": tmp_path}).test_client()

    def ask() -> bytes:
        return client.get("/a.js", headers={"Accept-Encoding": "br"}, buffered=True).data

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask)]
        assert begun[0].wait(SECONDS)
        answers.append(pool.submit(ask))
        second = begun[1].wait(0.2)
        release.set()
        assert [brotli.decompress(each.result()) for each in answers] == [b"1;", b"1;"]
    assert not second


def test_what_is_compressed_already_is_left_alone(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip"}
    answer = client.get("/generated/pyodide/python_stdlib.zip", headers=headers, buffered=True)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_a_part_of_a_file_can_be_asked_for(client: FlaskClient, built_site: Path) -> None:
    content = (built_site / WASM[1:]).read_bytes()
    headers = {"Range": "bytes=1000-1999", "Accept-Encoding": "gzip"}
    part = client.get(WASM, headers=headers, buffered=True)
    assert part.status_code == 206
    assert part.data == content[1000:2000]
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(content)}"
    beyond = client.get(WASM, headers={"Range": f"bytes={len(content)}-"}, buffered=True)
    assert beyond.status_code == 416
    assert beyond.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "asked", ["bytes=0-9,20-29", "bytes=0-0,-1", "items=0-5", "bytes=-99999999", "bytes", "seven"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_no_part_that_can_be_sent_is_answered_with_the_whole(
    client: FlaskClient, built_site: Path, asked: str, method: str
) -> None:
    content = (built_site / "style.css").read_bytes()
    answer = client.open("/style.css", method=method, headers={"Range": asked}, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(content))
    assert "Content-Range" not in answer.headers
    assert answer.data == (content if method == "GET" else b"")
    missing = client.open("/none.css", method=method, headers={"Range": asked}, buffered=True)
    assert missing.status_code == 404


def test_head_tells_the_same_without_the_content(client: FlaskClient) -> None:
    for encoding in ("br", "gzip", "identity"):
        headers = {"Accept-Encoding": encoding}
        full = client.get("/app.js", headers=headers, buffered=True)
        head = client.head("/app.js", headers=headers, buffered=True)
        assert head.data == b""
        assert head.headers["Content-Length"] == full.headers["Content-Length"]
        assert head.headers["ETag"] == full.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        *("/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "/generated/../../server.py"),
        *("//etc/passwd", "/%2fetc%2fpasswd", "/..\\server.py", "/c:/windows/win.ini"),
        *("/.hidden", "/.generated-x/new/core.js", "/generated/.hidden", "/%00", "/a%00.js"),
        *("/generated", "/generated/", "/index.html/", "/" + "a" * 5000, "/%e4.js", "/.", "/.."),
    ],
)
@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_nothing_but_the_sites_files_is_served(tmp_path: Path, path: str, encoding: str) -> None:
    site = tmp_path / "site"
    for name in (".hidden", "generated/.hidden", ".generated-x/new/core.js", "../server.py"):
        hidden = site / name
        hidden.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(b"secret")
    (site / "index.html").write_bytes(b"page")
    client = create_app({"SITE": site}).test_client()
    assert client.get("/", buffered=True).data == b"page"
    answer = client.get(path, headers={"Accept-Encoding": encoding}, buffered=True)
    assert answer.status_code in (308, 404)
    assert b"secret" not in answer.data
    if answer.status_code == 404:
        assert answer.mimetype == "application/problem+json"
