"""MNIST, or another collection in its four files: images of digits."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from train.data import load_mnist
from train.examples import Labelled, Part
from train.sources.base import Source, register

VALIDATION = 5_000
"""So many of the last training images choose the temperature and show how a run goes."""


def read_mnist(directory: Path | None = None) -> Part:
    """Divide MNIST: its last training images are for validation, its test set is the test.

    A collection that is too small to spare 5,000 gives a tenth. Says what it downloads. Raises
    DataError.
    """
    mnist = load_mnist(directory, partial(print, file=sys.stderr))
    count = len(mnist.train_images)
    cut = count - min(VALIDATION, count // 10)
    return Part(
        mnist.train_images[:cut],
        mnist.train_labels[:cut],
        (),
        Labelled(mnist.train_images[cut:], mnist.train_labels[cut:]),
        Labelled(mnist.test_images, mnist.test_labels),
        f"the first {cut} training images",
    )


register(
    "mnist",
    Source(
        "MNIST",
        "DIR",
        "folder of MNIST's four IDX files (without it: the usual places, else downloaded)",
        read_mnist,
        by_default=True,
    ),
)
