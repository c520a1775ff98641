"""How often a recognizer is wrong, and about what."""

from __future__ import annotations

import math
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

SURE_WITHIN = 1.96
"""So many standard deviations about its mean 95 % of a normal distribution lie."""


def predictions(recognizer: Recognizer, part: Labelled) -> NDArray[np.float32]:
    """Return ``(n, at least 10) float32`` probabilities for every image of ``part``, as drawings or
    pictures have them, computed on several cores.
    """
    chunks = [part.images[first : first + 500] for first in range(0, len(part.images), 500)]
    temperature = 1.0 if part.drawn else recognizer.picture_temperature
    # One thread for each chunk's products: threads of both kinds at once fight over the cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda chunk: recognizer.classify(chunk, temperature), chunks))
    return np.concatenate(results)


def outputs_of(recognizer: Recognizer) -> int:
    """Return how many classes a recognizer knows: ten, or two more for what is no digit
    and for several digits."""
    return int(recognizer.classify(np.zeros((1, SIDE, SIDE), np.uint8)).shape[1])


def answers(
    recognizer: Recognizer, part: Labelled, probabilities: NDArray[np.float32] | None = None
) -> NDArray[np.intp]:
    """Return what each image of ``part`` is read as, ``(n,)``: a digit, or NO_DIGIT.

    ``probabilities`` are its `predictions`, where these are known.
    """
    if probabilities is None:
        probabilities = predictions(recognizer, part)
    refuse_from = recognizer.refuse_from if part.drawn else recognizer.picture_refuse_from
    read: NDArray[np.intp] = probabilities[:, :DIGITS].argmax(axis=1)
    read[probabilities[:, DIGITS:].sum(axis=1) > refuse_from] = NO_DIGIT
    return read


def misread(recognizer: Recognizer, part: Labelled) -> NDArray[np.bool_]:
    """Return which of the images are read wrong: ``(n,)``; several digits are to be refused."""
    wrong: NDArray[np.bool_] = answers(recognizer, part) != np.minimum(part.labels, NO_DIGIT)
    return wrong


def error_rate(recognizer: Recognizer, part: Labelled) -> float:
    """Return the share of images that are read wrong, 0 to 1."""
    return float(misread(recognizer, part).mean())


def interval(errors: int, count: int) -> tuple[float, float]:
    """Return between which shares, 0 to 1, the true one lies with 95 % confidence, where ``errors``
    of ``count`` were wrong.

    Each counts as a draw of its own, though those by one hand have much in common. Source: Wilson,
    "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    share, doubt = errors / count, SURE_WITHIN**2 / count
    middle = (share + doubt / 2) / (1 + doubt)
    spread = math.sqrt(doubt * (share * (1 - share) + doubt / 4)) / (1 + doubt)
    return max(middle - spread, 0.0), min(middle + spread, 1.0)


def error_table(recognizer: Recognizer, parts: Mapping[str, Labelled]) -> str:
    """Return a table for people: the errors of each part, of each digit and, by writers, of each
    site, and between what the error of many more such images would probably be.
    """
    if not parts:
        return "Nothing was measured: there are no images for that."
    lines = [f"{'part':<24}{'digits':>8}{'wrong':>7}{'error':>9}{'95% sure between':>19}"]

    def row(name: str, wrong: NDArray[np.bool_]) -> None:
        count, errors = wrong.size, int(wrong.sum())
        least, most = interval(errors, count)
        between = f"{least:>11.2%} {most:>7.2%}"
        lines.append(f"{name:<24}{count:>8}{errors:>7}{errors / count:>9.2%}{between}")

    for name, part in parts.items():
        wrong = misread(recognizer, part)
        row(name, wrong)
        for digit in range(DIGITS):
            if (part.labels == digit).any():
                row(f"  digit {digit}", wrong[part.labels == digit])
        sites = np.array([writer.split("/")[0] for writer in part.writers])
        for site in sorted(set(sites.tolist())):
            row(f"  site {site}", wrong[sites == site])
    return "\n".join(lines)
