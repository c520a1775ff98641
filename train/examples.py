"""What a run learns from and what it is measured on: images and drawings, with their labels, in
parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nn.ink import ink
from nn.recognizer import as_input
from train.augment import vary_strokes, warp
from train.data import Drawing, Mnist, split_by_writer

MNIST_VALIDATION = 5_000  # the last of its training images
KAGGLE_HELD_OUT = 0.1  # for validation, and as much again for the test


@dataclass(frozen=True)
class Labelled:
    """Images to measure on: ``images: (n, 28, 28) uint8``, ``labels: (n,) uint8``, and each one's
    ``writers`` if known.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    writers: Sequence[str] = ()


@dataclass(frozen=True)
class Examples:
    """Training examples: images, and drawings that are inked anew each time they are asked for.

    Example ``i`` is image ``i``; the drawings come after the images, all of them ``repeats`` times.
    """

    images: NDArray[np.uint8]
    image_labels: NDArray[np.uint8]
    drawings: Sequence[Drawing] = ()
    repeats: int = 1

    def __len__(self) -> int:
        return len(self.images) + len(self.drawings) * self.repeats

    def batch(
        self, indices: NDArray[np.integer], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return fresh variants: inputs ``(batch, 28, 28, 1) float32`` and labels ``(batch,)
        uint8``.
        """
        images = np.empty((len(indices), 28, 28), np.uint8)
        labels = np.empty(len(indices), np.uint8)
        for place, index in enumerate(indices):
            if index < len(self.images):
                images[place], labels[place] = self.images[index], self.image_labels[index]
            else:
                drawing = self.drawings[(index - len(self.images)) % len(self.drawings)]
                images[place] = ink(*vary_strokes(drawing.strokes, rng))
                labels[place] = int(drawing.label)
        return warp(images, rng)[..., None], labels

    def plain(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return every example once and unvaried, as ``batch`` does."""
        inked = inked_drawings(self.drawings)
        images = np.concatenate([self.images, inked.images])
        return as_input(images), np.concatenate([self.image_labels, inked.labels])


@dataclass(frozen=True)
class Task:
    """All parts of a run's data. The test parts choose nothing: they are measured at the end."""

    train: Examples
    validation: dict[str, Labelled] = field(default_factory=dict)
    test: dict[str, Labelled] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """What the data was, in words, for the weights' metadata."""


def inked_drawings(drawings: Sequence[Drawing]) -> Labelled:
    """Return drawings as the recognizer will see them."""
    images = [ink(drawing.strokes) for drawing in drawings]
    return Labelled(
        np.array(images, np.uint8).reshape(-1, 28, 28),
        np.array([int(drawing.label) for drawing in drawings], np.uint8),
        [drawing.writer for drawing in drawings],
    )


def mnist_task(mnist: Mnist) -> Task:
    """Divide MNIST: its last training images are for validation, its test set is the test.

    A collection that is too small to spare 5,000 gives a tenth.
    """
    count = len(mnist.train_images)
    cut = count - min(MNIST_VALIDATION, count // 10)
    return Task(
        Examples(mnist.train_images[:cut], mnist.train_labels[:cut]),
        {"MNIST": Labelled(mnist.train_images[cut:], mnist.train_labels[cut:])},
        {"MNIST": Labelled(mnist.test_images, mnist.test_labels)},
        {"MNIST": f"the first {cut} training images"},
    )


def kaggle_task(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Task:
    """Divide Kaggle's labelled rows: tenths, always the same ones, for validation and for the test.

    MNIST's own test set is no test here: Kaggle's file holds most of it.
    """
    order = np.random.default_rng(42).permutation(len(images))
    size = int(len(images) * KAGGLE_HELD_OUT)
    test, validation, rest = order[:size], order[size : 2 * size], order[2 * size :]
    return Task(
        Examples(images[rest], labels[rest]),
        {"Kaggle": Labelled(images[validation], labels[validation])},
        {"Kaggle": Labelled(images[test], labels[test])},
        {"Kaggle": f"{len(rest)} rows of train.csv"},
    )


def add_pen(task: Task, drawings: Sequence[Drawing], repeats: int) -> Task:
    """Return ``task`` with pen-drawn digits beside its images, divided by writer."""
    parts = split_by_writer(drawings)
    writers = len({drawing.writer for drawing in parts.train})
    return Task(
        Examples(task.train.images, task.train.image_labels, parts.train, repeats),
        task.validation | {"pen": inked_drawings(parts.validation)},
        task.test | {"pen": inked_drawings(parts.test)},
        task.sources | {"pen": f"{len(parts.train)} digits by {writers} writers"},
    )
