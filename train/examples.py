"""What a run learns from and what it is measured on: images and drawings, with their labels, in
parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nn.ink import ink
from nn.numbers import DIGITS, NO_DIGIT, SEVERAL
from nn.recognizer import as_input
from train.augment import HAND, Augmentation, other_form, stretched
from train.data import DataError, Drawing
from train.data.pen import DIGITS as PEN_DIGITS


@dataclass(frozen=True)
class Labelled:
    """Images to measure on: ``images: (n, 28, 28) uint8``, ``labels: (n,) uint8``, and each one's
    ``writers`` if known. The images are those of strokes if they were ``drawn``, else pictures.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    writers: Sequence[str] = ()
    drawn: bool = False


@dataclass(frozen=True)
class Examples:
    """Training examples: images, and drawings that are inked anew each time they are asked for.

    Example ``i`` is image ``i``; the drawings come after the images.
    """

    images: NDArray[np.uint8]
    image_labels: NDArray[np.uint8]
    drawings: Sequence[Drawing] = ()
    augmentation: Augmentation = HAND

    def __len__(self) -> int:
        return len(self.images) + len(self.drawings)

    def batch(
        self,
        indices: NDArray[np.integer],
        rng: np.random.Generator,
        unvaried: float = 0.0,
        augmentation: Augmentation | None = None,
        other_forms: bool = False,
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return fresh variants: inputs ``(batch, 28, 28, 1) float32`` and labels ``(batch,)
        uint8``. About the share ``unvaried`` of them is left as it was written. The others are
        varied by ``augmentation``, by default the examples' own. Before that, and whatever it is,
        drawn marks that are no digits are stretched, and with ``other_forms``, which the third
        cycle has, some drawn digits get another form.
        """
        vary = augmentation or self.augmentation
        varied = rng.random(len(indices)) >= unvaried
        images = np.empty((len(indices), 28, 28), np.uint8)
        labels = np.empty(len(indices), np.uint8)
        for place, index in enumerate(indices):
            if index < len(self.images):
                images[place], labels[place] = self.images[index], self.image_labels[index]
            else:
                drawing = self.drawings[index - len(self.images)]
                labels[place] = class_of(drawing)
                if varied[place]:
                    strokes: Sequence[NDArray[np.floating]] = drawing.strokes
                    if labels[place] >= DIGITS:
                        strokes = stretched(strokes, rng)
                    elif other_forms:
                        strokes = other_form(strokes, int(labels[place]), rng)
                    images[place] = ink(*vary.strokes(strokes, rng))
                else:
                    images[place] = ink(drawing.strokes)
        inputs = as_input(images)
        inputs[varied] = vary.images(images[varied], rng)[..., None]
        return inputs, labels


@dataclass(frozen=True)
class Part:
    """What one source of data gives: examples to learn from, and what is held out of them."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    drawings: Sequence[Drawing]
    validation: Labelled
    test: Labelled
    description: str
    """What is learned from, in words."""
    repeated: bool = True
    """Its drawings are seen several times an epoch where the settings ask for that."""


@dataclass(frozen=True)
class Task:
    """All parts of a run's data. The test parts choose nothing: they are measured at the end."""

    train: Examples
    validation: dict[str, Labelled] = field(default_factory=dict)
    test: dict[str, Labelled] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """What the data was, in words, for the weights' metadata."""

    @property
    def outputs(self) -> int:
        """How many classes there are to learn: more than digits if other marks are there."""
        drawn = max((class_of(drawing) for drawing in self.train.drawings), default=0)
        return max(DIGITS, drawn + 1, int(self.train.image_labels.max(initial=0)) + 1)


NO_IMAGES = np.empty((0, 28, 28), np.uint8)
NO_LABELS = np.empty(0, np.uint8)


def class_of(drawing: Drawing) -> int:
    """Return a drawing's digit, SEVERAL for a row of digits, else NO_DIGIT."""
    if drawing.label in PEN_DIGITS:
        return int(drawing.label)
    return SEVERAL if set(drawing.label) <= set(PEN_DIGITS) else NO_DIGIT


def inked_drawings(drawings: Sequence[Drawing]) -> Labelled:
    """Return drawings as the recognizer will see them."""
    images = [ink(drawing.strokes) for drawing in drawings]
    return Labelled(
        np.array(images, np.uint8).reshape(-1, 28, 28),
        np.array([class_of(drawing) for drawing in drawings], np.uint8),
        [drawing.writer for drawing in drawings],
        drawn=True,
    )


def combine(
    parts: Mapping[str, Part], pen_repeats: int = 1, augmentation: Augmentation = HAND
) -> Task:
    """Put the parts of a run's data together, under the names that its figures will have.

    Raises DataError for something that is no labelled image.
    """
    for name, part in parts.items():
        for labelled in (Labelled(part.images, part.labels), part.validation, part.test):
            _check(name, labelled)
    examples = Examples(
        _join([NO_IMAGES, *(part.images for part in parts.values())]),
        _join([NO_LABELS, *(part.labels for part in parts.values())]),
        [
            drawing
            for part in parts.values()
            for drawing in list(part.drawings) * (pen_repeats if part.repeated else 1)
        ],
        augmentation,
    )
    return Task(
        examples,
        {name: part.validation for name, part in parts.items() if len(part.validation.labels)},
        {name: part.test for name, part in parts.items() if len(part.test.labels)},
        {name: part.description for name, part in parts.items()},
    )


def _check(name: str, labelled: Labelled) -> None:
    images, labels = labelled.images, labelled.labels
    if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
        raise DataError(
            f"{name}: expected images of shape ({len(labels)}, 28, 28), as many as there are "
            f"labels, and dtype uint8, got {images.shape} {images.dtype}"
        )
    if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels <= SEVERAL)).all():
        raise DataError(
            f"{name}: expected labels that are whole numbers, 0 to 9 for digits, {NO_DIGIT} for "
            f"no digit, {SEVERAL} for several, got {labels.dtype} from {labels.min(initial=0)} to "
            f"{labels.max(initial=0)}"
        )


def _join(arrays: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Put arrays end to end; a single one that is not empty is not copied."""
    filled = [array for array in arrays if len(array)]
    return filled[0] if len(filled) == 1 else np.concatenate(arrays)
