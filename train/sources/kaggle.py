"""Kaggle's Digit Recognizer: images of digits as rows of a CSV file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.data import DataError, read_kaggle
from train.examples import Labelled, Part
from train.sources.base import Source, register

HELD_OUT = 0.1
"""This share of the rows is for validation, and as many again for the test, at least one each."""


def read_train_csv(path: Path | None) -> Part:
    """Divide Kaggle's labelled rows: tenths, always the same ones, for validation and for the test.

    MNIST's own test set is no test here: Kaggle's file holds most of it. Raises DataError.
    """
    if path is None:
        raise DataError("--kaggle: expected the path of train.csv")
    images, labels = read_kaggle(path)
    if labels is None:
        raise DataError(f"{path}: expected train.csv, with a column `label`")
    if len(images) < 3:
        raise DataError(
            f"{path}: expected at least 3 rows, one to learn from, one to choose by and one to "
            f"measure on, got {len(images)}"
        )
    order = np.random.default_rng(42).permutation(len(images))
    size = max(1, int(len(images) * HELD_OUT))
    test, validation, rest = order[:size], order[size : 2 * size], order[2 * size :]
    return Part(
        images[rest],
        labels[rest],
        (),
        Labelled(images[validation], labels[validation]),
        Labelled(images[test], labels[test]),
        f"{len(rest)} rows of train.csv",
    )


register(
    "kaggle",
    Source(
        "Kaggle",
        "CSV",
        "Kaggle's train.csv, in MNIST's place (without it: MNIST)",
        read_train_csv,
        instead_of="mnist",
    ),
)
