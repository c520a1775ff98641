"""While Python loads, the page takes drawings and shows how far it is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, ink_box, sample, wait_for_engine
from tests.browser.hosting import StaticHost

WASM = "generated/pyodide/core.wasm"
NOTE_FADING = """
window.faded = [];
addEventListener('transitionrun', ({ target }) => faded.push(target.className));
"""


@pytest.fixture
def loading_page(new_context: NewContext, own_host: StaticHost) -> Page:
    """Return a page that goes on loading until its host lets go of the largest file."""
    own_host.held.add(WASM)
    page = new_context().new_page()
    page.add_init_script(NOTE_FADING)
    page.goto(f"{own_host.url}?runtime=cut")
    return page


def test_what_is_drawn_while_loading_is_answered_when_python_is_there(
    loading_page: Page, own_host: StaticHost
) -> None:
    draw(loading_page, sample("0"))
    assert ink_box(loading_page) is not None  # the ink did not wait
    expect_answer(loading_page, "")
    expect(loading_page.locator("html")).to_have_attribute("data-engine", "loading")
    own_host.release()
    wait_for_engine(loading_page)
    expect_answer(loading_page, "0")


def test_loading_shows_the_bytes_that_are_there_and_those_that_will_be(
    loading_page: Page, own_host: StaticHost
) -> None:
    """All files but the held one arrive: that is how far the bar may go."""
    files = ["generated/libraries.wasm", "generated/python.wasm", WASM]
    total = sum((own_host.directory / name).stat().st_size for name in files)
    arrived = total - (own_host.directory / WASM).stat().st_size
    expect(loading_page.locator("#state")).to_have_text(
        f"Loading {arrived / 1e6:.1f} of {total / 1e6:.1f} MB"
    )
    value = loading_page.locator("#progress").evaluate("(bar) => bar.value / bar.max")
    assert value == pytest.approx(arrived / total)
    own_host.release()
    wait_for_engine(loading_page)
    expect(loading_page.locator("#state")).to_have_text("Runs in your browser")


def test_nothing_fades_while_python_starts(loading_page: Page, own_host: StaticHost) -> None:
    """Each frame of it would take time that the start needs."""
    hint = loading_page.locator(".hint")
    expect(hint).to_have_css("opacity", "1")
    draw(loading_page, sample("0"))
    expect(hint).to_have_css("opacity", "0")
    assert loading_page.evaluate("faded") == []
    own_host.release()
    wait_for_engine(loading_page)
    loading_page.keyboard.press("Escape")
    expect(hint).to_have_css("opacity", "1")
    assert "hint" in loading_page.evaluate("faded")


def test_all_large_files_are_asked_for_at_once(loading_page: Page, own_host: StaticHost) -> None:
    """The held file keeps none of the others from being fetched."""
    expect(loading_page.locator("#state")).to_have_text(re.compile(r"Loading [1-9]"))
    asked = [name for name in own_host.requests if re.search(r"\.(wasm|tar|zip|whl)$", name)]
    assert sorted(asked) == ["generated/libraries.wasm", WASM, "generated/python.wasm"]
    own_host.release()


def test_storage_that_is_forbidden_does_not_keep_python_from_running(
    new_context: NewContext, own_host: StaticHost
) -> None:
    forbid = """Object.defineProperty(globalThis, 'indexedDB', { configurable: true, get() {
        throw new DOMException('forbidden', 'SecurityError');
    } });
    """
    own_host.prefixes["runtime.js"] = forbid.encode()  # in the worker
    context = new_context()
    context.add_init_script(
        forbid + "delete Navigator.prototype.serviceWorker; delete globalThis.caches;"
    )
    page = context.new_page()
    page.goto(own_host.url)
    wait_for_engine(page)
    draw(page, sample("6"))
    expect_answer(page, "6")


def test_no_text_becomes_code_on_the_page_or_in_the_worker(
    new_context: NewContext, own_host: StaticHost
) -> None:
    context = new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.goto(own_host.url)
    wait_for_engine(page)
    draw(page, sample("6"))
    expect_answer(page, "6")
    assert [problem for problem in problems if problem.startswith("error")] == []
    makes_code = """() => new Promise((resolve) => setTimeout(() => {
        try { resolve(new Function('return 1')()); } catch (error) { resolve(error.name); }
    }))"""  # later, for what automation itself runs may make code
    assert page.evaluate(makes_code) == "EvalError"
    assert [worker.evaluate(makes_code) for worker in page.workers] == ["EvalError"]
