"""Fixtures that tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import build
from tests.browser import chromium


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the complete site, as `python build.py --out` makes it."""
    directory = tmp_path_factory.mktemp("built") / "site"
    build.build_site(out=directory)
    return directory


@pytest.fixture(scope="session")
def stock_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the site on the runtime as it comes, of `python build.py --stock`."""
    directory = tmp_path_factory.mktemp("stock") / "site"
    build.build_site(out=directory, stock=True)
    return directory


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running Chromium; tests open contexts of their own in it."""
    with chromium.driver() as playwright:
        try:
            running = chromium.launch(playwright.chromium)
        except chromium.ChromiumError as error:
            pytest.fail(f"{error}\n`make test` sets one up.", pytrace=False)
        yield running
        running.close()
