"""What a source of data is, and the register that makes each one an option of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from train.examples import Part


class Source(NamedTuple):
    """A kind of data set. Registered as ``mnist`` it is the option ``--mnist``."""

    title: str
    """Its name in tables and in the weights' metadata."""
    metavar: str
    """What the option takes: ``DIR`` or ``CSV``."""
    help: str
    """What the option's value is, and where it is looked for without one."""
    read: Callable[[Path | None], Part]
    """Reads it from a place, or from the usual places; raises train.data.DataError."""
    by_default: bool = False
    """It is used although no option names it; the option ``--no-mnist`` leaves it out."""
    may_be_missing: bool = False
    """Where it is in none of the usual places, a run says so and goes on without it."""
    instead_of: str = ""
    """The name of the source that is left out where this one is named."""
    along_with: str = ""
    """The name of the source that this one belongs to: unless it is named itself, it is looked for
    in the same place, and left out where that one is.
    """


SOURCES: dict[str, Source] = {}


def register(name: str, source: Source) -> Source:
    """Give a source its name, which is its option's too; ValueError if it is taken."""
    if name in SOURCES:
        raise ValueError(f"source {name!r} is registered twice")
    SOURCES[name] = source
    return source
