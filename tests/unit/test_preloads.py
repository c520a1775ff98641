"""The page asks early for all that its start needs, and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path

SITE = Path(__file__).parents[2] / "site"
PAGE = (SITE / "index.html").read_text("utf-8")


def imported(name: str) -> set[str]:
    """Return the page's own modules that the one called `name` imports, itself included."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            text = (SITE / module).read_text("utf-8")
            waiting += re.findall(r"^(?:import|export|\}).* from '\./(.*?)';$", text, re.MULTILINE)
    return found


def test_every_module_of_the_start_is_asked_for_once_and_at_once() -> None:
    preloaded = re.findall(r'rel="modulepreload" href="\./([^"]*)"', PAGE)
    own = [name for name in preloaded if not name.startswith("generated/")]
    assert sorted(own) == sorted(imported("early.js") | imported("app.js"))


def test_what_is_asked_for_early_comes_before_the_script_that_holds_up_the_parser() -> None:
    blocking = PAGE.index('<script src="./language.js">')
    places = [match.start() for match in re.finditer('rel="(module)?preload"', PAGE)]
    assert max(places) < blocking
