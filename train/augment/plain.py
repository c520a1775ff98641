"""Digits as they were written: to see what variation is worth, and for first trials.

It is not quite none. `train.examples` stretches marks that are no digits whatever the augmentation
is, and gives some digits another form in a run's third cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.ink import PEN_WIDTH
from train.augment.base import Augmentation, Floats, Strokes, register


def same_strokes(strokes: Strokes, rng: np.random.Generator) -> tuple[Strokes, float]:
    """Return the strokes as they were written, and MNIST's pen."""
    return strokes, PEN_WIDTH


def same_images(images: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """Return the images as they are: ``(n, 28, 28) float32`` from 0 to 1."""
    return images * np.float32(1 / 255)


register("none", Augmentation(same_strokes, same_images))
