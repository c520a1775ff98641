"""The page starts on a Python cut to what it uses, and on the stock one where that fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import build
from tests.browser import modules_used
from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, sample, wait_for_engine
from tests.browser.hosting import StaticHost, static_host
from tests.browser.test_failures import expect_message
from tests.browser.test_offline import wait_until_fallback_stored

CUT = "generated/python.wasm"
STOCK = {
    "generated/nn.zip",
    "generated/pyodide/python_stdlib.zip",
    "generated/pyodide/pyodide-lock.json",
}
NO_STORING = "delete Navigator.prototype.serviceWorker"  # it stores the stock files as well
RUNTIME = """async () => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    return engine.about.runtime;
}"""


def warnings(page: Page) -> list[str]:
    """Return a list that fills with what the page warns of on the console."""
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    return seen


@pytest.fixture
def own_site(built_site: Path, tmp_path: Path) -> Iterator[StaticHost]:
    """Return a host of a copy of the site, which the test may change."""
    copy = tmp_path / "site"
    shutil.copytree(built_site, copy)
    with static_host(copy) as host:
        yield host


def test_the_cut_runtime_reads_without_a_file_of_the_stock_one(
    new_context: NewContext, own_host: StaticHost
) -> None:
    context = new_context()
    context.add_init_script(NO_STORING)
    page = context.new_page()
    page.goto(own_host.url)
    wait_for_engine(page)
    draw(page, sample("2"))
    expect_answer(page, "2")
    assert page.evaluate(RUNTIME) == "cut"
    assert own_host.requests[CUT]
    assert not STOCK & own_host.requests.keys()
    assert not any(path.endswith(".whl") for path in own_host.requests)


@pytest.mark.parametrize("fault", ["missing", "cut", "altered"])
def test_the_stock_runtime_takes_over_when_the_cut_one_is_not_whole(
    new_context: NewContext, own_host: StaticHost, fault: str
) -> None:
    getattr(own_host, fault).add(CUT)
    page = new_context().new_page()
    seen = warnings(page)
    page.goto(own_host.url)
    wait_for_engine(page)
    draw(page, sample("5"))
    expect_answer(page, "5")
    assert page.evaluate(RUNTIME) == "stock"
    assert any("taking the stock one" in text and CUT in text for text in seen)


def test_the_stock_runtime_takes_over_when_the_cut_one_cannot_start(
    new_context: NewContext, own_site: StaticHost
) -> None:
    """The archive is whole, but no Python can start from it."""
    modules_used.replace_file(
        own_site.directory, CUT, build.as_module(build.pack_tar({"lib/nothing.txt": b""}))
    )
    page = new_context().new_page()
    seen = warnings(page)
    page.goto(own_site.url)
    wait_for_engine(page)
    draw(page, sample("5"))
    expect_answer(page, "5")
    assert page.evaluate(RUNTIME) == "stock"
    assert any("taking the stock one" in text for text in seen)


@pytest.mark.parametrize("name", sorted(STOCK))
def test_what_both_runtimes_lack_is_named_in_words(
    new_context: NewContext, own_host: StaticHost, name: str
) -> None:
    own_host.missing |= {CUT, name}
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    expect_message(page, "Your drawings cannot be read", name)


def test_a_module_that_was_left_out_is_fetched_when_it_is_needed_after_all(
    new_context: NewContext, own_site: StaticHost
) -> None:
    """Reading pictures, which the page does not do, takes `numpy.ma`."""
    assert "numpy.ma" not in build.read_modules(modules_used.LIST)
    modules_used.add_work(own_site.directory)
    page = new_context().new_page()
    seen = warnings(page)
    page.goto(own_site.url)
    wait_for_engine(page)
    page.evaluate("document.querySelector('script[type=py]').xworker.sync.pictures()")
    assert any("Python needs numpy.ma, which this page left out" in text for text in seen)
    assert sum(path.endswith(".whl") for path in own_site.requests) == 1


def test_what_was_left_out_is_there_offline_too(
    new_context: NewContext, own_site: StaticHost
) -> None:
    assert "numpy.random" not in build.read_modules(modules_used.LIST)
    modules_used.add_work(own_site.directory)
    page = new_context().new_page()
    page.goto(own_site.url)
    wait_until_fallback_stored(page)
    own_site.stop()
    page.context.set_offline(True)
    page.reload()
    wait_for_engine(page)
    chance = page.evaluate("document.querySelector('script[type=py]').xworker.sync.chance()")
    assert chance == np.random.default_rng(0).integers(10)


def test_the_list_of_modules_is_what_the_page_was_seen_to_import(browser: Browser) -> None:
    """`python -m tests.browser.modules_used --write` writes it anew."""
    assert modules_used.find(browser) == set(build.read_modules(modules_used.LIST))
