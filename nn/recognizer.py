"""The face of the package: drawings and pictures in, readings out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn import weights
from nn.aside import strokes_aside, underlining
from nn.curve import rounded
from nn.drawn import Drawn
from nn.image import Picture
from nn.ink import SIDE, Box, Strokes, bounding_box, longer_side, parse_strokes
from nn.layout import UNKNOWN, Parts
from nn.lines import read_lines
from nn.losses import softmax
from nn.mend import goes_on
from nn.model import Sequential
from nn.numbers import DIGITS, NO_DIGIT, SEVERAL, read_row
from nn.pictured import Pictured
from nn.prepared import Prepared
from nn.reading import Digit, Known, Reading, Sight
from nn.row import Row

DEFAULT_PATH = Path(__file__).with_name("weights.npz")
BATCH = 256
"""How many images go through the network at once: it bounds the memory that this takes."""
REFUSE_FROM = 0.5
"""Where the weights' metadata do not say above which probability a mark is no digit."""
COLDEST, HOTTEST = 0.1, 10.0
"""Metadata that ask for another temperature are damaged."""
MOST_ASIDE = 2
"""So many lines, rings or frames are left out, one after the other."""
DUST = 0.8
"""In a picture, what is smaller than this share of a line's width was not made by the pen."""


class Recognizer:
    """A trained network and the way from a drawing to its answer.

    Several threads may use one at the same time.
    """

    def __init__(self, model: Sequential, metadata: dict[str, Any], model_hash: str = "") -> None:
        self.model, self.metadata, self.model_hash = model, metadata, model_hash
        self.network: Sequential | Prepared = model
        """What looks at images: ``model`` itself, which may learn on, unless `load` prepared it."""
        self.refuse_from = metadata.get("refuse_from", REFUSE_FROM)
        """Above this probability a mark is no digit."""
        _check("refuse_from", self.refuse_from, 0, 1)
        pictures = metadata.get("pictures", {})
        if not isinstance(pictures, dict):
            raise ValueError(f"pictures: expected an object, got {str(pictures)[:40]!r}")
        self.picture_temperature = pictures.get("temperature", 1.0)
        """What ``classify`` takes for pictures, as it was found on held-out ones."""
        _check("pictures.temperature", self.picture_temperature, COLDEST, HOTTEST)
        self.picture_refuse_from = pictures.get("refuse_from", self.refuse_from)
        """``refuse_from`` for the marks of pictures."""
        _check("pictures.refuse_from", self.picture_refuse_from, 0, 1)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Recognizer:
        """Read the weights at ``path``, by default those beside the code.

        Raises nn.weights.WeightsError if there are none, or not those of a network that takes
        28x28 pictures and has an output for each digit.
        """
        path = DEFAULT_PATH if path is None else Path(path)
        model, metadata = weights.load(path)
        try:
            recognizer = cls(model, metadata, hashlib.sha256(path.read_bytes()).hexdigest())
        except ValueError as error:
            raise weights.WeightsError(f"{path}: {error}") from error
        try:  # its layers may not fit each other or the picture
            black_and_white = np.stack([np.full((SIDE, SIDE), grey, np.uint8) for grey in (0, 255)])
            with np.errstate(over="ignore", invalid="ignore"):
                scores = model.forward(as_input(black_and_white))
        except (ValueError, MemoryError) as error:
            raise weights.WeightsError(
                f"{path}: not a network for 28x28 pictures ({error})"
            ) from error
        if scores.ndim != 2 or scores.shape[1] < DIGITS:
            raise weights.WeightsError(
                f"{path}: expected outputs (n, at least 10), got {scores.shape}"
            )
        if not np.isfinite(scores).all():
            raise weights.WeightsError(
                f"{path}: its weights are so large that scores are not finite"
            )
        recognizer.network = Prepared(model)
        return recognizer

    def read(self, strokes: Strokes | Sequence[Any], known: Known | None = None) -> Reading:
        """Read a drawing of a number, of one digit or of several beside each other, or of numbers
        below each other.

        ``strokes`` is a list of strokes, each a list of ``(x, y)``, y downwards, in any scale.
        Marks that are in ``known`` already are not looked at again; afterwards it holds those of
        this drawing. Raises nn.ink.StrokesError, which names the point that is wrong.
        """
        parsed = [rounded(stroke) for stroke in parse_strokes(strokes)]
        places = [index for index, stroke in enumerate(strokes) if len(stroke)]

        def read_line(parts: Parts) -> Reading:
            of_line = None if known is None else dict(earlier)
            line = [parsed[part] for part in parts]
            reading = self._read_number(line, [places[part] for part in parts], of_line)
            now.update(of_line or {})
            return reading

        earlier: Known = dict(known or {})
        now: Known = {}
        boxes = [bounding_box([stroke]) for stroke in parsed]
        reading = read_lines(boxes, read_line, partial(goes_on, parsed, boxes))
        if known is not None:
            known.clear()
            known.update(now)
        return reading

    def _read_number(
        self, parsed: list[NDArray[np.float64]], places: list[int], known: Known | None
    ) -> Reading:
        """Read strokes of one line, which are those at ``places`` of the drawing, and leave out
        what is no part of a number.
        """
        earlier = dict(known or {})
        reading = self._read_row(Drawn(parsed, places), known)
        for _ in range(MOST_ASIDE):
            boxes = [bounding_box([stroke]) for stroke in parsed]
            aside = strokes_aside(boxes, reading.text)
            if not aside:
                break
            parsed = [stroke for place, stroke in enumerate(parsed) if place not in aside]
            places = [stroke for place, stroke in enumerate(places) if place not in aside]
            of_these = {**earlier, **(known or {})}
            without = self._read_row(Drawn(parsed, places), of_these)
            is_in_doubt = len(aside) == 1 and aside != underlining(boxes)
            may_be_any_line = without.text == "1" and is_in_doubt
            if UNKNOWN not in without.text and not may_be_any_line:
                reading = without
            if known is not None:
                known.update(of_these)
        return reading

    def read_image(self, array: NDArray[Any]) -> Reading:
        """Read a picture of a number, or of numbers below each other.

        See ``nn.image.Picture`` for what is accepted and raised.
        """
        picture = Picture(array)
        of_pixel, boxes = picture.pieces()
        sizes = [longer_side(box) for box in boxes]
        pen = picture.line_width()
        least = min(DUST * pen, max(sizes, default=0))
        kept = [piece for piece, size in enumerate(sizes) if size >= least]
        ways = [_way_of(pen, boxes[piece]) for piece in kept]

        def read_line(parts: Parts) -> Reading:
            pieces = [kept[part] for part in parts]
            row = Pictured(picture, of_pixel, pieces, [ways[part] for part in parts])
            return self._read_row(row, is_picture=True)

        return read_lines(ways, read_line)

    def classify(self, images: NDArray[np.uint8], temperature: float = 1.0) -> NDArray[np.float32]:
        """Return the probabilities of ``images: (n, 28, 28) uint8``, white on black.

        ``(n, at least 10) float32``; columns 0 to 9 are the digits. A ``temperature`` above 1 makes
        the answers less sure, one below 1 surer: see ``picture_temperature``. Raises ValueError for
        another shape or dtype.
        """
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
            raise ValueError(
                "expected images of shape (n, 28, 28) and dtype uint8, "
                f"got {images.shape} {images.dtype}"
            )
        logits = [
            self.network.forward(as_input(images[first : first + BATCH]))
            for first in range(0, max(1, len(images)), BATCH)
        ]
        scores = logits[0] if len(logits) == 1 else np.concatenate(logits)
        return softmax(scores if temperature == 1 else scores / np.float32(temperature))

    def _read_row(self, row: Row, known: Known | None = None, is_picture: bool = False) -> Reading:
        """Read the parts of one line; for ``known`` see `read`."""
        seen: dict[Parts, Sight] = {}
        temperature, refuse_from = 1.0, self.refuse_from
        if is_picture:
            temperature, refuse_from = self.picture_temperature, self.picture_refuse_from

        def look(marks: list[Parts]) -> NDArray[np.float32]:
            if known:
                contents = {each: row.content(each) for each in marks}
                seen.update((each, known[c]) for each, c in contents.items() if c in known)
            new = [parts for parts in marks if parts not in seen]
            pictures = [row.picture(parts) for parts in new]
            if new:
                images = np.stack([image for image, _ in pictures])
                answers = self.classify(images, temperature)
                for parts, (image, box), answer in zip(new, pictures, answers, strict=True):
                    seen[parts] = Sight(image, box, answer)
            return np.stack([seen[parts].answer for parts in marks])

        digits = []
        for found in read_row(row, look, refuse_from):
            image, box, answer = seen[found.parts]
            is_digit = found.symbol.isdigit()
            likely = answer[:DIGITS].max() if is_digit else answer[DIGITS:].sum()
            digits.append(
                Digit(
                    int(found.symbol) if is_digit else None,
                    float(likely),
                    answer[:DIGITS],
                    box,
                    image,
                    found.symbol,
                    row.strokes(found.parts),
                    found.symbol == UNKNOWN
                    and bool(likely > refuse_from)  # else it is none for where it stands
                    and bool(answer[SEVERAL:].sum() > answer[NO_DIGIT:SEVERAL].sum()),
                )
            )
        if known is not None:
            known.clear()
            known.update((row.content(parts), sight) for parts, sight in seen.items())
        return Reading("".join(found.symbol for found in digits), tuple(digits))


def _check(name: str, value: Any, least: float, most: float) -> None:
    """Raise ValueError, which says what was expected, for what is no number in a range."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and least <= value <= most):
        raise ValueError(f"{name}: expected {least:g} to {most:g}, got {str(value)[:40]!r}")


def _way_of(pen: float, box: Box) -> Box:
    """Return the box of the way that a pen of some width went, as a drawing has it."""
    left, top, right, bottom = box
    across, down = min(pen, right - left) / 2, min(pen, bottom - top) / 2
    return left + across, top + down, right - across, bottom - down


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn ``(n, 28, 28) uint8`` into the first layer's ``(n, 28, 28, 1) float32`` from 0 to 1."""
    return images[..., None] * np.float32(1 / 255)
