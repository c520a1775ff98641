"""Other hands that lean farther than in `train.augment.hand`, and pens that skip now and then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.augment.base import Augmentation, Floats, register
from train.augment.hand import HAND, random_affine

SKIPPING, LEANING = 0.15, 0.25
"""So large a share of the drawings is interrupted, or turned and slanted beyond the usual."""


def vary_strokes(
    strokes: Sequence[NDArray[np.floating]], rng: np.random.Generator
) -> tuple[list[Floats], float]:
    """Return another hand's version of a drawing, and the width of its pen in MNIST's pixels."""
    usual, pen_width = HAND.strokes(strokes, rng)
    varied = list(usual)
    if rng.random() < LEANING:
        lean = random_affine(rng, 1, turn=0.2, slant=0.25, stretch=0.05)[0]
        varied = [stroke @ lean for stroke in varied]
    if rng.random() < SKIPPING:
        varied = _interrupted(varied, rng)
    return varied, pen_width


def _interrupted(strokes: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """Lift the pen once on the longest stroke, for up to an eighth of the way."""
    lengths = [_travelled(stroke) for stroke in strokes]
    longest = max(range(len(strokes)), key=lambda i: lengths[i][-1])
    stroke, length = strokes[longest], lengths[longest]
    if length[-1] <= 0:
        return list(strokes)
    begin = rng.uniform(0.1, 0.85) * length[-1]
    end = begin + rng.uniform(0.02, 0.125) * length[-1]
    cut = np.array(
        [[np.interp(at, length, stroke[:, axis]) for axis in (0, 1)] for at in (begin, end)],
        np.float32,
    )
    before = np.concatenate([stroke[length < begin], cut[:1]])
    after = np.concatenate([cut[1:], stroke[length > end]])
    return [*strokes[:longest], before, after, *strokes[longest + 1 :]]


def _travelled(stroke: Floats) -> NDArray[np.float64]:
    """Return how far the pen has come at each point."""
    steps = np.hypot(*np.diff(stroke.astype(np.float64), axis=0).T)
    return np.concatenate(([0.0], np.cumsum(steps)))


SKIPPING_PEN = register("skipping", Augmentation(vary_strokes, HAND.images))
