"""Finds MNIST on this computer, else downloads it, and hands it out as four arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.data.download import download
from train.data.errors import DataError, MissingDataError
from train.data.idx import read_idx
from train.data.places import cache_directory, data_directories, find_file, named_folder

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)

# SHA-256 of the uncompressed files: the same digits are handed around in different gzip files.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class Mnist(NamedTuple):
    """MNIST: images `(n, 28, 28) uint8`, white ink (255) on black; labels `(n,) uint8`, 0 to 9."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load_mnist(
    directory: str | os.PathLike[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> Mnist:
    """Load MNIST's training and test sets, or another data set in the same four files.

    Args:
        directory: the only folder to look in; it is not downloaded then. By default the folders
            are `$DIGITS_DATA/mnist`, `data/mnist`, `../shared/data/mnist` and the cache, and
            what none of them has is downloaded into the cache.
        report: called with a line of text for each file to download, for a person to read.

    Raises:
        MissingDataError: files are missing and cannot be downloaded.
        DataError: files are damaged or do not fit together.
    """
    places = data_directories("mnist")
    if directory is not None:
        places = [named_folder(directory, "MNIST's four files")]
    for place in places:
        paths = _find(place)
        if len(paths) == len(SHA256):
            return _read(paths)
    if directory is not None:
        raise MissingDataError(_how_to_get(places[0], places))
    try:
        paths = fetch_mnist(report=report)
    except DataError as error:
        text = _how_to_get(places[0], places)
        raise MissingDataError(f"{text}\nThe download failed: {error}") from error
    return _read(paths)


def fetch_mnist(
    directory: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Download those of MNIST's files that `directory` (default: the cache) does not have.

    Each file is taken from the first mirror whose content has the right SHA-256, and appears in
    the folder whole or not at all.

    Args:
        directory: where the files go.
        mirrors: addresses to which a file name and `.gz` are appended, tried in order; by default
            `MIRRORS`.
        report: called with a line of text for each file, for a person to read.

    Returns:
        the path of each of the four files, by its name without `.gz`.

    Raises:
        DataError: no mirror has a file with the right content.
    """
    place = cache_directory() / "mnist"
    if directory is not None:
        place = named_folder(directory, "MNIST's four files")
    paths = _find(place)
    for name, sha256 in SHA256.items():
        if name not in paths:
            target = place / f"{name}.gz"
            addresses = [
                f"{mirror}{name}.gz" for mirror in (MIRRORS if mirrors is None else mirrors)
            ]
            download(addresses, target, sha256, report)
            paths[name] = target
        elif report is not None:
            report(f"{paths[name]} is already there")
    return paths


def _find(directory: Path) -> dict[str, Path]:
    """Return the paths of those of the four files that are in `directory`, by their usual names."""
    found = {}
    for name in SHA256:
        # Some copies are named train-images.idx3-ubyte, with a point.
        dotted = name.replace("-idx", ".idx")
        path = find_file(directory, (f"{name}.gz", name, f"{dotted}.gz", dotted))
        if path is not None:
            found[name] = path
    return found


def _how_to_get(target: Path, places: Sequence[Path]) -> str:
    """Return what to tell a person who has no MNIST: which files to put where."""
    missing = [name for name in SHA256 if name not in _find(target)]
    looked = "".join(
        f"\n    {place}: {f'only {len(found)} of the 4 files' if found else 'none of the files'}"
        for place in places
        for found in [_find(place)]
    )
    return (
        f"MNIST is missing. Put these files, gzip (.gz) or not, into {target}:\n    "
        + "\n    ".join(missing)
        + f"\nThey were looked for in:{looked}"
    )


def _read(paths: dict[str, Path]) -> Mnist:
    """Read the four files and check that they fit together."""
    parts = []
    for part in ("train", "t10k"):
        image_path = paths[f"{part}-images-idx3-ubyte"]
        label_path = paths[f"{part}-labels-idx1-ubyte"]
        images, labels = read_idx(image_path), read_idx(label_path)
        if images.ndim != 3 or images.shape[1:] != (28, 28):
            raise DataError(
                f"{image_path}: expected images of shape (n, 28, 28), got {images.shape}; "
                "is this MNIST's image file?"
            )
        if labels.ndim != 1:
            raise DataError(
                f"{label_path}: expected labels of shape (n,), got {labels.shape}; "
                "is this MNIST's label file?"
            )
        if len(images) != len(labels):
            raise DataError(
                f"{label_path}: expected {len(images)} labels, as many as {image_path.name} has "
                f"images, got {len(labels)}; the two files are not of one data set"
            )
        if len(images) == 0:
            raise DataError(f"{image_path}: expected at least one image, got none")
        if labels.max() > 9:
            where = int(np.argmax(labels > 9))
            raise DataError(
                f"{label_path}: label {where}, counted from 0: expected a digit from 0 to 9, "
                f"got {labels[where]}"
            )
        parts += [images, labels]
    return Mnist(*parts)
