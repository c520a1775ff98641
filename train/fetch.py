"""Gets the data that can be downloaded, and says where the rest comes from and where it goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from train.data import MissingDataError, fetch_mnist, load_mnist, load_pen

KAGGLE = (
    "Kaggle's train.csv and test.csv need an account there: download them from the competition "
    "`digit-recognizer`, unpack them, and name them as `--kaggle train.csv`."
)


def fetch(
    directory: str | os.PathLike[str] | None = None,
    report: Callable[[str], None] = print,
    mirrors: Sequence[str] | None = None,
) -> None:
    """Download MNIST unless it is there, check it, and tell what else is there.

    Args:
        directory: where MNIST's files go; by default the cache.
        report: called with each line of text for a person to read.
        mirrors: where MNIST is downloaded from; by default the usual places.

    Raises:
        DataError: MNIST cannot be downloaded, or what is there is damaged.
    """
    paths = fetch_mnist(directory, mirrors, report)
    mnist = load_mnist(next(iter(paths.values())).parent)
    report(f"MNIST: {len(mnist.train_images)} training and {len(mnist.test_images)} test images")
    try:
        drawings = load_pen()
    except MissingDataError as error:
        report(f"{error}\nTraining goes on without them.")
    else:
        writers = len({drawing.writer for drawing in drawings})
        report(f"pen-drawn digits: {len(drawings)} by {writers} writers")
    report(KAGGLE)
