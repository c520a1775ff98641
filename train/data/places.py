"""Where data sets are looked for: the user's folder, then the project's, then the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from train.data.errors import DataError

PROJECT = Path(__file__).resolve().parents[2]


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for files that can be had again: `$DIGITS_CACHE`, else by XDG's rules.

    Raises DataError for a user without a home, as a program in a container may have.
    """
    if environ.get("DIGITS_CACHE"):
        return Path(environ["DIGITS_CACHE"])
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "digits"
    try:
        return Path.home() / ".cache" / "digits"
    except RuntimeError as error:
        raise DataError(
            "this user has no home folder to keep downloads in; name a folder for them in the "
            "environment: DIGITS_CACHE=FOLDER"
        ) from error


def data_directories(name: str, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders to look in for a data set, `mnist` or `unipen`, first choice first.

    `$DIGITS_DATA/name`, then `data/name` in the project, `../shared/data/name` beside it, and the
    cache. The folders need not exist.
    """
    own = [Path(environ["DIGITS_DATA"]) / name] if environ.get("DIGITS_DATA") else []
    return [
        *own,
        PROJECT / "data" / name,
        PROJECT.parent / "shared" / "data" / name,
        cache_directory(environ) / name,
    ]


def named_folder(directory: str | os.PathLike[str], holding: str) -> Path:
    """Return the folder that somebody named; DataError if it is a file, such as one of ``holding``.

    ``holding``: what lies in the folder, in words.
    """
    path = Path(directory)
    if path.is_file():
        raise DataError(f"{path}: expected a folder with {holding}, got a file; name its folder")
    return path


def find_file(directory: Path, names: Iterable[str]) -> Path | None:
    """Return the first of `names` that is a file in `directory`, or None."""
    return next((directory / name for name in names if (directory / name).is_file()), None)
