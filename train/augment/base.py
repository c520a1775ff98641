"""What an augmentation is, and the register by which ``--augmentation`` finds one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Strokes = Sequence[NDArray[np.floating[Any]]]


class Augmentation(NamedTuple):
    """How training examples are varied each time they are seen.

    Both are pure functions of what they are given and a generator, at the top level of a module:
    the process that makes the batches has to find them by name.
    """

    strokes: Callable[[Strokes, np.random.Generator], tuple[Strokes, float]]
    """A drawing's strokes to another version of them and the width of its pen, MNIST's pixels."""
    images: Callable[[NDArray[np.uint8], np.random.Generator], Floats]
    """``(n, 28, 28) uint8`` to other versions, ``(n, 28, 28) float32`` from 0 to 1."""


AUGMENTATIONS: dict[str, Augmentation] = {}


def register(name: str, augmentation: Augmentation) -> Augmentation:
    """Give an augmentation the name by which settings call it; ValueError if it is taken."""
    if name in AUGMENTATIONS:
        raise ValueError(f"augmentation {name!r} is registered twice")
    AUGMENTATIONS[name] = augmentation
    return augmentation
