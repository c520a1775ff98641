"""What a network gets wrong on held-out images: how many, which for which, and the worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.model import Sequential
from nn.numbers import DIGITS
from nn.recognizer import Recognizer
from train.evaluate import answers, predictions
from train.examples import Labelled

WORST = 24
"""So many mistakes are kept to be looked at."""


class Mistake(NamedTuple):
    """An image that was read wrong."""

    image: NDArray[np.uint8]
    label: int
    read: int
    confidence: float
    """The probability of the wrong answer."""


class Measured(NamedTuple):
    """The figures of one part of the data."""

    error: float
    """The share of images that are read wrong, 0 to 1."""
    confusion: NDArray[np.intp]
    """How many images of the row's class were read as the column's: ``(10, 10)``, or ``(11, 11)``
    where the last is for all that is no digit.
    """
    mistakes: tuple[Mistake, ...]
    """The most confident first."""


def measure(model: Sequential, parts: Mapping[str, Labelled]) -> dict[str, Measured]:
    """Return the figures of ``model`` on each part."""
    return measure_recognizer(Recognizer(model, {}), parts)


def measure_recognizer(
    recognizer: Recognizer, parts: Mapping[str, Labelled]
) -> dict[str, Measured]:
    """Return the figures of what reads, its own refusals included, on each part."""
    measured = {}
    for name, part in parts.items():
        probabilities = predictions(recognizer, part)
        measured[name] = _measure(probabilities, answers(recognizer, part, probabilities), part)
    return measured


def _measure(
    probabilities: NDArray[np.float32], read: NDArray[np.intp], part: Labelled
) -> Measured:
    confidence = np.where(
        read < DIGITS, probabilities[:, :DIGITS].max(axis=1), probabilities[:, DIGITS:].sum(axis=1)
    )
    labels = np.minimum(part.labels, DIGITS)
    classes = DIGITS + (probabilities.shape[1] > DIGITS or bool((labels == DIGITS).any()))
    confusion = np.zeros((classes, classes), np.intp)
    np.add.at(confusion, (labels, read), 1)
    wrong = np.flatnonzero(read != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:WORST]
    return Measured(
        float((read != labels).mean()),
        confusion,
        tuple(
            Mistake(part.images[i], int(labels[i]), int(read[i]), float(confidence[i]))
            for i in worst
        ),
    )
