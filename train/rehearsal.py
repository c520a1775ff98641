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

EXAMPLES = 12_000
"""So many training examples, drawn by lot, are looked at."""
KEPT = 800
HARD = 0.9
"""So many are kept, and this part of them because the network is least sure of them: what is
learned takes those first from their digits. The others are drawn by lot."""
LEVELS = 31
"""Features are stored in so many steps, of their square root: five bits, and no harm measured."""
RIDGE = 0.1
"""Part of the mean variance that is added to each direction's, so that none is blown up."""


def collect(recognizer: Recognizer, examples: Examples, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return the arrays of a rehearsal file for ``recognizer``: see ``nn.teach.Rehearsal``."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(examples))[:EXAMPLES])
    found = features(recognizer.model, _images(examples, chosen))
    kept = found[_hard_and_easy(recognizer, found, rng)]
    scale = np.maximum(found.max(axis=0), 1e-6).astype(np.float32)
    variance, directions = np.linalg.eigh(np.cov(found.T.astype(np.float64)))
    spread = np.sqrt(variance + RIDGE * variance.mean())
    whiten = ((directions / spread) @ directions.T).astype(np.float16)
    weight = last_layer(recognizer.model).params["weight"].astype(np.float64)
    return {
        "features": np.round(np.sqrt(np.clip(kept / scale, 0, 1)) * LEVELS).astype(np.uint8),
        "levels": np.array(LEVELS, np.uint8),
        "scale": scale,
        "mean": found.mean(axis=0).astype(np.float32),
        "whiten": whiten[np.triu_indices(len(whiten))],
        "weight": np.linalg.solve(whiten.astype(np.float64), weight).astype(np.float32),
        "weights": np.frombuffer(recognizer.model_hash.encode(), np.uint8),
    }


def write(path: Path, arrays: dict[str, NDArray[Any]]) -> int:
    """Write a rehearsal file, whole or not at all; return its size in bytes."""
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.tell()


def _images(examples: Examples, chosen: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the chosen examples unvaried, drawings inked: ``(n, 28, 28) uint8``."""
    of_images = len(examples.images)
    drawings = [
        examples.drawings[(index - of_images) % len(examples.drawings)]
        for index in chosen[chosen >= of_images]
    ]
    images = examples.images[chosen[chosen < of_images]]
    return np.concatenate([images, inked_drawings(drawings).images])


def _hard_and_easy(
    recognizer: Recognizer, found: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Choose equally many of each answer: the least certain ones, and a few others by lot."""
    sure = softmax(last_layer(recognizer.model).forward(found))
    answers, ranked = sure.argmax(axis=1), np.sort(sure, axis=1)
    margin = ranked[:, -1] - ranked[:, -2]
    of_each = KEPT // sure.shape[1]
    hard = round(HARD * of_each)
    kept: list[NDArray[np.intp]] = []
    for answer in range(sure.shape[1]):
        own = np.flatnonzero(answers == answer)
        own = own[np.argsort(margin[own], kind="stable")]
        kept += [own[:hard], rng.permutation(own[hard:])[: of_each - hard]]
    return np.concatenate(kept)
