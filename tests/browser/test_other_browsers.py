"""The main path in a system's own Firefox and WebKit, each where it is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import webdriver
from tests.browser.drawing import SIDE, Strokes, sample
from tests.browser.hosting import StaticHost

SETTLED = "return document.documentElement.dataset.engine !== 'loading'"
ENGINE = "return document.documentElement.dataset.engine"
LIMIT = 30
"""What has been drawn is read within this time on a busy machine, seconds."""
TEXT = "return document.querySelector(arguments[0]).textContent"


@pytest.fixture(params=["firefox", "webkit"])
def other(request: pytest.FixtureRequest) -> Iterator[webdriver.Remote]:
    """Return a running browser."""
    try:
        with getattr(webdriver, request.param)() as browser:
            yield browser
    except webdriver.MissingError as missing:
        pytest.skip(str(missing))


def visit(browser: webdriver.Remote, url: str) -> None:
    """Open the page and wait for Python."""
    browser.open(url)
    browser.wait_until(SETTLED)
    assert browser.run(ENGINE) == "browser", browser.run(TEXT, "#notice-text")


def draw(browser: webdriver.Remote, strokes: Strokes) -> None:
    """Draw in the middle of the canvas; every third point, for each takes a frame."""
    left, top, width, height = browser.run(
        "const { x, y, width, height } = document.querySelector('#pad').getBoundingClientRect();"
        "return [x, y, width, height]"
    )
    scale = min(width, height) / SIDE
    left, top = left + (width - SIDE * scale) / 2, top + (height - SIDE * scale) / 2
    thinned = [[*stroke[:-1:3], stroke[-1]] for stroke in strokes]
    browser.draw([[(left + x * scale, top + y * scale) for x, y in each] for each in thinned])


def wait_for_text(browser: webdriver.Remote, selector: str, text: str) -> None:
    """Wait until an element has this text."""
    try:
        browser.wait_until(f"{TEXT} === arguments[1]", selector, text, limit=LIMIT)
    except TimeoutError:
        pytest.fail(f"{selector} is {browser.run(TEXT, selector)!r}, not {text!r}")


def click(browser: webdriver.Remote, selector: str) -> None:
    """Press a button."""
    browser.run("document.querySelector(arguments[0]).click()", selector)


def test_the_main_path_works_and_does_so_again_without_a_network(
    other: webdriver.Remote, own_host: StaticHost
) -> None:
    visit(other, own_host.url)
    draw(other, sample("3"))
    wait_for_text(other, "#answer", "3")
    click(other, "#how")
    other.wait_until("return document.querySelectorAll('#layers canvas').length >= 3", limit=LIMIT)
    wait_for_text(other, "#inside .its-answer", "3")
    click(other, "#wrong")
    click(other, "#choices button:nth-child(9)")
    wait_for_text(other, "#answer", "8")
    wait_for_text(other, "#offline", "Ready to work offline")
    own_host.stop()
    visit(other, own_host.url)
    wait_for_text(other, "#lessons", "1 correction learned")
    wait_for_text(other, "#answer", "8")  # the drawing was kept
    click(other, "#clear")
    draw(other, sample("7"))
    wait_for_text(other, "#answer", "7")
