"""How often a recognizer is wrong, and about what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nn.ink import SIDE
from nn.numbers import DIGITS, NO_DIGIT
from nn.recognizer import Recognizer
from train.examples import Labelled


def predictions(recognizer: Recognizer, part: Labelled) -> NDArray[np.float32]:
    """Return ``(n, at least 10) float32`` probabilities for every image of ``part``, computed on
    several cores.
    """
    chunks = [part.images[first : first + 500] for first in range(0, len(part.images), 500)]
    # One thread for each chunk's products: threads of both kinds at once fight over the cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(recognizer.classify, chunks))
    return np.concatenate(results)


def outputs_of(recognizer: Recognizer) -> int:
    """Return how many classes a recognizer knows: ten, or two more for what is no digit
    and for several digits."""
    return int(recognizer.classify(np.zeros((1, SIDE, SIDE), np.uint8)).shape[1])


def answers(recognizer: Recognizer, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return what each of ``(n, at least 10)`` probabilities is read as: a digit, or NO_DIGIT."""
    read: NDArray[np.intp] = probabilities[:, :DIGITS].argmax(axis=1)
    read[probabilities[:, DIGITS:].sum(axis=1) > recognizer.refuse_from] = NO_DIGIT
    return read


def error_rate(recognizer: Recognizer, part: Labelled) -> float:
    """Return the share of images that are read wrong, 0 to 1."""
    return float((answers(recognizer, predictions(recognizer, part)) != part.labels).mean())


def error_table(recognizer: Recognizer, parts: Mapping[str, Labelled]) -> str:
    """Return a table for people: the errors of each part, of each digit and, by writers, of each
    site.
    """
    lines = [f"{'part':<24}{'digits':>8}{'wrong':>7}{'error':>9}"]

    def row(name: str, wrong: NDArray[np.bool_]) -> None:
        count, errors = wrong.size, int(wrong.sum())
        lines.append(f"{name:<24}{count:>8}{errors:>7}{errors / count:>9.2%}")

    for name, part in parts.items():
        wrong = answers(recognizer, predictions(recognizer, part)) != part.labels
        row(name, wrong)
        for digit in range(DIGITS):
            if (part.labels == digit).any():
                row(f"  digit {digit}", wrong[part.labels == digit])
        sites = np.array([writer.split("/")[0] for writer in part.writers])
        for site in sorted(set(sites.tolist())):
            row(f"  site {site}", wrong[sites == site])
    return "\n".join(lines)
