"""What browsers lack, or hosts change at the wrong moment, ends in a page that works."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import build
from tests.browser import chromium, modules_used
from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, sample, wait_for, wait_for_engine, wait_until
from tests.browser.hosting import StaticHost
from tests.browser.test_runtimes import CUT, ON_CUT, ON_SNAPSHOT, RUNTIME

NO_SIMD = "--js-flags=--no-enable-sse4-1 --no-enable-ssse3 --no-enable-avx"
"""Without these of the processor's instructions, Chromium's WebAssembly has no vectors."""
HAS_SIMD = """WebAssembly.validate(Uint8Array.of(
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
    10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11))"""
PAINTED = """Array.from(document.querySelectorAll('canvas')).filter((canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)
).length"""
COUNT_RESTORED = """() => {
    window.restored = 0;
    addEventListener('contextrestored', () => window.restored++, true);
}"""


def expect_to_read(page: Page) -> None:
    """Wait for Python and have it read."""
    wait_for_engine(page)
    draw(page, sample("8"))
    expect_answer(page, "8")


@pytest.mark.parametrize("runtime", [ON_SNAPSHOT, ON_CUT])
def test_no_decompression_is_needed(
    new_context: NewContext, own_host: StaticHost, runtime: str
) -> None:
    """Hosts compress what they send, so the page need not unpack it."""
    lacking = "delete globalThis.DecompressionStream;"
    own_host.prefixes["runtime.js"] = lacking.encode()  # in the worker
    context = new_context()
    context.add_init_script(lacking)
    page = context.new_page()
    page.goto(own_host.url + runtime)
    expect_to_read(page)
    assert page.evaluate(RUNTIME) == runtime.removeprefix("?runtime=")


def test_a_processor_without_vectors_for_webassembly_reads(
    browser: Browser, own_host: StaticHost
) -> None:
    with_vectors = browser.new_page()
    assert with_vectors.evaluate(HAS_SIMD)
    with_vectors.close()
    lacking = chromium.launch(browser.browser_type, NO_SIMD)
    try:
        page = lacking.new_page()
        page.goto(own_host.url)
        assert not page.evaluate(HAS_SIMD)
        expect_to_read(page)
    finally:
        lacking.close()


def test_what_was_painted_comes_back_when_the_graphics_process_has_ended(
    browser: Browser, own_host: StaticHost
) -> None:
    """Phones end it for want of memory; each canvas is blank then, while the answer stays."""
    own = chromium.launch(browser.browser_type)
    try:
        page = own.new_page()
        page.goto(own_host.url)
        wait_for_engine(page)
        page.locator("#how").click()
        draw(page, sample("8"))
        expect_answer(page, "8")
        wait_until(page, f"{PAINTED} === 11")
        page.evaluate(COUNT_RESTORED)
        own.new_browser_cdp_session().send("Browser.crashGpuProcess")
        wait_until(page, "window.restored === 11")
        assert page.evaluate(PAINTED) == 11
    finally:
        own.close()


def test_hosts_need_not_know_the_ending_of_modules(built_site: Path) -> None:
    """What nginx, as it comes, sends as bytes, browsers do not run."""
    assert list(built_site.rglob("*.mjs")) == []


@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_a_service_worker_that_cannot_register_is_no_matter(
    new_context: NewContext, own_host: StaticHost, fault: str
) -> None:
    getattr(own_host, fault).add("sw.js")
    page = new_context().new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.goto(own_host.url)
    expect_to_read(page)
    warning = "This page will not work offline"
    wait_for(page, lambda: any(warning in text for text in seen), f"the console says {warning}")
    expect(page.locator("#offline")).to_be_empty()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_an_update_that_is_published_while_the_page_loads_is_no_matter(
    new_context: NewContext, own_host: StaticHost, tmp_path: Path
) -> None:
    """The page has the older list of files, and the host the newer files."""
    newer = tmp_path / "newer"
    shutil.copytree(own_host.directory, newer)
    modules_used.replace_file(newer, CUT, build.as_module(b"of another version"))
    own_host.held.add(CUT)
    page = new_context().new_page()
    page.goto(own_host.url + ON_CUT)
    wait_for(page, lambda: own_host.requests[CUT], f"the page asked for {CUT}")
    own_host.directory = newer
    own_host.prefixes[CUT] = b""  # what is held answers from the new directory too
    own_host.release()
    expect_to_read(page)
    assert page.evaluate(RUNTIME) == "stock"
