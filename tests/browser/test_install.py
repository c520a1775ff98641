"""The page can be installed: a manifest, icons, and the colours of the system around it."""

from __future__ import annotations

import io
import json
from urllib.parse import urljoin, urlsplit

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext
from tests.browser.drawing import START
from tests.browser.hosting import StaticHost
from tests.browser.test_offline import wait_until_stored


def open_page(new_context: NewContext, host: StaticHost) -> Page:
    page = new_context(locale="en").new_page()
    page.goto(host.url)
    expect(page.locator("#pad")).to_be_visible(timeout=START)
    return page


def test_the_browser_finds_nothing_wrong_with_the_manifest(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = open_page(new_context, site_host)
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["url"] == site_host.url + "manifest.webmanifest"
    assert found["errors"] == []
    said = json.loads(found["data"])
    for name in ("start_url", "scope", "id"):
        assert urljoin(found["url"], said[name]) == site_host.url, name  # below the sub-path
    assert not urlsplit(said["start_url"]).netloc


def test_every_icon_is_there_in_the_size_that_is_stated(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = open_page(new_context, site_host)
    manifest = site_host.url + "manifest.webmanifest"
    icons = page.request.get(manifest).json()["icons"]
    stated = [(urljoin(manifest, icon["src"]), icon["sizes"], icon["type"]) for icon in icons]
    for link in page.locator("link[rel=icon], link[rel=apple-touch-icon]").all():
        href = link.get_attribute("href") or ""
        stated.append((urljoin(page.url, href), link.get_attribute("sizes") or "180x180", ""))
    assert {icon["purpose"] for icon in icons} == {"any", "maskable"}
    for url, sizes, mimetype in stated:
        assert url.startswith(site_host.url)
        answer = page.request.get(url)
        assert answer.ok, url
        assert answer.headers["content-type"].startswith(mimetype)
        if sizes == "any":
            continue
        picture = Image.open(io.BytesIO(answer.body()))
        assert picture.size == tuple(int(side) for side in sizes.split("x")), url
        corner = picture.getpixel((0, 0))
        assert isinstance(corner, tuple)
        whole = "maskable" in url or "apple" in url
        assert corner[3] == (255 if whole else 0), url  # the system cuts these to its own shape


def test_what_an_installed_page_needs_is_stored(
    new_context: NewContext, own_host: StaticHost
) -> None:
    page = open_page(new_context, own_host)
    wait_until_stored(page)
    own_host.stop()
    page.context.set_offline(True)
    later = page.context.new_page()
    later.goto(own_host.url)
    expect(later.locator("#clear")).to_have_text("Clear")
    for name in ("manifest.webmanifest", "generated/icons/icon-192.png", "icon.svg"):
        assert later.evaluate("async (name) => (await fetch(name)).ok", name), name
    errors = later.context.new_cdp_session(later).send("Page.getInstallabilityErrors")
    problems = [error["errorId"] for error in errors["installabilityErrors"]]
    # Windows of tests are private ones, from which browsers install nothing.
    assert set(problems) <= {"in-incognito"}, problems


def test_the_bars_of_the_system_have_the_colour_of_the_page(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = open_page(new_context, site_host)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        stated, shown = page.evaluate(
            """(scheme) => {
                const meta = document.querySelector(`meta[name=theme-color][media*=${scheme}]`);
                const probe = document.createElement('p');
                probe.style.color = meta.content;
                document.body.append(probe);
                const stated = getComputedStyle(probe).color;
                probe.remove();
                return [stated, getComputedStyle(document.body).backgroundColor];
            }""",
            scheme,
        )
        assert stated == shown
