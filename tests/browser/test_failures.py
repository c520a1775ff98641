"""When Python cannot run in the browser, the page says why, and a server reads if there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext
from tests.browser.drawing import clear, draw, expect_answer, sample, wait_for_engine
from tests.browser.hosting import AppServer, StaticHost, app_server
from tests.browser.test_bringing import give, packed, photo

WASM = "generated/pyodide/pyodide.asm.wasm"
TRIMMED = {"generated/pyodide/core.wasm", "generated/pyodide/core.js"}
"""Where these are not whole, stock Pyodide takes over."""
LATER = "for (const each of document.getAnimations()) each.currentTime = 20_000"
NO_WEBASSEMBLY = "delete globalThis.WebAssembly"
BROKEN_WEBASSEMBLY = (
    "WebAssembly.instantiate = async () => { throw new WebAssembly.CompileError('broken') }"
)


def expect_message(page: Page, *parts: str) -> None:
    """Wait until the page's message has all of ``parts``."""
    for part in parts:
        expect(page.get_by_role("alert")).to_contain_text(part)


@pytest.mark.parametrize("script", [NO_WEBASSEMBLY, BROKEN_WEBASSEMBLY])
def test_without_webassembly_the_server_answers_and_the_page_says_so(
    new_context: NewContext, app: AppServer, script: str
) -> None:
    context = new_context()
    context.add_init_script(script)
    page = context.new_page()
    page.goto(app.url)
    wait_for_engine(page, "server")
    expect_message(page, "WebAssembly switched off", "The server reads your drawings instead")
    expect(page.locator("#state")).to_have_text("Read by the server")
    page.get_by_role("button", name="Read a picture").click()
    expect(page.locator("#bring-menu")).not_to_contain_text("on this device", use_inner_text=True)
    page.keyboard.press("Escape")
    give(page, "drop", "number.png", "image/png", packed(photo("42")))
    expect_answer(page, "42")
    draw(page, sample("5"))
    expect_answer(page, "5")
    marks = page.evaluate("performance.getEntriesByType('mark').map(({ name }) => name)")
    assert marks == ["engine-ready", "first-answer"]
    assert page.evaluate("performance.getEntriesByName('predict', 'measure').length") > 0


def test_a_server_that_asks_for_patience_gets_it(new_context: NewContext, built_site: Path) -> None:
    context = new_context()
    context.add_init_script(NO_WEBASSEMBLY)
    with app_server(built_site, RATE_LIMIT=4.0) as app:
        page = context.new_page()
        page.goto(app.url)
        wait_for_engine(page, "server")
        for label in "3527":
            draw(page, sample(label))
            expect_answer(page, label)
            clear(page)


def test_without_webassembly_a_static_host_leaves_a_message_in_words(
    new_context: NewContext, own_host: StaticHost
) -> None:
    context = new_context()
    context.add_init_script(NO_WEBASSEMBLY)
    page = context.new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    expect_message(page, "Your drawings cannot be read", "WebAssembly switched off")
    draw(page, sample("5"))
    expect(page.locator("#second")).to_have_text("This drawing could not be read.")


def test_where_nobody_reads_no_answer_is_promised(unread_page: Page) -> None:
    expect(unread_page.locator("#notice")).to_be_visible()
    expect(unread_page.locator("#second")).to_have_text("")


def test_where_nobody_reads_nothing_is_claimed_about_where_drawings_stay(
    unread_page: Page,
) -> None:
    page = unread_page
    expect(page.locator("#privacy")).to_have_text("A neural network written in NumPy.")
    page.get_by_role("button", name="Read a picture").click()
    expect(page.locator("#bring-menu")).to_be_visible()
    expect(page.locator("#bring-menu")).not_to_contain_text("on this device", use_inner_text=True)


@pytest.mark.parametrize(
    "name",
    [
        WASM,
        "generated/manifest.json",
        "generated/pyodide/pyodide.js",
        "generated/pyodide/pyodide.asm.js",
        "generated/pyscript/core.js",
        "engine.py",
        "runtime.js",
    ],
)
def test_a_missing_file_is_named_in_words(
    new_context: NewContext, own_host: StaticHost, name: str
) -> None:
    own_host.missing |= {name, *TRIMMED}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    expect_message(page, "Your drawings cannot be read", name)


@pytest.mark.parametrize(
    ("address", "name"), [("", "app.js"), ("", "boxes.js"), ("how.html", "inside.js")]
)
def test_a_script_that_does_not_come_leaves_words(
    new_context: NewContext, own_host: StaticHost, address: str, name: str
) -> None:
    own_host.missing.add(name)
    page = new_context().new_page()
    page.goto(own_host.url + address)
    page.evaluate(LATER)
    expect(page.locator(".late")).to_be_visible()


def test_a_page_that_is_opened_as_a_file_says_that_it_cannot_work(
    new_context: NewContext, built_site: Path
) -> None:
    page = new_context().new_page()
    page.goto((built_site / "index.html").as_uri())
    page.evaluate(LATER)
    expect(page.locator(".late")).to_contain_text("Opened as a file it does not work")


@pytest.mark.parametrize("name", ["index.html", "how.html", "playground.html"])
def test_without_javascript_the_page_says_so_and_not_that_it_loads(
    new_context: NewContext, site_host: StaticHost, name: str
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site_host.url + name)
    notice = page.locator("noscript .notice")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("JavaScript, which is switched off")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for part in ("Loading", "This page ran", "press the triangle"):
        expect(page.get_by_text(part).filter(visible=True)).to_have_count(0)
    for role in ("button", "combobox", "progressbar"):
        expect(page.get_by_role(role)).to_have_count(0)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [WASM, "engine.py"])
def test_a_truncated_file_is_named_in_words(
    new_context: NewContext, own_host: StaticHost, name: str
) -> None:
    own_host.cut |= {name, *TRIMMED}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    size = (own_host.directory / name).stat().st_size
    expect_message(page, f"{name} has 1,000 bytes instead of {size:,}")


def test_an_altered_file_is_named_in_words(new_context: NewContext, own_host: StaticHost) -> None:
    own_host.altered |= {WASM, *TRIMMED}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    expect_message(page, f"{WASM} is damaged")


@pytest.mark.parametrize("held", [{WASM, *TRIMMED}, {"generated/manifest.json"}])
def test_a_start_without_progress_ends_in_words(
    new_context: NewContext, own_host: StaticHost, held: set[str]
) -> None:
    own_host.held |= held
    page = new_context().new_page()
    page.clock.install()
    page.goto(own_host.url)
    expect(page.locator("#state")).to_contain_text("Loading")
    page.clock.fast_forward("00:46")
    wait_for_engine(page, "none")
    expect_message(page, "no progress for 45 seconds")


def test_a_start_that_slept_goes_on(new_context: NewContext, own_host: StaticHost) -> None:
    """A hidden page, or a computer, wakes after longer than a download may take."""
    own_host.held |= {WASM, *TRIMMED}
    page = new_context().new_page()
    page.clock.install()
    page.goto(own_host.url)
    expect(page.locator("#state")).to_contain_text("Loading")
    page.clock.fast_forward("10:00")
    own_host.release()
    wait_for_engine(page)


def test_a_page_that_answers_health_with_html_is_no_server(
    new_context: NewContext, own_host: StaticHost
) -> None:
    """Many hosts answer every address with a page."""
    own_host.aliases["healthz"] = "index.html"
    own_host.missing |= {WASM, *TRIMMED}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")


def test_trying_again_keeps_the_drawing(new_context: NewContext, own_host: StaticHost) -> None:
    own_host.missing |= {WASM, *TRIMMED}
    page = new_context().new_page()
    page.goto(own_host.url)
    draw(page, sample("2"))
    wait_for_engine(page, "none")
    own_host.missing.clear()
    page.get_by_role("button", name="Try again").click()
    wait_for_engine(page)
    expect_answer(page, "2")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.fixture
def worker_ended() -> str:
    """Return the script that ends the worker in which Python runs, as a lack of memory does."""
    return "document.querySelector('script[type=py]').xworker.terminate()"


def test_a_worker_that_dies_is_started_again(
    new_context: NewContext, own_host: StaticHost, worker_ended: str
) -> None:
    page = new_context().new_page()
    page.clock.install()
    page.goto(own_host.url)
    wait_for_engine(page)
    page.evaluate(worker_ended)
    draw(page, sample("9"))
    page.clock.fast_forward("00:16")  # what the page waits for an answer
    expect_answer(page, "9")
    expect(page.locator("html")).to_have_attribute("data-engine", "browser")


def test_the_server_takes_over_from_a_worker_that_dies(
    new_context: NewContext, app: AppServer, worker_ended: str
) -> None:
    page = new_context().new_page()
    page.clock.install()
    page.goto(app.url)
    wait_for_engine(page)
    page.evaluate(worker_ended)
    draw(page, sample("9"))
    page.clock.fast_forward("00:16")
    expect_answer(page, "9")
    expect(page.locator("html")).to_have_attribute("data-engine", "server")
    expect_message(page, "Python did not answer", "The server reads your drawings instead")


def test_a_wrong_drawing_is_an_answer_and_not_a_failure(
    new_context: NewContext, built_site: Path, app: AppServer
) -> None:
    context = new_context()
    context.add_init_script(NO_WEBASSEMBLY)
    page = context.new_page()
    page.goto(app.url)
    wait_for_engine(page, "server")
    settled = page.evaluate(
        """async () => {
            const { engine } = await import(new URL('app.js', document.baseURI));
            return [await engine.read([[[1]]]), await engine.read([])];
        }"""
    )
    assert not settled[0]["ok"]
    assert "strokes[0][0]" in settled[0]["error"]
    assert settled[1]["result"] == {"text": "", "digits": []}
    expect(page.locator("html")).to_have_attribute("data-engine", "server")
