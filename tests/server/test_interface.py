"""The server's face: the page with right types, /predict with a reading or a problem, /healthz."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nn import Recognizer
from nn.ink import ink
from server import create_app
from tests.sample import drawings

ROOT = Path(__file__).parents[2]
SEVEN = next(drawing for drawing in drawings() if drawing.label == "7")


@pytest.fixture(scope="module")
def client(built_site):
    return create_app({"SITE": built_site, "TESTING": True}).test_client()


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load()


def picture(kind="PNG", size=200, inverted=True):
    image = Image.fromarray(ink(SEVEN.strokes)).resize((size, size))
    pixels = np.asarray(image)
    buffer = io.BytesIO()
    Image.fromarray(255 - pixels if inverted else pixels).save(buffer, kind)
    return buffer.getvalue()


def assert_problem(response, status, *words):
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == status
    assert problem["title"]
    for word in words:
        assert word in problem["detail"]


def test_strokes_are_answered_with_exactly_the_recognizers_reading(client, recognizer):
    for drawing in drawings()[::5]:
        answer = client.post("/predict", json={"strokes": drawing.strokes})
        assert answer.status_code == 200
        expected = recognizer.read(drawing.strokes).to_dict()
        got = answer.get_json()
        assert got["text"] == expected["text"] == drawing.label
        for one, other in zip(got["digits"], expected["digits"], strict=True):
            np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-6)
            assert one.keys() == other.keys()
            assert one["image"] == other["image"]


def test_an_empty_drawing_is_an_empty_reading(client):
    for strokes in ([], [[]]):
        answer = client.post("/predict", json={"strokes": strokes})
        assert answer.get_json() == {"text": "", "digits": []}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("inverted", [True, False])
def test_a_picture_of_each_kind_is_read(client, kind, inverted):
    body = picture(kind, inverted=inverted)
    answer = client.post("/predict", data=body, content_type=f"image/{kind.lower()}")
    assert answer.status_code == 200
    assert answer.get_json()["text"] == "7"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ["JSON"]),
        (b"{", ["JSON"]),
        (b"[" * 100_000, ["JSON"]),
        (b"\xff\xfe", ["JSON"]),
        (b"null", ["strokes"]),
        (b"[]", ["strokes"]),
        (b"{}", ["strokes"]),
        (b'{"strokes": 7}', ["strokes", "expected a list of strokes", "7"]),
        (b'{"strokes": {}}', ["strokes", "expected a list of strokes"]),
        (b'{"strokes": [7]}', ["strokes[0]", "list of [x, y] points"]),
        (b'{"strokes": [[7]]}', ["strokes[0][0]", "two finite numbers"]),
        (b'{"strokes": [[[1, 2]], [[1, 2], [3]]]}', ["strokes[1][1]", "two finite numbers"]),
        (b'{"strokes": [[[1, NaN]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[1, Infinity]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[1, 1e999]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[1, "2"]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[1, null]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[1, 2, 3]]]}', ["strokes[0][0]"]),
        (b'{"strokes": [[[true, false]]]}', ["strokes[0][0]"]),
    ],
)
def test_a_wrong_body_is_a_400_that_names_the_place(client, body, words):
    answer = client.post("/predict", data=body, content_type="application/json")
    assert_problem(answer, 400, *words)


@pytest.mark.parametrize("body", [b"", b"GIF89a", picture()[:60], b"\x89PNG\r\n\x1a\n" + b"x" * 99])
def test_a_damaged_picture_is_a_400(client, body):
    answer = client.post("/predict", data=body, content_type="image/png")
    assert_problem(answer, 400, "picture")


def test_a_picture_of_another_kind_than_it_says_is_a_400(client):
    answer = client.post("/predict", data=picture("JPEG"), content_type="image/png")
    assert_problem(answer, 400, "PNG")


@pytest.mark.parametrize("mimetype", ["text/plain", "image/gif", "image/svg+xml", ""])
def test_another_type_is_a_415_that_lists_the_right_ones(client, mimetype):
    answer = client.post("/predict", data=b"x", content_type=mimetype)
    assert_problem(answer, 415, "application/json", "image/png")


def test_too_large_a_body_is_a_413(client):
    answer = client.post("/predict", data=b" " * 11_000_000, content_type="application/json")
    assert_problem(answer, 413)
    strokes = [[[0, 0]] * 30_000]
    assert_problem(client.post("/predict", json={"strokes": strokes}), 413, "strokes")


def test_a_picture_that_unpacks_to_gigabytes_is_a_413(client):
    buffer = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 200_000
    answer = client.post("/predict", data=buffer.getvalue(), content_type="image/png")
    assert_problem(answer, 413)


def test_predict_takes_post_alone_and_unknown_paths_are_problems(client):
    assert_problem(client.get("/nothing/here"), 404)
    assert client.post("/healthz").status_code == 405
    assert client.get("/predict").status_code == 405


def test_healthz_says_which_model_answers(client, recognizer):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "model": recognizer.model_hash}


def test_the_page_and_all_that_the_build_lists_are_served_with_their_types(client, built_site):
    page = client.get("/", buffered=True)
    assert page.mimetype == "text/html"
    assert b"data-engine" in page.data
    types = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
    types |= {".css": "text/css", ".json": "application/json"}
    listed = json.loads((built_site / "generated/manifest.json").read_text())["files"]
    assert len(listed) > 10
    for entry in listed:
        path = entry["path"]
        answer = client.get(f"/{path}", buffered=True)
        assert answer.status_code == 200, path
        assert answer.mimetype == types.get(Path(path).suffix, answer.mimetype), path
        assert answer.data == (built_site / path).read_bytes(), path


def test_python_server_py_serves_on_the_port_that_it_prints_and_stops_politely():
    command = [sys.executable, "server.py", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        address = None
        for line in process.stdout:
            if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        try:
            assert address, "the server ended without printing its address"
            body = json.dumps({"strokes": SEVEN.strokes}).encode()
            request = urllib.request.Request(
                address[0] + "predict", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["text"] == "7"
        finally:
            process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short", b"not weights"])
def test_a_server_without_good_weights_says_so_and_does_not_start(tmp_path, content):
    weights = tmp_path / "weights.npz"
    if content is not None:
        weights.write_bytes(content)
    command = [sys.executable, "server.py", "--port", "0", "--weights", str(weights)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert done.returncode not in (0, -signal.SIGKILL)
    assert "weights.npz" in done.stderr
    assert "Traceback" not in done.stderr


def test_threads_that_read_side_by_side_get_their_own_answers(client, recognizer) -> None:
    chosen = [sample.strokes for sample in drawings()[:40]]

    def ask(strokes):
        return (
            client.application.test_client().post("/predict", json={"strokes": strokes}).get_json()
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, chosen))
    assert answers == [recognizer.read(strokes).to_dict() for strokes in chosen]
