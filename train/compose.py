"""Numbers composed of digits, to measure how often a whole number is read right."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nn.ink import SIDE
from nn.recognizer import Recognizer
from train.data import Drawing

NUMBERS = 1000
HEIGHT = 100.0
"""Of a digit, in the numbers' own units."""
JITTER = 0.1
"""A digit is that much of the height larger or smaller, higher or lower, at most."""
GAPS = 0.15, 0.6
"""Between two digits' boxes, in heights."""
TOUCHING = -0.1, 0.05
"""The same of digits in a hurry: they touch, or one reaches over the other."""
SIGNS = ".-"
BY_THE_FOOT = 0.08, 0.3
"""Between a digit's foot, which another part may lean over, and the point after it, in heights."""
FOOT = 0.7
"""The foot is what lies lower than this, in heights."""
BELOW = 0.25, 1.0
"""Between two lines, in heights."""
INDENT = 0.5
"""So many heights a line begins farther to the right, at most."""
MARGIN = 8
"""Of paper around a picture, pixels."""
APART, JOINED = (3, 12), (-3, 0)
"""The gaps in pictures, in pixels of MNIST's images, whose digits are some 20 high."""


class Number(NamedTuple):
    """A number and its strokes."""

    text: str
    strokes: list[NDArray[np.float64]]


def numbers(
    drawings: Sequence[Drawing],
    count: int = NUMBERS,
    seed: int = 0,
    gaps: tuple[float, float] = GAPS,
    signs: str = "",
) -> list[Number]:
    """Return numbers of two to four digits, each of one writer's, beside each other.

    With ``signs``, each has one of them: a point within it, or a minus before it.
    """
    rng = np.random.default_rng([seed, 13])
    by_writer: dict[str, list[Drawing]] = {}
    for drawing in drawings:
        by_writer.setdefault(drawing.writer, []).append(drawing)
    writers = [digits for digits in by_writer.values() if len(digits) >= 2]
    if not writers:
        return []
    composed = []
    for _ in range(count):
        own = writers[rng.integers(len(writers))]
        chosen = [own[rng.integers(len(own))] for _ in range(rng.integers(2, 5))]
        if signs:
            sign = signs[rng.integers(len(signs))]
            place = 0 if sign == "-" else rng.integers(1, len(chosen))
            chosen.insert(place, Drawing(own[0].writer, sign, _sign(sign, rng)))
        composed.append(
            Number("".join(drawing.label for drawing in chosen), in_a_row(chosen, rng, gaps))
        )
    return composed


def in_lines(drawings: Sequence[Drawing], count: int = NUMBERS, seed: int = 0) -> list[Number]:
    """Return numbers of two to four digits below each other, two or three of one writer's."""
    rng = np.random.default_rng([seed, 15])
    composed = []
    for _ in range(count if drawings else 0):
        writer = drawings[int(rng.integers(len(drawings)))].writer
        own = [drawing for drawing in drawings if drawing.writer == writer]
        lines = numbers(own, int(rng.integers(2, 4)), int(rng.integers(1 << 31)))
        strokes: list[NDArray[np.float64]] = []
        bottom = 0.0
        for line in lines:
            points = np.concatenate(line.strokes)
            place = np.array([rng.uniform(0, INDENT) * HEIGHT, bottom]) - points.min(axis=0)
            strokes += [stroke + place for stroke in line.strokes]
            bottom += float(np.ptp(points[:, 1])) + HEIGHT * rng.uniform(*BELOW)
        if lines:
            composed.append(Number("\n".join(line.text for line in lines), strokes))
    return composed


class Picture(NamedTuple):
    """A number and its picture, ``(height, width) uint8``."""

    text: str
    pixels: NDArray[np.uint8]


def pictures(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    count: int = NUMBERS,
    seed: int = 0,
    gaps: tuple[int, int] = APART,
) -> list[Picture]:
    """Return pictures of numbers of two to four of MNIST's digits, beside each other: white on
    black.
    """
    rng = np.random.default_rng([seed, 14])
    composed = []
    for _ in range(count):
        chosen = rng.integers(0, len(images), rng.integers(2, 5))
        digits = [image[:, image.any(axis=0)] for image in images[chosen]]
        most = sum(digit.shape[1] for digit in digits) + len(digits) * max(0, *gaps)
        field = np.zeros((SIDE + 2 * MARGIN, most + 2 * MARGIN), np.uint8)
        left = right = MARGIN
        for digit in digits:
            # Where the one before is narrow, it is not passed.
            left = max(left + 1, right + int(rng.integers(*gaps, endpoint=True)))
            right = left + digit.shape[1]
            top = MARGIN + int(rng.integers(-2, 3))
            window = field[top : top + SIDE, left:right]
            np.maximum(window, digit, out=window)
        text = "".join(str(label) for label in labels[chosen])
        composed.append(Picture(text, field[:, : right + MARGIN]))
    return composed


def pictures_in_lines(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], count: int = NUMBERS, seed: int = 0
) -> list[Picture]:
    """Return pictures of two or three such numbers below each other."""
    rng = np.random.default_rng([seed, 16])
    composed = []
    for _ in range(count):
        lines = pictures(images, labels, int(rng.integers(2, 4)), int(rng.integers(1 << 31)))
        wide = max(line.pixels.shape[1] for line in lines)
        # Digits take 20 of the 28 rows of MNIST's images: half as many are between two lines.
        rows = [
            np.pad(line.pixels[MARGIN:-MARGIN], ((2, 2), (0, wide - line.pixels.shape[1])))
            for line in lines
        ]
        field = np.pad(np.concatenate(rows), ((MARGIN, MARGIN), (0, 0)))
        composed.append(Picture("\n".join(line.text for line in lines), field))
    return composed


def share_read_whole(recognizer: Recognizer, composed: Sequence[Number | Picture]) -> float:
    """Return the share of the numbers that are read right in every digit, 0 to 1."""

    def is_right(number: Number | Picture) -> bool:
        if isinstance(number, Picture):
            return recognizer.read_image(number.pixels).text == number.text
        return recognizer.read(number.strokes).text == number.text

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return float(np.mean(list(pool.map(is_right, composed))))


def in_a_row(
    drawings: Sequence[Drawing], rng: np.random.Generator, gaps: tuple[float, float] = GAPS
) -> list[NDArray[np.float64]]:
    """Return the strokes of digits, and signs, beside each other, about ``HEIGHT`` high."""
    strokes: list[NDArray[np.float64]] = []
    left = right = foot = 0.0
    for drawing in drawings:
        points = np.concatenate(drawing.strokes).astype(np.float64)
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        if drawing.label in SIGNS:
            near = foot + HEIGHT * rng.uniform(*BY_THE_FOOT) if drawing.label == "." else left
            strokes += [stroke + np.array([near - low[0], 0]) for stroke in drawing.strokes]
            right = max(right, near + extent[0])
        else:
            height = HEIGHT * (1 + rng.uniform(-JITTER, JITTER))
            scale = height / max(extent[1], extent[0] / 2, 1e-9)
            line = HEIGHT * (1 + rng.uniform(-JITTER, JITTER))
            place = np.array([left, line - extent[1] * scale])
            placed = [(stroke - low) * scale + place for stroke in drawing.strokes]
            right = left + extent[0] * scale
            ink = np.concatenate(placed)
            foot = float(ink[ink[:, 1] >= line - (1 - FOOT) * HEIGHT, 0].max())
            strokes += placed
        left = right + HEIGHT * rng.uniform(*gaps)
    return strokes


def _sign(sign: str, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """Return a sign at its height in a row: a tap, a filled dot or a tick; or a dash."""
    kind, down = rng.integers(3), rng.uniform(0.9, 1.03)
    stroke = np.zeros((1, 2))
    if sign == "-":
        length, tilt, down = rng.uniform(0.2, 0.6), rng.uniform(-0.15, 0.15), rng.uniform(0.4, 0.62)
        stroke = np.array([[0, 0], [length, length * tilt]])
    elif kind == 1:
        turns = np.linspace(0, rng.uniform(4, 12), 10)
        stroke = rng.uniform(0.02, 0.08) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    elif kind == 2:
        length, direction = rng.uniform(0.05, 0.15), rng.uniform(1.2, 2.4)
        stroke = length * np.array([[0, 0], [np.cos(direction), np.sin(direction)]])
    return [(HEIGHT * (stroke + np.array([0, down]))).astype(np.float32)]
