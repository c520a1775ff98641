"""Every request to the engine settles once; a newer drawing replaces one that waits."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.browser.drawing import sample

ASK = """async (drawings) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    return Promise.all(drawings.map((strokes) => engine.read(strokes)));
}"""


def ask(page: Page, *drawings: Any) -> list[dict[str, Any]]:
    """Ask for all ``drawings`` at once; return how each request settled."""
    settled: list[dict[str, Any]] = page.evaluate(ASK, list(drawings))
    return settled


def test_of_many_requests_at_once_the_first_and_the_last_are_answered(page: Page) -> None:
    settled = ask(page, *(sample(digit) for digit in "12345"))
    assert [each["ok"] for each in settled] == [True, False, False, False, True]
    assert all(each["superseded"] for each in settled[1:4])
    assert [settled[0]["result"]["text"], settled[4]["result"]["text"]] == ["1", "5"]
    ids = [each["id"] for each in settled]
    assert ids == sorted(set(ids))


def test_the_digit_zero_is_an_answer(page: Page) -> None:
    (settled,) = ask(page, sample("0"))
    assert settled["ok"]
    assert settled["result"]["digits"][0]["digit"] == 0


def test_a_wrong_drawing_is_refused_and_the_next_one_is_read(page: Page) -> None:
    (refused,) = ask(page, [[[1, 2], [3]]])
    assert not refused["ok"]
    assert "strokes[0][1]" in refused["error"]
    (settled,) = ask(page, sample("7"))
    assert settled["result"]["text"] == "7"
    assert page.locator("html").get_attribute("data-engine") == "browser"


def test_nothing_drawn_is_read_as_nothing(page: Page) -> None:
    (settled,) = ask(page, [])
    assert settled["result"] == {"text": "", "digits": []}
