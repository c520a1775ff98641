"""Hands and pens far from the usual: leaning more, skipping, thinner or wider than in
`train.augment.hand`.

Most examples are varied as there; some go to what people still read, and no farther.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.ink import travelled
from train.augment.base import Augmentation, Floats, register
from train.augment.hand import HAND, random_affine, warp

LEANING, LOOSE, SKIPPING, THINNER, WIDER = 0.25, 0.25, 0.08, 0.1, 0.05
"""So large a share is turned and slanted beyond the usual, has its strokes moved against each
other, is interrupted, drawn thinner or wider.
"""
TURN, SLANT = 0.2, 0.25
"""Of those that lean: standard deviations in radians, and of the angle's tangent. In an image it is
the uprights that take this slant, in strokes the level lines: see `hand.random_affine`.
"""


def vary_strokes(
    strokes: Sequence[NDArray[np.floating]], rng: np.random.Generator
) -> tuple[list[Floats], float]:
    """Return another hand's version of a drawing, and the width of its pen in MNIST's pixels."""
    usual, pen_width = HAND.strokes(strokes, rng)
    varied = [np.asarray(stroke, np.float32) for stroke in usual]
    if rng.random() < LEANING:
        lean = _lean(rng, 1)[0]
        varied = [stroke @ lean for stroke in varied]
    if len(varied) > 1 and rng.random() < LOOSE:
        varied = [_elsewhere(stroke, rng) for stroke in varied]
    if rng.random() < SKIPPING:
        varied = skipped(varied, rng)
    pen = rng.random()
    if pen < THINNER:
        pen_width *= float(rng.uniform(0.5, 0.8))
    elif pen < THINNER + WIDER:
        pen_width *= float(rng.uniform(1.2, 1.6))
    return varied, pen_width


def vary_images(images: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """Return other versions of ``(n, 28, 28) uint8`` images, ``float32`` from 0 to 1."""
    pen = rng.random(len(images))
    images = images.copy()
    for chosen, pick in (
        (pen < THINNER, np.minimum),
        ((pen >= THINNER) & (pen < THINNER + WIDER), np.maximum),
    ):
        images[chosen] = _with_other_pen(images[chosen], rng, pick)
    leaning = rng.random(len(images)) < LEANING
    more = np.broadcast_to(np.eye(2, dtype=np.float32), (len(images), 2, 2)).copy()
    more[leaning] = _lean(rng, int(leaning.sum()))
    return warp(images, rng, more)


def _lean(rng: np.random.Generator, count: int) -> Floats:
    return random_affine(rng, count, turn=TURN, slant=SLANT, stretch=0.05)


def _with_other_pen(
    images: NDArray[np.uint8], rng: np.random.Generator, pick: np.ufunc
) -> NDArray[np.uint8]:
    """Take one pixel off every stroke, on one side, or add one: the least, or the largest, of each
    pixel and its neighbour.
    """
    axis = int(rng.integers(1, 3))
    other: NDArray[np.uint8] = pick(images, np.roll(images, 1, axis))
    return other


def _elsewhere(stroke: Floats, rng: np.random.Generator) -> Floats:
    """Move a stroke of a drawing that is 1 large a little, and make it larger or smaller."""
    middle = (stroke.min(axis=0) + stroke.max(axis=0)) / 2
    scale = np.exp(rng.normal(0, 0.07, 2)).astype(np.float32)
    moved: Floats = (stroke - middle) * scale + middle + rng.normal(0, 0.03, 2).astype(np.float32)
    return moved


def skipped(strokes: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """Lift the pen once on the longest stroke, for up to an eighth of the way."""
    lengths = [travelled(stroke.astype(np.float64)) for stroke in strokes]
    longest = max(range(len(strokes)), key=lambda i: lengths[i][-1])
    stroke, length = strokes[longest], lengths[longest]
    if length[-1] <= 0:
        return list(strokes)
    begin = rng.uniform(0.1, 0.85) * length[-1]
    end = begin + rng.uniform(0.02, 0.125) * length[-1]
    cut = np.array(
        [[np.interp(at, length, stroke[:, axis]) for axis in (0, 1)] for at in (begin, end)],
        np.float32,
    )
    before = np.concatenate([stroke[length < begin], cut[:1]])
    after = np.concatenate([cut[1:], stroke[length > end]])
    return [*strokes[:longest], before, after, *strokes[longest + 1 :]]


FAR = register("far", Augmentation(vary_strokes, vary_images))
