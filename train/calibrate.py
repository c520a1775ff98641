"""Makes confidence mean something: a network trained to certainty is told how sure it may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nn.ink import SIDE
from nn.layers import Dense
from nn.losses import softmax
from nn.model import Sequential
from nn.numbers import DIGITS, NO_DIGIT
from nn.recognizer import Recognizer, as_input
from train.evaluate import predictions
from train.examples import Labelled

TEMPERATURES = np.geomspace(0.5, 3, 73)
REFUSED = 0.01
"""So large a share of held-out digits may be taken for no digit."""
LEAST_REFUSAL, MOST_REFUSAL = 0.5, 0.9
STILL_REFUSED = 0.92
"""So large a share of held-out marks that are no digits is refused in pictures, too."""


def calibrate(model: Sequential, parts: Mapping[str, Labelled]) -> float:
    """Divide the last layer's scores by the temperature that fits ``parts`` best, and return it.

    The best is the one of least cross-entropy, each part counting the same; parts without digits
    count only where there are no others, and without any it is 1. No answer changes, only how sure
    it is. Raises ValueError if the last layer is not Dense. Source: Guo, Pleiss, Sun, Weinberger,
    "On Calibration of Modern Neural Networks", 2017.
    """
    last = model.layers[-1] if model.layers else None
    if not isinstance(last, Dense):
        raise ValueError(f"calibrate: expected a Dense layer last, got {type(last).__name__}")
    fitted = [part for part in parts.values() if (part.labels < DIGITS).any()] or parts.values()
    temperature = _best_temperature(model, list(fitted))
    for array in last.params.values():
        array /= np.float32(temperature)
    return temperature


def calibrate_pictures(recognizer: Recognizer, parts: Mapping[str, Labelled]) -> dict[str, float]:
    """Find how sure the network may be of pictures; set that in ``recognizer``, and return it for
    the metadata ``pictures``: ``temperature``, and ``refuse_from``, where refusing begins.

    The temperature of all is too high for pictures where drawings are misread, or mislabelled, more
    often than these. As few digits are refused as goes with refusing STILL_REFUSED of other marks.
    Without pictures, or without other marks, pictures are taken as drawings are.
    """
    pictures = [p for p in parts.values() if not p.drawn and (p.labels < DIGITS).any()]
    if pictures:
        recognizer.picture_temperature = _best_temperature(recognizer.model, pictures)
    recognizer.picture_refuse_from = recognizer.refuse_from
    marks = [part.images[part.labels >= DIGITS] for part in parts.values()]
    others = np.concatenate(marks) if marks else np.empty((0, SIDE, SIDE), np.uint8)
    if pictures and len(others):
        as_pictures = Labelled(others, np.full(len(others), NO_DIGIT, np.uint8))
        none = predictions(recognizer, as_pictures)[:, DIGITS:].sum(axis=1)
        threshold = float(np.quantile(none, 1 - STILL_REFUSED, method="lower"))
        # Rounded downwards: a higher threshold would not refuse the mark that it was read off.
        threshold = math.floor(min(threshold, MOST_REFUSAL) * 10_000) / 10_000
        recognizer.picture_refuse_from = max(recognizer.refuse_from, threshold)
    return {
        "temperature": recognizer.picture_temperature,
        "refuse_from": recognizer.picture_refuse_from,
    }


def refusal_threshold(recognizer: Recognizer, parts: Mapping[str, Labelled]) -> float:
    """Return from which probability of being none on a mark is refused, 0 to 1.

    It is LEAST_REFUSAL, or the least above it that refuses at most REFUSED of any part's digits.
    """
    highest = LEAST_REFUSAL
    for part in parts.values():
        digits = predictions(recognizer, part)[part.labels < DIGITS]
        if len(digits) and digits.shape[1] > DIGITS:
            none = digits[:, DIGITS:].sum(axis=1)
            highest = max(highest, float(np.quantile(none, 1 - REFUSED, method="higher")))
    return min(highest, MOST_REFUSAL)


def calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], bins: int = 15
) -> float:
    """Return the expected calibration error, 0 to 1: how far confidence is from the share of right
    answers.

    Answers are put into ``bins`` by their confidence; each bin's distance counts by its size.
    Source: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", 2015.
    """
    right = probabilities.argmax(axis=1) == labels
    return _distance(probabilities.max(axis=1), right, bins)


def calibration_error_by_chance(
    probabilities: NDArray[np.float32], bins: int = 15, draws: int = 1000
) -> float:
    """Return the mean `calibration_error`, 0 to 1, of so many answers that are as sure as these and
    right just as often as they are sure.

    It is not 0, because in a bin of few answers chance decides how many are right. A measured
    error that is no larger says nothing against the confidence. Source: Bröcker, Smith,
    "Increasing the Reliability of Reliability Diagrams", 2007 (consistency resampling).
    """
    confidence, rng = probabilities.max(axis=1), np.random.default_rng(0)
    drawn = (rng.random(len(confidence)) < confidence for _ in range(draws))
    return float(np.mean([_distance(confidence, right, bins) for right in drawn]))


def _distance(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int) -> float:
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    distances = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(distances).sum() / len(confidence))


def _best_temperature(model: Sequential, parts: Sequence[Labelled]) -> float:
    """Return the one of TEMPERATURES with the least cross-entropy, the mean of the parts'."""
    scored = [(_logits(model, part.images), part.labels) for part in parts]
    losses = [
        sum(_loss(softmax(logits / temperature), labels) for logits, labels in scored)
        for temperature in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))]) if scored else 1.0


def _loss(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return the mean cross-entropy, where all classes that are no digit are one."""
    digits, others = probabilities[:, :DIGITS], probabilities[:, DIGITS:].sum(axis=1)
    merged = np.column_stack([digits, others])
    right = merged[np.arange(len(labels)), np.minimum(labels, DIGITS)]
    return float(-np.log(np.maximum(right, 1e-30)).mean())


def _logits(model: Sequential, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    chunks = range(0, len(images), 500)
    return np.concatenate(
        [model.forward(as_input(images[first : first + 500])) for first in chunks]
    )
