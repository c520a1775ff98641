"""Reads Kaggle's `test.csv` with the network and writes the `submission.csv` that Kaggle takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn import Recognizer
from nn.numbers import DIGITS
from train.data import DataError, read_kaggle
from train.data.files import replacing
from train.evaluate import predictions
from train.examples import Labelled


class Submission(NamedTuple):
    """What was written.

    Attributes:
        rows: how many images were read.
        wrong: how many of them were read otherwise than their label says; None without labels.
    """

    rows: int
    wrong: int | None


def submit(
    recognizer: Recognizer, source: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Submission:
    """Write a line `ImageId,Label` for each image of a CSV file, ImageId counting from 1.

    Args:
        recognizer: reads the images.
        source: `test.csv`, or a file with labels, `train.csv` or a part of it: they are compared.
        target: the file to write, whole or not at all; an older one is replaced.

    Raises:
        DataError: `source` is not of Kaggle's form, or `target` cannot be written.
    """
    target = Path(target)
    images, labels = read_kaggle(source)
    if target.exists() and target.samefile(source):
        raise DataError(f"{target}: this is the file that is read; name another one to write")
    part = Labelled(images, np.zeros(len(images), np.uint8) if labels is None else labels)
    digits = predictions(recognizer, part)[:, :DIGITS].argmax(axis=1)
    try:
        with replacing(target) as file:
            file.write(_table(digits))
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror or error}") from error
    return Submission(len(digits), None if labels is None else int((digits != labels).sum()))


def _table(digits: NDArray[np.integer]) -> bytes:
    """Return the CSV file's content."""
    lines = (f"{number},{digit}\n" for number, digit in enumerate(digits.tolist(), 1))
    return ("ImageId,Label\n" + "".join(lines)).encode()
