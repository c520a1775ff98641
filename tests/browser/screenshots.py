"""Take the pictures of the page that the README and links to the page show.

    python -m tests.browser.screenshots [DIRECTORY]

Builds the site, opens it in Chromium as a phone and as a desktop, light and dark, draws, and writes
one PNG for each; and light, in the shape that previews of links have.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

import build
from tests.browser import chromium
from tests.browser.drawing import START, draw, expect_answer, number, wait_for_engine
from tests.browser.hosting import static_host

ROOT = Path(__file__).resolve().parents[2]
VIEWS = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "desktop": {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5},
    "preview": {"viewport": {"width": 960, "height": 504}, "device_scale_factor": 1.25},
}
PICTURES = [*product(("phone", "desktop"), ("light", "dark")), ("preview", "light")]


def open_page(browser: Browser, url: str, view: str, scheme: str) -> Page:
    """Open the page and wait until it promises to work offline."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", **VIEWS[view])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    wait_for_engine(page)
    expect(page.locator("#offline")).not_to_be_empty(timeout=START)
    return page


def take_inside(page: Page, path: Path) -> Path:
    """Write a picture of what the page tells about the network; return its path."""
    page.get_by_role("button", name="See how it knows").click()
    expect(page.locator("#evidence")).to_have_accessible_name(re.compile("speaks for"))
    page.screenshot(path=path)
    return path


def take(directory: Path) -> list[Path]:
    """Write all pictures to ``directory`` and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    pictures = []
    with tempfile.TemporaryDirectory() as built, sync_playwright() as playwright:
        site = Path(built) / "site"
        build.build_site(out=site)
        browser = chromium.launch(playwright.chromium)
        with static_host(site) as host:
            for view, scheme in PICTURES:
                page = open_page(browser, host.url, view, scheme)
                size = 0.75 if view == "preview" else 0.5  # previews are shown small
                draw(page, number("52", size=size))
                expect_answer(page, "52")
                page.mouse.move(0, 0)
                path = directory / f"{view}-{scheme}.png"
                page.screenshot(path=path)
                pictures.append(path)
                if view == "desktop":
                    pictures.append(take_inside(page, directory / f"inside-{scheme}.png"))
                page.context.close()
        browser.close()
    return pictures


def main(argv: Sequence[str] | None = None) -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / ".github" / "screenshots")
    options = parser.parse_args(argv)
    for path in take(options.directory):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
