"""Marks that are no digits, made by the computer: what hands also do on a canvas for digits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.data.pen import Drawing

WRITER = "made"
"""Whom these marks name as their writer: they are no one's hand."""

Curve = NDArray[np.float32]


CLOSEST, WIDEST = -0.12, 0.6
"""The gap between two digits of a row, in heights; below 0 they overlap. Half are below 0.06."""
THREE = 0.2
"""So large a share of the rows has a third digit."""


def rows(digits: Sequence[Drawing], count: int, seed: int) -> list[Drawing]:
    """Return ``count`` drawings of two or three of ``digits`` beside each other, about as high as
    each other, many of which touch.

    A row is no digit: whoever has to tell whether marks are one digit or several learns it here.
    """
    rng = np.random.default_rng([seed, 11])
    return [
        _row([digits[i] for i in rng.integers(0, len(digits), 2 + (rng.random() < THREE))], rng)
        for _ in range(count)
    ]


def _row(digits: Sequence[Drawing], rng: np.random.Generator) -> Drawing:
    """Set digits beside each other; two share at most half of the narrower one's width."""
    strokes: list[Curve] = []
    end, width_before = 0.0, 0.0
    for digit in digits:
        height = np.float32(rng.uniform(0.85, 1.15))
        curves = [curve * height for curve in _as_high_as_one(digit.strokes)]
        width = max(float(curve[:, 0].max()) for curve in curves)
        gap = CLOSEST + (WIDEST - CLOSEST) * rng.random() ** 2
        start = end + max(gap, -0.5 * min(width, width_before)) if strokes else 0.0
        place = np.array([start, rng.normal(0, 0.06)], np.float32)
        strokes += [curve + place for curve in curves]
        end, width_before = start + width, width
    return Drawing(WRITER, "".join(digit.label for digit in digits), strokes)


def scribbles(count: int, seed: int) -> list[Drawing]:
    """Return ``count`` drawings that mean nothing: dots, dashes, zigzags, spirals and tangles."""
    rng = np.random.default_rng([seed, 12])
    kinds = (_dots, _dash, _zigzag, _spiral, _tangle, _tangle)
    return [
        Drawing(WRITER, "scribble", kinds[kind](rng)) for kind in rng.integers(0, len(kinds), count)
    ]


def _as_high_as_one(strokes: Sequence[Curve]) -> list[Curve]:
    """Scale a drawing to height 1 (to width 1 if that is more than twice the height), at (0, 0)."""
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = np.float32(1 / max(float(extent[1]), float(extent[0]) / 2, 1e-6))
    return [(stroke - low) * scale for stroke in strokes]


def _dots(rng: np.random.Generator) -> list[Curve]:
    places = rng.uniform(0, 1, (int(rng.integers(1, 4)), 2)).astype(np.float32)
    return [place[None] for place in places]


def _dash(rng: np.random.Generator) -> list[Curve]:
    """Return one line, level to within the slope of a careless hand, with a slight bow."""
    along = np.linspace(0, 1, 12, dtype=np.float32)
    slope, bow = rng.normal(0, 0.12), rng.normal(0, 0.06)
    return [np.stack([along, slope * along + bow * along * (1 - along) * 4], axis=1)]


def _zigzag(rng: np.random.Generator) -> list[Curve]:
    turns = int(rng.integers(5, 14))
    points = np.stack([np.arange(turns) * rng.uniform(0.1, 0.5), np.arange(turns) % 2], axis=1)
    points += rng.normal(0, 0.12, points.shape)
    return [_turned(points, rng)]


def _spiral(rng: np.random.Generator) -> list[Curve]:
    angle = np.linspace(0, 2 * np.pi * rng.uniform(2, 5), 90)
    radius = np.linspace(rng.uniform(0, 0.3), 1, 90) + rng.normal(0, 0.02, 90)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return [_turned(points, rng)]


def _tangle(rng: np.random.Generator) -> list[Curve]:
    """Return a closed curve of several random waves: a scribble that crosses itself often."""
    along = np.linspace(0, 2 * np.pi, 160)[:, None]
    waves = np.arange(1, int(rng.integers(6, 11)))
    size = rng.standard_normal((2, 2, len(waves))) / waves**0.3
    points = np.stack(
        [
            np.sin(along * waves) @ size[axis, 0] + np.cos(along * waves) @ size[axis, 1]
            for axis in (0, 1)
        ],
        axis=1,
    )
    return [points.astype(np.float32)]


def _turned(points: NDArray[np.float64], rng: np.random.Generator) -> Curve:
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned: Curve = (points @ turn).astype(np.float32)
    return turned
