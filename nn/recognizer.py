"""The face of the package: drawings and pictures in, readings out."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn import weights
from nn.image import to_mnist
from nn.ink import SIDE, Strokes, bounding_box, ink, parse_strokes
from nn.losses import softmax
from nn.model import Sequential

DEFAULT_PATH = Path(__file__).with_name("weights.npz")
DIGITS = 10
NO_DIGIT = 10
"""The number of the class that follows the digits: marks that are none."""
BATCH = 256
"""How many images go through the network at once: bounds the memory that ``classify`` takes."""


class Digit(NamedTuple):
    """One digit that was read."""

    digit: int
    confidence: float
    """The probability of ``digit``."""
    probabilities: NDArray[np.float32]
    """``(10,)``, one for each digit."""
    box: tuple[float, float, float, float]
    """``(left, top, right, bottom)`` in the drawing's own units, or in the picture's pixels."""
    image: NDArray[np.uint8]
    """``(28, 28)``, white on black: what the network saw."""


class Reading(NamedTuple):
    """What was read: ``text`` is ``""`` when nothing was drawn."""

    text: str
    digits: tuple[Digit, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain values for JSON.

        Each ``image`` is base64 of 784 bytes, row by row.
        """
        return {
            "text": self.text,
            "digits": [
                {
                    "digit": found.digit,
                    "confidence": found.confidence,
                    "probabilities": found.probabilities.tolist(),
                    "box": list(found.box),
                    "image": base64.b64encode(found.image.tobytes()).decode(),
                }
                for found in self.digits
            ],
        }


class Recognizer:
    """A trained network and the way from a drawing to its answer.

    Several threads may use one at the same time.
    """

    def __init__(self, model: Sequential, metadata: dict[str, Any], model_hash: str = "") -> None:
        self.model, self.metadata, self.model_hash = model, metadata, model_hash

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Recognizer:
        """Read the weights at ``path``, by default those beside the code.

        Raises nn.weights.WeightsError if there are none, or not those of a network that takes
        28x28 pictures and has an output for each digit.
        """
        path = DEFAULT_PATH if path is None else Path(path)
        model, metadata = weights.load(path)
        recognizer = cls(model, metadata, hashlib.sha256(path.read_bytes()).hexdigest())
        try:
            shape = recognizer.classify(np.zeros((1, SIDE, SIDE), np.uint8)).shape
        except (
            ValueError,
            MemoryError,
        ) as error:  # layers that do not fit each other or the picture
            raise weights.WeightsError(
                f"{path}: not a network for 28x28 pictures ({error})"
            ) from error
        if len(shape) != 2 or shape[1] < DIGITS:
            raise weights.WeightsError(f"{path}: expected outputs (1, at least 10), got {shape}")
        return recognizer

    def read(self, strokes: Strokes) -> Reading:
        """Read a drawing: a list of strokes, each a list of ``(x, y)``, y downwards, in any scale.

        Raises nn.ink.StrokesError, which names the point that is wrong.
        """
        parsed = parse_strokes(strokes)
        if not parsed:
            return Reading("", ())
        return self._read_one(ink(parsed), bounding_box(parsed))

    def read_image(self, array: NDArray[Any]) -> Reading:
        """Read a picture of a digit: see ``nn.image.to_mnist`` for what is accepted and raised."""
        found = to_mnist(array)
        if found is None:
            return Reading("", ())
        return self._read_one(*found)

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of ``images: (n, 28, 28) uint8``, white on black.

        ``(n, at least 10) float32``; columns 0 to 9 are the digits. Raises ValueError for another
        shape or dtype.
        """
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
            raise ValueError(
                "expected images of shape (n, 28, 28) and dtype uint8, "
                f"got {images.shape} {images.dtype}"
            )
        logits = [
            self.model.forward(as_input(images[first : first + BATCH]))
            for first in range(0, max(1, len(images)), BATCH)
        ]
        return softmax(np.concatenate(logits))

    def _read_one(
        self, image: NDArray[np.uint8], box: tuple[float, float, float, float]
    ) -> Reading:
        probabilities = self.classify(image[None])[0, :DIGITS]
        digit = int(probabilities.argmax())
        found = Digit(digit, float(probabilities[digit]), probabilities, box, image)
        return Reading(str(digit), (found,))


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn ``(n, 28, 28) uint8`` into the first layer's ``(n, 28, 28, 1) float32`` from 0 to 1."""
    return images[..., None] * np.float32(1 / 255)
