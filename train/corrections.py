"""Fine-tuning's data: a few corrected digits, many times, among ordinary ones as a rehearsal.

A network that is trained on new examples alone forgets the old ones (McCloskey, Cohen,
"Catastrophic Interference in Connectionist Networks", 1989). What keeps it from that is to go on
seeing some of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data import DataError, read_kaggle
from train.examples import Examples, Labelled, Task

MOST_REPEATS = 50
"""A correction is not seen more often than this an epoch, however few there are."""
WORTH_HOLDING_OUT = 20
"""From this many corrections on, a fifth of them is not learned, to see what is gained."""


def read_corrections(paths: Sequence[Path]) -> Labelled:
    """Read corrected digits from CSV files of Kaggle's form; DataError if one has no labels."""
    tables = []
    for path in paths:
        images, labels = read_kaggle(path)
        if labels is None:
            raise DataError(f"{path}: expected a column `label`: what each digit should be read as")
        tables.append((images, labels))
    return Labelled(
        np.concatenate([images for images, _ in tables]),
        np.concatenate([labels for _, labels in tables]),
        drawn=True,
    )


def divide(corrections: Labelled) -> tuple[Labelled, Labelled]:
    """Return what is learned and what is held out: a fifth, if there are enough.

    An image's own pixels decide, so that it stays where it is when corrections are added.
    """
    held_out = np.array([_draw(image) < 0.2 for image in corrections.images], bool)
    if len(held_out) < WORTH_HOLDING_OUT or held_out.all():  # as copies of one image can be
        held_out[:] = False
    return _part(corrections, ~held_out), _part(corrections, held_out)


def with_corrections(
    task: Task, learned: Labelled, rehearsal: int, share: float, seed: int
) -> Task:
    """Return ``task`` with other training examples: ``rehearsal`` of its own, and corrections.

    The corrections are repeated until about ``share`` of the examples is theirs.
    """
    own = task.train
    drawings = len(own.drawings)
    rng = np.random.default_rng([seed, 3])
    count = min(rehearsal, len(own.images) + drawings)
    chosen = np.sort(rng.permutation(len(own.images) + drawings)[:count])
    of_images = chosen[chosen < len(own.images)]
    of_drawings = chosen[chosen >= len(own.images)] - len(own.images)
    wanted = share / (1 - share) * count / max(1, len(learned.labels))
    repeats = int(np.clip(round(wanted), 1, MOST_REPEATS))
    examples = Examples(
        np.concatenate([own.images[of_images], *[learned.images] * repeats]),
        np.concatenate([own.image_labels[of_images], *[learned.labels] * repeats]),
        [own.drawings[index] for index in of_drawings],
        own.augmentation,
    )
    return dataclasses.replace(task, train=examples)


def _part(labelled: Labelled, which: NDArray[np.bool_]) -> Labelled:
    return Labelled(labelled.images[which], labelled.labels[which], drawn=labelled.drawn)


def _draw(image: NDArray[np.uint8]) -> float:
    """Return a number from 0 to 1 that is as good as random, but always the same for an image."""
    return int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:6], "big") / 2**48
