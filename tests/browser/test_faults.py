"""A server that dies, stalls or talks nonsense: the page says so, and recovers alone."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, sample, wait_for_engine
from tests.browser.test_failures import NO_WEBASSEMBLY, expect_message
from tests.server.conftest import Running

StartServer = Callable[..., Running]


@pytest.fixture
def start_server(built_site: Path) -> Iterator[StartServer]:
    """Return what starts the real server, on a port of one's choice."""
    started: list[Running] = []

    def start(port: int = 0) -> Running:
        started.append(Running(built_site, "--port", str(port), "--quiet"))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def steady_server(built_site: Path) -> Iterator[Running]:
    """Return a server to which nothing happens."""
    server = Running(built_site, "--quiet")
    yield server
    server.close()


def open_page(new_context: NewContext, server: Running) -> Page:
    """Open a page that the server reads for, because its browser has no WebAssembly."""
    context = new_context()
    context.add_init_script(NO_WEBASSEMBLY)
    page = context.new_page()
    page.clock.install()
    page.goto(server.url)
    wait_for_engine(page, "server")
    return page


def test_a_server_that_dies_while_one_draws_is_waited_for(
    new_context: NewContext, start_server: StartServer
) -> None:
    server = start_server()
    page = open_page(new_context, server)
    draw(page, sample("5"), lift=False)
    expect_answer(page, "5")
    server.close()
    page.mouse.up()
    page.keyboard.press("Escape")
    draw(page, sample("2"))
    wait_for_engine(page, "none")
    expect_message(page, "WebAssembly switched off, and the server does not answer; trying again")
    expect(page.locator("#second")).to_have_text("This drawing could not be read.")
    start_server(server.port)
    page.clock.fast_forward("00:31")
    wait_for_engine(page, "server")
    expect_answer(page, "2")  # nobody touched the page
    expect(page.locator("#state")).to_have_text("Read by the server")


def test_a_server_that_was_restarted_between_two_drawings_is_no_matter(
    new_context: NewContext, start_server: StartServer
) -> None:
    server = start_server()
    page = open_page(new_context, server)
    draw(page, sample("5"))
    expect_answer(page, "5")
    server.close()
    start_server(server.port)
    page.keyboard.press("Escape")
    draw(page, sample("7"))
    expect_answer(page, "7")


def test_a_server_that_stalls_is_given_up_and_taken_up_again(
    new_context: NewContext, start_server: StartServer
) -> None:
    server = start_server()
    page = open_page(new_context, server)
    server.process.send_signal(signal.SIGSTOP)
    draw(page, sample("9"))
    for _ in range(2):  # for the reading, for the question whether it is there
        with page.expect_event("requestfailed"):
            page.clock.fast_forward("00:11")
    wait_for_engine(page, "none")
    expect_message(page, "the server did not answer for 10 seconds; trying again")
    server.process.send_signal(signal.SIGCONT)
    page.clock.fast_forward("00:31")
    wait_for_engine(page, "server")
    expect_answer(page, "9")


IMAGE = base64.b64encode(bytes(784)).decode()
MARK: dict[str, Any] = {
    "symbol": "7",
    "digit": 7,
    "confidence": 0.9,
    "probabilities": [0.1] * 10,
    "box": [0, 0, 1, 1],
    "image": IMAGE,
    "strokes": [0],
}


@pytest.mark.parametrize(
    ("status", "media_type", "body", "message"),
    [
        (200, "text/html", "<h1>Welcome</h1>", "HTTP 200 and no reading"),
        (502, "text/html", "<h1>Bad gateway</h1>", "HTTP 502 and no reading"),
        (500, "application/problem+json", '{"title": "Broken"}', "the server failed: Broken"),
        (200, "application/json", '{"text": "7", "dig', "something that is no reading"),
        (200, "application/json", "null", "something that is no reading"),
        (200, "application/json", '{"text": "7"}', "something that is no reading"),
        (
            200,
            "application/json",
            json.dumps({"text": "7", "digits": [MARK | {"image": "AAAA"}]}),
            "something that is no reading",
        ),
        (
            200,
            "application/json",
            json.dumps({"text": "7", "digits": [MARK | {"probabilities": [1]}]}),
            "something that is no reading",
        ),
    ],
)
def test_a_server_that_answers_nonsense_is_not_believed(
    new_context: NewContext,
    steady_server: Running,
    status: int,
    media_type: str,
    body: str,
    message: str,
) -> None:
    page = open_page(new_context, steady_server)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type=media_type, body=body)

    page.route("**/predict", answer)
    draw(page, sample("3"))
    wait_for_engine(page, "none")
    expect_message(page, message, "trying again")
    page.unroute("**/predict")
    page.clock.fast_forward("00:31")
    wait_for_engine(page, "server")
    expect_answer(page, "3")
    assert errors == []
