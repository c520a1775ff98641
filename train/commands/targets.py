"""Where a command writes: to a file that can be had, and that is none of those it reads."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection
from pathlib import Path

from train.commands.parsing import UsageError
from train.sources import SOURCES

READ = {*SOURCES, "weights", "corrections", "config"}
"""The options that name what is read; the table of `predict` is train.submit's to keep."""


def check_target(options: argparse.Namespace, name: str, may_replace: Collection[str] = ()) -> None:
    """Raise UsageError if an option's file cannot be written, or another option says to read it.

    What the options in ``may_replace`` name may be written over. Nothing is wrong with an option
    that was left out. This comes before the work, which may take hours.
    """
    target: Path | None = getattr(options, name)
    if target is None:
        return
    if target.is_dir():
        raise UsageError(f"--{name}: {target} is a folder; expected the name of a file")
    if target.exists() and not target.is_file():
        raise UsageError(f"--{name}: {target} is no file, but a pipe or a device; name a file")
    folder = next(each for each in target.absolute().parents if each.exists())
    if not folder.is_dir():
        raise UsageError(f"--{name}: {folder} is a file; expected a folder")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--{name}: nothing can be written to the folder {folder}")
    for other in READ.intersection(vars(options)).difference(may_replace):
        value = getattr(options, other)
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path) and path.resolve() == target.resolve():
                raise UsageError(
                    f"--{name} {target}: this is the file that is read; name another one to write"
                )
