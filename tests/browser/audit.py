"""Looks for what keeps people out: axe-core, run in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def audit(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds wrong: rule and elements. The test fails where it is missing."""
    if not AXE.exists():
        pytest.fail("axe-core is not installed: `make lint-js` installs it")
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        """async () => (await axe.run()).violations.map(({ id, help, nodes }) => (
            { id, help, elements: nodes.map(({ html, failureSummary }) => [html, failureSummary]) }
        ))"""
    )
    return found
