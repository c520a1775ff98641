"""Keeps the arrays of a large CSV file beside other downloads, so that it is parsed only once."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data.files import replacing
from train.data.places import cache_directory

Table = tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
"""Images `(n, 28, 28) uint8`, and labels `(n,) uint8` or None."""

VERSION = 1  # of the reader: a change in what it makes of a file makes all that is kept stale
WORTHWHILE_BYTES = 4_000_000  # what is smaller is parsed as fast as it is fetched from here


def place_for(content: bytes) -> Path | None:
    """Return where the arrays of a file with this content are kept; None if it is too small.

    The name is a hash of the content, so an edited file, whatever its time or name, is another
    file. Hashing 77 MB takes a tenth of a second.
    """
    if len(content) < WORTHWHILE_BYTES:
        return None
    return cache_directory() / "tables" / f"v{VERSION}-{hashlib.sha256(content).hexdigest()}.npz"


def fetch(place: Path) -> Table | None:
    """Return the arrays that are kept there; None if there are none, or none that can be used."""
    try:
        with open(place, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, zipfile.BadZipFile):
        return None
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        return None
    if labels.dtype != np.uint8 or labels.shape not in ((0,), (len(images),)):
        return None
    return images, labels if labels.size else None


def keep(place: Path, table: Table) -> None:
    """Keep arrays there if that is possible; a cache that cannot be written is done without."""
    images, labels = table
    with contextlib.suppress(OSError), replacing(place) as file:
        np.savez(file, images=images, labels=np.empty(0, np.uint8) if labels is None else labels)
