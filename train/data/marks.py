"""Marks that are no digits, made by the computer: what hands also do on a canvas for digits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.data.pen import Drawing

WRITER = "made"
"""Whom these marks name as their writer: they are no one's hand."""

Curve = NDArray[np.float32]


def pairs(digits: Sequence[Drawing], count: int, seed: int) -> list[Drawing]:
    """Return ``count`` drawings of two of ``digits`` beside each other, as high as each other.

    A pair is no digit: whoever has to tell whether two marks are one digit or two learns it here.
    """
    rng = np.random.default_rng([seed, 11])
    made = []
    for first, second in rng.integers(0, len(digits), (count, 2)):
        left, right = (_as_high_as_one(digits[i].strokes) for i in (first, second))
        gap = rng.uniform(0.08, 0.6)
        drop = rng.normal(0, 0.06)
        start = max(float(stroke[:, 0].max()) for stroke in left) + gap
        moved = [stroke + np.array([start, drop], np.float32) for stroke in right]
        label = digits[first].label + digits[second].label
        made.append(Drawing(WRITER, label, [*left, *moved]))
    return made


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
