"""Makes what a network rehearses while a visitor teaches it: a few features of training examples.

Made from training data alone, and for one file of weights: other weights have other features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.losses import softmax
from nn.recognizer import Recognizer
from nn.teach import features, last_layer
from train.data.files import replacing
from train.examples import Examples, inked_drawings

KEPT = 1250
CERTAIN = 0.04
"""Of the kept ones each is drawn with a chance that grows with ``sqrt(1 - probability) + CERTAIN``:
what the network is unsure of is the first to be taken from its digit, but what it is sure of says
where most digits lie, and without it less can be learned."""
LEVELS = 9
"""Features are stored in so many steps, of their square root: more examples tell more than more
exact ones."""
LARGEST = 0.999
"""What is larger than this part of a feature's values is stored as if it were as large."""
RIDGE = 0.03
"""Part of the mean variance that is added to each direction's, so that none is blown up."""
ALIKE = 1e-4
"""Of the largest feature: what differs by less does so by rounding, which differs by processor."""


def collect(recognizer: Recognizer, examples: Examples, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return the arrays of a rehearsal file for ``recognizer``: see ``nn.teach.Rehearsal``.

    Raises ValueError for examples that are all alike: they say nothing of what digits differ in.
    """
    rng = np.random.default_rng(seed)
    images = np.concatenate([examples.images, inked_drawings(examples.drawings).images])
    found = features(recognizer.model, images)
    if np.ptp(found, axis=0).max() <= ALIKE * np.abs(found).max():
        raise ValueError(f"expected examples that differ, got {len(found)} that are all alike")
    sure = softmax(last_layer(recognizer.model).forward(found)).max(axis=1).astype(np.float64)
    chance = np.sqrt(np.clip(1 - sure, 0, 1)) + CERTAIN
    count = min(KEPT, len(found))
    kept = found[rng.choice(len(found), count, replace=False, p=chance / chance.sum())]
    scale = np.maximum(np.quantile(found, LARGEST, axis=0), 1e-6).astype(np.float32)
    variance, directions = np.linalg.eigh(np.cov(found.T.astype(np.float64)))
    spread = np.sqrt(variance + RIDGE * variance.mean())
    whiten = ((directions / spread) @ directions.T).astype(np.float16)
    return {
        "features": np.round(np.sqrt(np.clip(kept / scale, 0, 1)) * LEVELS).astype(np.uint8),
        "levels": np.array(LEVELS, np.uint8),
        "scale": scale,
        "mean": found.mean(axis=0).astype(np.float32),
        "whiten": whiten[np.triu_indices(len(whiten))],
        "weights": np.frombuffer(recognizer.model_hash.encode(), np.uint8),
    }


def write(path: Path, arrays: dict[str, NDArray[Any]]) -> int:
    """Write a rehearsal file, whole or not at all; return its size in bytes."""
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.tell()
