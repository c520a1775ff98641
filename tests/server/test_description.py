"""What the documentation says is what the server does: OpenAPI's examples, and the page's."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from PIL import Image

from nn.ink import ink
from pictures import DECODER_BYTES
from server import DEFAULTS
from tests.server.conftest import Running, Start

SITE = Path(__file__).parents[2] / "site"
SPEC: dict[str, Any] = json.loads((SITE / "openapi.json").read_text("utf-8"))
PREDICT = SPEC["paths"]["/predict"]["post"]
EXAMPLES = PREDICT["requestBody"]["content"]["application/json"]["examples"]
SEVEN = [[[20, 30], [80, 28], [45, 110]]]


def resolved(node: Any) -> Any:
    """The description with its references followed."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target)
    return {key: resolved(value) for key, value in node.items()}


def check(value: Any, schema: Any) -> None:
    jsonschema_rs.Draft202012Validator(resolved(schema)).validate(value)


def shape(value: Any) -> Any:
    """What stays the same when the network is trained anew: all but how sure it is."""
    if isinstance(value, dict):
        kept = {key: shape(item) for key, item in value.items()}
        return {k: v for k, v in kept.items() if k not in ("confidence", "probabilities", "model")}
    return [shape(item) for item in value] if isinstance(value, list) else value


def post_example(running: Running, name: str) -> tuple[int, Any]:
    status, body = running.post(json.dumps(EXAMPLES[name]["value"]).encode())
    return status, json.loads(body)


def test_the_description_is_served(running: Running) -> None:
    with running.ask("GET", "/openapi.json") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"
        assert json.load(response) == SPEC
    assert SPEC["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_request_gets_the_example_answer(running: Running, name: str) -> None:
    content = PREDICT["responses"]["200"]["content"]["application/json"]
    example = content["examples"][name]["value"]
    check(EXAMPLES[name]["value"], PREDICT["requestBody"]["content"]["application/json"]["schema"])
    check(example, content["schema"])
    status, answer = post_example(running, name)
    assert status == 200
    check(answer, content["schema"])
    assert shape(answer) == shape(example)


def test_the_example_errors_are_those_that_come(running: Running) -> None:
    bodies = {
        "400": (b'{"strokes": [[[1, 2], [3]]]}', "application/json"),
        "413": (json.dumps({"strokes": [[[1, 2]] * 20_001]}).encode(), "application/json"),
        "415": (b"x", "text/plain"),
    }
    for status, (body, content_type) in bodies.items():
        content = resolved(PREDICT["responses"][status])["content"]["application/problem+json"]
        got, answer = running.post(body, content_type)
        assert str(got) == status
        assert json.loads(answer) == content["example"]
        check(content["example"], content["schema"])


def test_the_examples_of_errors_that_pass_are_those_that_come(start: Start) -> None:
    server = start(DIGITS_RATE_LIMIT="1")
    drawing = json.dumps({"strokes": SEVEN}).encode()
    for number in server.readers():
        os.kill(number, signal.SIGKILL)
    for status in (503, 429):
        content = resolved(PREDICT["responses"][str(status)])["content"]["application/problem+json"]
        got = next(answer for code, answer in posts(server, drawing) if code == status)
        assert json.loads(got) == content["example"]
        check(content["example"], content["schema"])


def posts(server: Running, body: bytes) -> Iterator[tuple[int, bytes]]:
    return (server.post(body) for _ in range(50))


def test_the_health_example_is_what_comes(running: Running) -> None:
    content = SPEC["paths"]["/healthz"]["get"]["responses"]["200"]["content"]["application/json"]
    with running.ask("GET", "/healthz") as response:
        answer = json.load(response)
    check(answer, content["schema"])
    assert shape(answer) == shape(content["example"])


def test_the_limits_stated_are_those_that_hold() -> None:
    schemas = SPEC["components"]["schemas"]
    assert schemas["Strokes"]["maxItems"] == DEFAULTS["MAX_STROKES"]
    assert schemas["Batch"]["properties"]["batch"]["maxItems"] == DEFAULTS["MAX_DRAWINGS"]
    for text in (PREDICT["description"], (SITE / "api.html").read_text("utf-8")):
        assert f"{DEFAULTS['MAX_STROKES']:,} strokes" in text
        assert f"{DEFAULTS['MAX_POINTS']:,} points" in text
        assert f"{DEFAULTS['MAX_CONTENT_LENGTH'] // 2**20}" in text
        most = {
            kind: DEFAULTS["MAX_DECODED"] / taken / 1e6 for kind, taken in DECODER_BYTES.items()
        }
        jpeg = f"{int(most['JPEG'])} (JPEG, progressive {int(most['progressive JPEG'])})"
        assert f"{int(most['PNG'])} (PNG), {jpeg}" in text
        assert f"{int(most['WEBP'])} (WebP) million pixels" in text


def page_examples() -> list[Any]:
    """The examples of the page of documentation: language, code, and what it prints."""
    page = (SITE / "api.html").read_text("utf-8")
    pattern = r'<code data-language="(\w+)" data-prints="([^"]+)">(.*?)</code>'
    found = re.findall(pattern, page, re.DOTALL)
    assert len(found) == page.count("data-language") >= 5
    return [
        pytest.param(language, html.unescape(code), prints, id=f"{language}-{index}")
        for index, (language, prints, code) in enumerate(found)
    ]


@pytest.mark.parametrize(("language", "code", "prints"), page_examples())
def test_the_examples_of_the_page_print_what_it_says(
    running: Running, tmp_path: Path, language: str, code: str, prints: str
) -> None:
    Image.fromarray(255 - ink(SEVEN)).save(tmp_path / "seven.png")
    assert "http://127.0.0.1:5000/" in code
    code = code.replace("http://127.0.0.1:5000/", running.url)
    command = {"python": [sys.executable, "-c"], "bash": ["bash", "-ec"]}[language]
    if language == "bash" and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    done = subprocess.run(
        [*command, code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"no_proxy": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    if language == "python":
        assert done.stdout.strip() == prints
    else:
        answer = json.loads(done.stdout)
        assert prints in (answer.get("text"), answer.get("field"))
