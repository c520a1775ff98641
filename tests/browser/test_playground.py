"""In the playground the network's real Python runs and can be changed, without the network too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

import nn
from tests.browser.audit import audit
from tests.browser.conftest import SUB_PATH, NewContext
from tests.browser.drawing import START, draw, drawn, sample
from tests.browser.hosting import AppServer, StaticHost, static_host
from tests.browser.test_offline import wait_until_fallback_stored
from tests.unit.test_languages import read_words

FILTER, FORWARD, STEP = range(3)


@pytest.fixture(scope="module")
def strokes() -> list[list[list[float]]]:
    return []


@pytest.fixture(scope="module")
def page(
    module_context: NewContext, own_site: StaticHost, strokes: list[list[list[float]]]
) -> Page:
    """Return the playground without the network, reached from a drawing after one visit."""
    page = module_context(locale="en").new_page()
    page.goto(own_site.url)
    draw(page, sample("4"))
    strokes += drawn(page)
    wait_until_fallback_stored(page)  # the editor runs on the stock runtime
    own_site.stop()
    page.context.set_offline(True)
    page.locator(".ways a").nth(1).evaluate("(link) => link.click()")
    page.wait_for_url("**/playground.html")
    expect(page.locator(".py-editor-box")).to_have_count(3, timeout=START)
    return page


@pytest.fixture(scope="module")
def own_site(built_site: Path) -> Iterator[StaticHost]:
    """Return a host that a test may stop."""
    with static_host(built_site, SUB_PATH) as host:
        yield host


def run(page: Page, cell: int) -> Locator:
    """Run a cell; return its output."""
    page.get_by_role("button", name="Run this cell").nth(cell).click()
    output = page.locator(".py-editor-output").nth(cell)
    expect(output).not_to_be_empty(timeout=START)
    return output


def write(page: Page, cell: int, program: str) -> None:
    """Put another program into a cell, as a person does."""
    editor = page.get_by_role("textbox", name="Python of this cell").nth(cell)
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(program)


def test_the_cells_run_on_the_drawing_that_was_made(
    page: Page, strokes: list[list[list[float]]]
) -> None:
    recognizer = nn.Recognizer.load()
    first = recognizer.model.layers[0].params
    expect(run(page, FILTER)).to_contain_text(f"plus {first['bias'][0].round(2)!s}")
    output = run(page, FORWARD)
    for layer in recognizer.model.layers:
        expect(output).to_contain_text(type(layer).__name__)
    share = recognizer.read(strokes).digits[0].probabilities[4]
    expect(output).to_contain_text("9 ")
    shown = re.search(r"^4 ([\d.]+)", output.inner_text(), re.M)
    assert shown
    assert float(shown[1]) == pytest.approx(float(share), abs=1e-3)
    expect(run(page, STEP)).to_contain_text(re.compile(r"loss before [\d.]+ after [\d.]+"))
    said = page.locator(".py-editor-output").nth(STEP).text_content() or ""
    before, after = map(float, re.findall(r"[\d.]+", said))
    assert after < before


def test_a_cell_can_be_changed_and_the_package_imported(page: Page) -> None:
    write(page, FILTER, "from nn import Reading\nprint(type(reading) is Reading, len(drawing))")
    expect(run(page, FILTER)).to_have_text(re.compile(r"True \d"))


def test_a_line_without_an_end_is_shown_in_its_own_cell(page: Page) -> None:
    write(page, FILTER, "for number in range(5): print(number, end=' ')")
    expect(run(page, FILTER)).to_have_text(re.compile(r"^0 1 2 3 4\s*$"))
    write(page, FILTER, "print('next')")
    expect(run(page, FILTER)).to_have_text(re.compile(r"^next\s*$"))


def test_an_error_is_shown_in_the_cell_and_the_next_run_works(page: Page) -> None:
    write(page, FILTER, "1 / 0")
    expect(run(page, FILTER)).to_contain_text("ZeroDivisionError")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert audit(page) == []
    write(page, FILTER, "print(6 * 7)")
    expect(run(page, FILTER)).to_have_text(re.compile("42"))


def test_the_title_is_in_the_chosen_language(page: Page) -> None:
    for tag in ("de", "en"):
        page.locator("#language").select_option(tag)
        expect(page).to_have_title(str(read_words(tag)["playground.title"]))


def test_pythons_start_leaves_a_reader_alone(page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 300})
    page.emulate_media(reduced_motion="reduce")  # what scrolls does so at once
    write(page, STEP, "print(1")
    page.evaluate("scrollBy(0, 10)")
    place = page.evaluate("scrollY")
    assert place > 0
    page.evaluate(
        "document.querySelector('script[setup]').dispatchEvent("
        "new Event('py-editor', { bubbles: true }))"
    )
    assert page.evaluate("scrollY") == place
    page.keyboard.insert_text(" + 1)")
    expect(run(page, STEP)).to_have_text(re.compile(r"^2\s*$"))
    page.set_viewport_size({"width": 1280, "height": 720})


def test_the_keyboard_leaves_a_cell_as_the_page_says(page: Page) -> None:
    expect(page.locator(".lead")).to_contain_text("Escape, then Tab leaves it")
    cell = page.get_by_role("textbox", name="Python of this cell").first
    cell.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(cell).not_to_be_focused()


def test_a_button_pressed_by_keyboard_keeps_the_focus(page: Page) -> None:
    button = page.get_by_role("button", name="Run this cell").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".running")).to_have_count(0)
    expect(button).to_be_focused()


def test_it_fits_small_windows_and_an_audit_finds_no_barrier(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert audit(page) == []


def test_the_projects_own_server_lets_it_run(new_context: NewContext, app: AppServer) -> None:
    """Its header says what the page's policy says, on a first visit too."""
    page = new_context(locale="en", service_workers="block").new_page()
    page.goto(f"{app.url}playground.html")
    expect(run(page, FILTER)).to_contain_text("plus")


PRESS_THE_FIRST = """
new MutationObserver((_, observer) => {
  const button = document.querySelector('.py-editor-run-button');
  if (!button) return;
  observer.disconnect();
  button.click();
}).observe(document, { childList: true, subtree: true });
"""


def test_cells_that_are_pressed_at_once_run_and_keep_their_own_outputs(
    new_context: NewContext, site_host: StaticHost
) -> None:
    """Pressed while PyScript fetches a configuration, one would wait for a worker of its own."""
    page = new_context(locale="en").new_page()
    page.add_init_script(PRESS_THE_FIRST)
    page.goto(f"{site_host.url}playground.html")
    runs = page.get_by_role("button", name="Run this cell")
    expect(runs).to_have_count(3, timeout=START)
    for cell in (FORWARD, STEP):
        runs.nth(cell).click()
    outputs = page.locator(".py-editor-output")
    for cell, said in ((STEP, "loss before"), (FORWARD, "Dense (12,)"), (FILTER, "plus")):
        expect(outputs.nth(cell)).to_contain_text(said, timeout=START)
    expect(outputs.nth(STEP)).not_to_contain_text("plus")


def test_of_a_number_with_a_sign_the_network_sees_the_digit(
    new_context: NewContext, site_host: StaticHost
) -> None:
    digit = [[[x * 0.6 + 100, y * 0.6 + 50] for x, y in stroke] for stroke in sample("4")]
    drawing = [[[20, 140], [80, 140]], *digit]
    assert nn.Recognizer.load().read(drawing).text == "-4"
    page = new_context(locale="en").new_page()
    page.add_init_script(f"sessionStorage.setItem('drawing', '{json.dumps(drawing)}')")
    page.goto(f"{site_host.url}playground.html")
    expect(run(page, FORWARD)).to_contain_text(re.compile(r"^4 0\.9", re.M))


@pytest.mark.parametrize(
    "path",
    [
        "generated/nn.zip",
        "generated/pyodide/python_stdlib.zip",
        "generated/pyodide/pyodide.js",
        "playground.json",
        "cells/step.py",
    ],
)
def test_it_names_a_file_that_is_missing(
    new_context: NewContext, own_host: StaticHost, path: str
) -> None:
    own_host.missing.add(path)
    page = new_context(locale="en").new_page()
    page.goto(f"{own_host.url}playground.html")
    expect(page.get_by_role("alert")).to_have_text(
        f"The playground did not start: {path} could not be loaded: HTTP 404."
    )
    page.locator("#language").select_option("de")
    expect(page.get_by_role("alert")).to_contain_text(f"{path} ließ sich nicht laden")


def test_it_says_so_when_its_editor_does_not_come(
    new_context: NewContext, own_host: StaticHost
) -> None:
    (editor,) = (own_host.directory / "generated/pyscript").glob("py-editor-*.js")
    own_host.missing.add(f"generated/pyscript/{editor.name}")
    page = new_context(locale="en").new_page()
    page.goto(f"{own_host.url}playground.html")
    expect(page.get_by_role("alert")).to_contain_text("The playground did not start")


def test_a_thousand_lines_are_there_soon_and_an_error_is_told_as_it_is(page: Page) -> None:
    write(page, FILTER, "for line in range(1000): print(line)\nraise ValueError('<b>')")
    output = run(page, FILTER)
    expect(output).to_contain_text("in <module>", timeout=20_000)
    expect(output).to_contain_text("ValueError: <b>")
    expect(output).to_contain_text("999")


def test_a_cell_that_is_not_to_be_stopped_goes_on_and_runs_once(page: Page) -> None:
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    write(page, FILTER, "import time\nprint('begun')\ntime.sleep(3)\nprint('ended')")
    page.on("dialog", refuse)
    output = run(page, FILTER)
    page.get_by_role("button", name="Run this cell").first.click()
    page.remove_listener("dialog", refuse)
    assert len(asked) == 1
    write(page, STEP, "print('after')")
    expect(run(page, STEP)).to_contain_text("after", timeout=START)
    expect(output).to_have_text(re.compile(r"^begun\s+ended\s*$"))
