"""Draws on the page as a person does, and waits for what it answers."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import CDPSession, Page, expect
from playwright.sync_api import Error as PlaywrightError

DRAWINGS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "drawings.json").read_text("utf-8")
)
SIDE = 280
"""The canvas on which the drawings were made was this wide and high."""
START = 120_000
"""Python's start may take this long on a busy machine, milliseconds."""

SEEN = """([selector, attribute, text, limit]) => new Promise((resolve) => {
    const read = (element) => attribute ? element.getAttribute(attribute) : element.textContent;
    const end = () => {
        observer.disconnect();
        resolve();
    };
    const look = () => {
        const element = document.querySelector(selector);
        if (element && read(element)?.replace(/\\s+/g, ' ').trim() === text) end();
    };
    const observer = new MutationObserver(look);
    const options = { attributes: true, characterData: true, childList: true, subtree: true };
    observer.observe(document, options);
    AbortSignal.timeout(limit).onabort = end; // comes where a test has stopped the clock, too
    look();
})"""

Strokes = list[list[list[float]]]


def sample(label: str) -> Strokes:
    """Return a drawing of a digit in its most usual style."""
    return next(d["strokes"] for d in DRAWINGS if d["label"] == label)


def wait_for_engine(page: Page, state: str = "browser") -> None:
    """Wait until the page says who answers."""
    wait_to_see(page, "html", state, attribute="data-engine")


def wait_to_see(page: Page, selector: str, text: str, attribute: str = "") -> None:
    """Wait until an element has that text, or its attribute has; as long as for Python's start.

    The page tells when it may be so: Playwright looks twice a second by itself.
    """
    limit: float | None = START
    with contextlib.suppress(PlaywrightError):  # another page has come
        page.evaluate(SEEN, [selector, attribute, text, START])
        limit = None  # the usual one
    expected = expect(page.locator(selector))
    if attribute:
        expected.to_have_attribute(attribute, text, timeout=limit)
    else:
        expected.to_have_text(text, timeout=limit)


def wait_until(page: Page, condition: str, arg: Any = None) -> None:
    """Wait until `condition`, an expression or a function of `arg`, holds on the page.

    Playwright's own ``wait_for_function`` makes code from text, which the page's policy forbids.
    """
    wait_for(page, lambda: page.evaluate(condition, arg), condition)


def wait_for(page: Page, condition: Callable[[], object], what: str) -> None:
    """Let the page go on until `condition` holds here; `what` says which, should it never."""
    deadline = time.monotonic() + START / 1000
    while not condition():
        assert time.monotonic() < deadline, f"never true: {what}"
        page.wait_for_timeout(20)


def on_canvas(page: Page, strokes: Strokes) -> list[list[tuple[float, float]]]:
    """Place a drawing in the middle of the page's canvas: points in CSS pixels of the window."""
    box = page.locator("#pad").bounding_box()
    assert box is not None
    scale = min(box["width"], box["height"]) / SIDE
    left = box["x"] + (box["width"] - SIDE * scale) / 2
    top = box["y"] + (box["height"] - SIDE * scale) / 2
    return [[(left + x * scale, top + y * scale) for x, y in each] for each in strokes]


def number(text: str, size: float = 0.35) -> Strokes:
    """Return a drawing of a number: digits side by side, at ``size``; a space leaves room."""
    strokes: Strokes = []
    for place, label in enumerate(text):
        if label == " ":
            continue
        shift = SIDE / 2 + (place - len(text) / 2) * SIDE * size * 0.9 - SIDE * size * 0.05
        strokes += [
            [[x * size + shift, y * size + SIDE * (1 - size) / 2] for x, y in each]
            for each in sample(label)
        ]
    return strokes


def draw(page: Page, strokes: Strokes, *, lift: bool = True, steadily: bool = False) -> None:
    """Draw with the mouse; without ``lift`` the last stroke stays under the pressed button.

    The points of a stroke come fast, as from a quick hand; ``steadily``, slower, so that readings
    come in between.
    """
    placed = on_canvas(page, strokes)
    for points in placed:
        page.mouse.move(*points[0])
        page.mouse.down()
        if steadily:
            for point in points[1:-1]:
                page.mouse.move(*point)
        elif len(points) > 2:
            _move_quickly(page, points[1:-1])
        if len(points) > 1:
            page.mouse.move(*points[-1])
        if lift or points is not placed[-1]:
            page.mouse.up()


def _move_quickly(page: Page, points: list[tuple[float, float]]) -> None:
    """Move the pressed mouse over points: Playwright asks at each whether something is dragged."""
    session = page.context.new_cdp_session(page)
    for x, y in points:
        moved = {"type": "mouseMoved", "button": "left", "buttons": 1, "x": x, "y": y}
        session.send("Input.dispatchMouseEvent", moved)
    session.detach()


def expect_answer(page: Page, text: str) -> None:
    """Wait until the page's answer is ``text``."""
    wait_to_see(page, "#answer", text)


def expect_seen(page: Page, image: NDArray[np.uint8]) -> None:
    """Wait until the page shows that the network sees this: ``image: (28, 28)``."""
    wait_until(  # the last bit of a square root may differ
        page,
        """(expected) => {
            const context = document.querySelector('#seen').getContext('2d');
            const { data } = context.getImageData(0, 0, 28, 28);
            return expected.every((grey, i) => Math.abs(data[4 * i] - grey) <= 1);
        }""",
        arg=image.ravel().tolist(),
    )


def read_all(page: Page, drawings: list[Strokes]) -> list[dict[str, Any]]:
    """Have the page's engine read `drawings`, one after the other; return how each settled."""
    settled: list[dict[str, Any]] = page.evaluate(
        """async (drawings) => {
            const { engine } = await import(new URL('app.js', document.baseURI));
            const settled = [];
            for (const strokes of drawings) settled.push(await engine.read(strokes));
            return settled;
        }""",
        drawings,
    )
    return settled


def ask_python(page: Page, name: str) -> Any:
    """Call what the page's Python shares under a name; return what comes of it."""
    return page.evaluate(f"document.querySelector('script[type=py]').xworker.sync.{name}()")


def clear(page: Page) -> None:
    """Begin a new drawing."""
    page.mouse.up()
    page.keyboard.press("Escape")
    expect_answer(page, "")


def drawn(page: Page) -> Strokes:
    """Return the strokes that the page sends to its engine."""
    strokes: Strokes = page.evaluate(
        """async () => {
            const { pad } = await import(new URL('app.js', document.baseURI));
            return pad.strokes.map((stroke) => stroke.map(([x, y]) => [x, y]));
        }"""
    )
    return strokes


def ink_box(page: Page) -> tuple[float, float, float, float] | None:
    """Return the box of the ink that shows on the canvas, as shares of its sides; None for none."""
    box: tuple[float, float, float, float] | None = page.evaluate(
        """() => {
            const canvas = document.querySelector('#pad');
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            let [left, top, right, bottom] = [width, height, -1, -1];
            for (let i = 3, pixel = 0; i < data.length; i += 4, pixel++) {
                if (data[i] < 128) continue;
                const [x, y] = [pixel % width, Math.floor(pixel / width)];
                [left, right] = [Math.min(left, x), Math.max(right, x)];
                [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
            }
            return right < 0 ? null : [left / width, top / height, right / width, bottom / height];
        }"""
    )
    return box


class Fingers:
    """Touches the page with real touch events, one list of points at a time."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float], radius: float = 10) -> None:
        """Send ``touchStart``, ``touchMove``, ``touchEnd`` or ``touchCancel`` with all fingers."""
        touches = [
            {"x": x, "y": y, "id": number, "radiusX": radius, "radiusY": radius}
            for number, (x, y) in enumerate(points)
        ]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def draw(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Draw strokes with one finger; points in CSS pixels of the window."""
        for points in strokes:
            self.send("touchStart", points[0])
            for point in points[1:]:
                self.send("touchMove", point)
            self.send("touchEnd")
