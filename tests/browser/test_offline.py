"""After one visit the page works offline, and a newer version never mixes with an open page."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import build
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    START,
    draw,
    expect_answer,
    sample,
    wait_for_engine,
    wait_to_see,
    wait_until,
)
from tests.browser.hosting import RefusingProxy, StaticHost

CACHES = "async () => (await caches.keys()).filter((name) => name.startsWith('digits '))"


def wait_until_stored(page: Page) -> None:
    """Wait until the page says that it works offline."""
    wait_to_see(page, "#offline", "Ready to work offline")


def visit(new_context: NewContext, host: StaticHost) -> Page:
    """Return a page after a complete first visit."""
    page = new_context().new_page()
    page.goto(host.url)
    wait_until_stored(page)
    return page


def wait_until_fallback_stored(page: Page) -> None:
    """Wait until what the page may fall back on is stored as well."""
    wait_until_stored(page)
    page.evaluate(
        """async () => {
            const { fallback } = await (await fetch('generated/manifest.json')).json();
            for (const { path } of fallback) {
                while (!(await caches.match(path))) {
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
            }
            return fallback.length;
        }"""
    )


def listed(site: Path) -> dict[str, Any]:
    """Return the list of files of a built site."""
    found: dict[str, Any] = json.loads((site / "generated" / "manifest.json").read_text("utf-8"))
    return found


@pytest.fixture
def newer_site(built_site: Path, tmp_path: Path) -> Path:
    """Return a later version of the site, whose page has another name."""
    later = tmp_path / "later"
    shutil.copytree(built_site, later)
    page = later / "index.html"
    page.write_text(page.read_text("utf-8").replace(">Digits</h1>", ">Later</h1>"), "utf-8")
    files = {
        path.relative_to(later).as_posix(): path.read_bytes()
        for path in later.rglob("*")
        if path.is_file()
    }
    fallback = [entry["path"] for entry in listed(built_site)["fallback"]]
    text = json.dumps(build.describe(files, fallback), indent=1)
    (later / "generated" / "precache.js").write_text(f"self.PRECACHE = {text};\n", "utf-8")
    (later / "generated" / "manifest.json").write_text(text, "utf-8")
    for path in (page, *(later / "generated").glob("*.js*")):
        built = path.stat().st_mtime
        os.utime(path, (built + 60, built + 60))  # hosts tell versions apart by the second
    return later


def test_after_one_visit_the_page_works_without_the_network(
    new_context: NewContext, own_host: StaticHost
) -> None:
    page = visit(new_context, own_host)
    own_host.stop()
    page.context.set_offline(True)
    page.reload()
    wait_for_engine(page)
    draw(page, sample("4"))
    expect_answer(page, "4")
    wait_until_stored(page)


def test_on_the_next_visit_files_come_from_the_cache_without_the_service_worker(
    new_context: NewContext, own_host: StaticHost
) -> None:
    page = visit(new_context, own_host)
    page.reload()
    wait_for_engine(page)
    names = page.evaluate(
        """() => performance.getEntriesByType('resource')
            .filter(({ workerMatchedSourceType }) => workerMatchedSourceType === 'cache')
            .map(({ name }) => name.split('/').at(-1))"""
    )
    assert {"app.js", "core.wasm", "engine.py", "manifest.json", "style.css"} <= set(names)


def test_no_other_host_is_asked_for_anything(
    new_context: NewContext, own_host: StaticHost, elsewhere: RefusingProxy
) -> None:
    """All that browsers send elsewhere meets a proxy that refuses and counts."""
    page = visit(new_context, own_host)
    draw(page, sample("6"))
    expect_answer(page, "6")
    page.reload()
    wait_for_engine(page)
    assert dict(elsewhere.hosts) == {}
    stranger = page.context.new_page()  # the counter is not blind
    response = stranger.goto("http://elsewhere.test/")
    assert response is not None
    assert response.status == 403
    assert set(elsewhere.hosts) == {"elsewhere.test"}  # for the page, and its icon
    elsewhere.hosts.clear()


def test_the_first_visit_downloads_nothing_twice(
    new_context: NewContext, own_host: StaticHost
) -> None:
    """The worker takes what the page has loaded out of the browser's own cache.

    That of these tests' windows, which keep nothing on the disk, has no room for the largest files,
    and one may push out what was small and first.
    """
    visit(new_context, own_host)
    largest = {f"generated/{n}.wasm" for n in ("pyodide/core", "python", "snapshot")}
    lists = {"sw.js", "generated/precache.js"}
    asked = {name: own_host.requests[name] for name in own_host.requests if name not in lists}
    assert {name for name, times in asked.items() if times > 1} <= largest
    needed = {entry["path"] for entry in listed(own_host.directory)["files"]}
    assert needed - {"index.html"} <= asked.keys()


def test_a_newer_version_waits_until_the_user_asks_for_it(
    new_context: NewContext, own_host: StaticHost, newer_site: Path
) -> None:
    page = visit(new_context, own_host)
    own_host.directory = newer_site
    page.reload()
    expect(page.get_by_role("heading", name="Digits")).to_be_visible()  # the stored version
    expect(page.get_by_role("alert")).to_contain_text("A newer version", timeout=START)
    wait_for_engine(page)
    draw(page, sample("3"))
    expect_answer(page, "3")
    page.locator("#take").click()
    page.get_by_role("button", name="Copy a link").click()
    expect(page.get_by_role("alert")).not_to_contain_text("A newer version")
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Update").click()  # the offer has waited
    expect(page.get_by_role("heading", name="Later")).to_be_visible(timeout=START)
    expect_answer(page, "3")  # the drawing came along
    wait_until(page, f"(async () => (await ({CACHES})()).length === 1)()")


def test_a_newer_version_loads_only_what_has_changed(
    new_context: NewContext, own_host: StaticHost, newer_site: Path
) -> None:
    page = visit(new_context, own_host)
    wait_until_fallback_stored(page)
    own_host.directory = newer_site
    own_host.requests.clear()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("A newer version", timeout=START)
    asked = set(own_host.requests)
    assert asked <= {"", "index.html", "sw.js", "generated/precache.js"}


def test_a_version_that_is_not_all_there_is_not_used(
    new_context: NewContext, own_host: StaticHost, newer_site: Path
) -> None:
    page = visit(new_context, own_host)
    stored = page.evaluate(CACHES)
    own_host.directory = newer_site
    (newer_site / "index.html").write_text("half of the p", "utf-8")
    page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.ready;
            const ended = new Promise((resolve) => {
                registration.onupdatefound = () => {
                    const { installing } = registration;
                    installing.onstatechange = () => resolve(installing.state);
                };
            });
            await registration.update();
            return ended;
        }"""
    )
    page.reload()
    wait_for_engine(page)
    expect(page.get_by_role("heading", name="Digits")).to_be_visible()
    wait_until(page, f"async (stored) => String(await ({CACHES})()) === stored", arg=str(stored[0]))


def test_what_another_page_of_the_host_deleted_is_not_promised_and_stored_again(
    new_context: NewContext, own_host: StaticHost
) -> None:
    """Many pages delete all of a host's caches that are not their own."""
    page = visit(new_context, own_host)
    page.evaluate("async () => Promise.all((await caches.keys()).map((n) => caches.delete(n)))")
    page.reload()
    wait_until(page, "async () => Boolean(await caches.match('generated/manifest.json'))")
    expect(page.locator("#offline")).to_be_empty()
    own_host.stop()
    page.context.set_offline(True)
    page.reload()
    wait_until_stored(page)


def test_a_page_that_could_not_be_stored_works_and_promises_nothing(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.missing.add("icon.svg")
    page = new_context().new_page()
    page.goto(own_host.url)
    wait_for_engine(page)
    assert end_of_storing(page) == "redundant"
    draw(page, sample("2"))
    expect_answer(page, "2")
    expect(page.locator("#offline")).to_be_empty()


def test_storage_that_is_full_does_not_keep_the_page_from_working(
    new_context: NewContext, own_host: StaticHost
) -> None:
    page = new_context().new_page()
    origin = own_host.url.removesuffix(own_host.prefix)
    page.context.new_cdp_session(page).send(
        "Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1000}
    )
    page.goto(own_host.url)
    wait_for_engine(page)
    assert end_of_storing(page) == "redundant"
    draw(page, sample("6"))
    expect_answer(page, "6")
    expect(page.locator("#offline")).to_be_empty()


def end_of_storing(page: Page) -> str:
    """Wait until a service worker has stored the site or given up; return its state."""
    state: str = page.evaluate(
        """async () => {
            const options = { updateViaCache: 'none' };
            const registration = await navigator.serviceWorker.register('./sw.js', options);
            const worker = registration.installing ?? registration.waiting ?? registration.active;
            return new Promise((resolve) => {
                worker.onstatechange = () => {
                    if (['activated', 'redundant'].includes(worker.state)) resolve(worker.state);
                };
                worker.onstatechange();
            });
        }"""
    )
    return state
