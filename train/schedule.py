"""How large the steps are in the course of a run."""

from __future__ import annotations

import math

WARM_UP = 0.05
"""The share of the run in which the learning rate rises from almost nothing."""


def learning_rate(highest: float, step: int, steps: int) -> float:
    """Return the rate for ``step`` of ``steps``: a straight rise, then half a cosine down to zero.

    Source of the shape: Loshchilov and Hutter, "SGDR", 2017, without restarts; the rise is from
    Goyal and others, "Accurate, Large Minibatch SGD", 2017.
    """
    warm_up = WARM_UP * steps
    if step < warm_up:
        return highest * (step + 1) / (warm_up + 1)
    return highest * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
