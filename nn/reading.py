"""What was read of a drawing or a picture, mark by mark."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.ink import Box


class Digit(NamedTuple):
    """One mark that was read: a digit, or a point, a minus, or what is none of them."""

    digit: int | None
    """None if it is no digit: ``symbol`` says what it is."""
    confidence: float
    """The probability of ``digit``, or that it is none; a point or a minus was told by its form."""
    probabilities: NDArray[np.float32]
    """``(10,)``, one for each digit; their sum is 1 less the probability that it is none."""
    box: Box
    """``(left, top, right, bottom)`` in the drawing's own units, or in the picture's pixels."""
    image: NDArray[np.uint8]
    """``(28, 28)``, white on black: what the network saw."""
    symbol: str
    """What it is in ``Reading.text``: the digit, ``"."``, ``"-"``, or ``"?"``."""
    strokes: tuple[int, ...] = ()
    """The numbers of the drawing's strokes that it consists of; none in a picture. One in which
    digits are joined is part of several marks."""
    several: bool = False
    """Whether a ``"?"`` is one because it looks like several digits that were not told apart."""


class Reading(NamedTuple):
    """What was read, from left to right, line by line: ``text`` is ``""`` when nothing was drawn.

    ``"42"``, ``"-3.5"``; a mark that is no digit is a ``"?"`` in it. Lines are apart by ``"\\n"``.
    """

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
                    "symbol": found.symbol,
                    "digit": found.digit,
                    "confidence": found.confidence,
                    "probabilities": found.probabilities.tolist(),
                    "box": list(found.box),
                    "image": base64.b64encode(found.image.tobytes()).decode(),
                    "strokes": list(found.strokes),
                    "several": found.several,
                }
                for found in self.digits
            ],
        }


class Sight(NamedTuple):
    """What was made of a mark, whatever row it stands in."""

    image: NDArray[np.uint8]
    box: Box
    answer: NDArray[np.float32]
    """``(at least 10,)``: the probabilities of the digits, and of none."""


Known = dict[tuple[bytes, ...], Sight]
"""What was seen of marks, by the points of their strokes."""
