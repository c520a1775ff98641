"""Fetches the modules that the build left out, should one be imported after all.

The page's Python comes with the modules that its work was seen to need. Python runs this file at
its start, as `sitecustomize`. The import of a left-out module then fetches the whole standard
library or the whole of NumPy, as they came, puts what is missing beside what is there, and goes on:
slower, and with a warning on the console.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

PACKAGES = Path(__file__).parent
STANDARD_LIBRARY = PACKAGES.parent


class LeftOutFinder:
    """The last of Python's finders: asked for what no other has found."""

    def __init__(self) -> None:
        self.left_out: frozenset[str] | None = None
        self.fetched: set[Path] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module `name` if the build left it out."""
        if self.left_out is None:
            self.left_out = frozenset((PACKAGES / "left_out.txt").read_text("utf-8").split())
        if name not in self.left_out:
            return None
        place = PACKAGES if name.split(".")[0] == "numpy" else STANDARD_LIBRARY
        if place not in self.fetched:
            unpack_missing(fetch_archive(name, place is PACKAGES), place)
            self.fetched.add(place)
            importlib.invalidate_caches()
        return PathFinder.find_spec(name, path, target)


def fetch_archive(name: str, is_numpy: bool) -> bytes:
    """Return the archive in which the module `name` came; wait for it as for any import."""
    from js import XMLHttpRequest, console, digitsWholeLibrary

    url = digitsWholeLibrary.numpy if is_numpy else digitsWholeLibrary.stdlib
    console.warn(f"Python needs {name}, which this page left out: fetching {url}")
    request = XMLHttpRequest.new()
    request.open("GET", url, False)
    request.responseType = "arraybuffer"
    try:
        request.send()
    except Exception as error:
        raise ImportError(
            f"{name} was left out, and {url} could not be loaded", name=name
        ) from error
    if request.status != 200:
        raise ImportError(
            f"{name} was left out, and {url} could not be loaded: HTTP {request.status}", name=name
        )
    content: bytes = request.response.to_bytes()
    return content


def unpack_missing(archive: bytes, place: Path) -> None:
    """Put the modules in `archive` that are not at `place` there."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        for name in members.namelist():
            if not (place / name).exists() and not (place / f"{name}c").exists():
                members.extract(name, place)


sys.meta_path.append(LeftOutFinder())
