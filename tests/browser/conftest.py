"""What the tests of the page share: a host below a sub-path, and browsers that see no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.drawing import clear, wait_for_engine
from tests.browser.hosting import AppServer, RefusingProxy, StaticHost, app_server, static_host

SUB_PATH = "/someone/digits/"

NewContext = Callable[..., BrowserContext]

expect.set_options(timeout=30_000)  # a busy machine takes its time


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[RefusingProxy]:
    """Return the proxy between the browsers and all other hosts: it refuses and counts."""
    proxy = RefusingProxy()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def site_host(built_site: Path) -> Iterator[StaticHost]:
    """Return a host with the built site; tests that break something use their own."""
    with static_host(built_site, SUB_PATH) as host:
        yield host


@pytest.fixture
def own_host(built_site: Path) -> Iterator[StaticHost]:
    """Return a static host of this test alone."""
    with static_host(built_site, SUB_PATH) as host:
        yield host


@pytest.fixture
def unread_page(new_context: NewContext, own_host: StaticHost) -> Page:
    """Return a page for which nobody reads: neither Python nor a server is there."""
    own_host.missing.add("engine.py")
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page, "none")
    return page


@pytest.fixture(scope="module")
def module_context(browser: Browser, elsewhere: RefusingProxy) -> Iterator[NewContext]:
    """Return what opens contexts that live as long as a module's tests."""
    yield from _contexts(browser, elsewhere)


@pytest.fixture
def new_context(browser: Browser, elsewhere: RefusingProxy) -> Iterator[NewContext]:
    """Return what opens contexts, each a first visit, that live as long as a test."""
    yield from _contexts(browser, elsewhere)


def _contexts(browser: Browser, elsewhere: RefusingProxy) -> Iterator[NewContext]:
    opened: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        proxy = {"server": elsewhere.url, "bypass": "127.0.0.1"}
        context = browser.new_context(proxy=proxy, **options)  # type: ignore[arg-type]
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def running_page(module_context: NewContext, site_host: StaticHost) -> Page:
    """Return a page on which Python runs: the start is paid once a module."""
    page = module_context().new_page()
    page.goto(site_host.url)
    wait_for_engine(page)
    return page


@pytest.fixture
def page(running_page: Page) -> Iterator[Page]:
    """Return the module's page with nothing drawn.

    Whatever a test does with it, Python has to have the modules that it takes.
    """
    running_page.set_viewport_size({"width": 1280, "height": 720})
    running_page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    clear(running_page)
    left_out: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "which this page left out" in message.text:
            left_out.append(message.text)

    running_page.on("console", note)
    yield running_page
    running_page.remove_listener("console", note)
    assert left_out == []


@pytest.fixture
def app(built_site: Path) -> Iterator[AppServer]:
    """Return the project's own server, which serves the page and answers /predict."""
    with app_server(built_site) as running:
        yield running
