"""Forms of digits that the data hardly have and people write: slashed zeros, ones with a serif."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.augment.base import Floats

SLASHED, WITH_SERIF = 0.12, 0.2
"""So large a share of drawn zeros gets a slash; of drawn ones, another is drawn in its place."""


def other_form(
    strokes: Sequence[NDArray[np.floating]], digit: int, rng: np.random.Generator
) -> Sequence[NDArray[np.floating]]:
    """Return a drawn digit, now and then in another of its forms.

    ``strokes``: one ``(n, 2)`` float array each, in any unit.
    """
    if digit == 0 and rng.random() < SLASHED:
        return [*strokes, _slash(np.concatenate(strokes), rng)]
    if digit == 1 and rng.random() < WITH_SERIF:
        return [_one_with_serif(rng)]
    return strokes


def _slash(points: NDArray[np.floating], rng: np.random.Generator) -> Floats:
    """Return a line from about the upper right of the points' box to about the lower left."""
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-6)
    ends = np.array([[0.9, 0.1], [0.1, 0.9]]) + rng.normal(0, 0.1, (2, 2))
    line: Floats = (low + ends * extent).astype(np.float32)
    return line


def _one_with_serif(rng: np.random.Generator) -> Floats:
    """Return an upright line of height 1 with a serif to its left."""
    foot, top = np.array([[0.0, 1.0], [0.0, 0.0]]) + rng.normal(0, 0.03, (2, 2))
    tip = top + rng.uniform((-0.33, 0.1), (-0.1, 0.36))
    one: Floats = np.array([tip, top, foot], np.float32)
    return one
