"""How the build says what it does, and why it cannot go on."""

from __future__ import annotations

import sys


class BuildError(Exception):
    """The site cannot be built; the message says what is missing and what to do."""


def say(message: str) -> None:
    """Tell whoever builds what is being done."""
    print(f"build: {message}", file=sys.stderr, flush=True)
