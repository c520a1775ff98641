"""Other hands: random variations of handwriting, as pure functions and a generator.

Every size is a standard deviation unless it says otherwise: most variants stay close to what was
written, a few go as far as people's hands do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nn.ink import PEN_WIDTH
from train.augment.base import Augmentation, Floats, register


def warp(images: NDArray[np.uint8], rng: np.random.Generator, more: Floats | None = None) -> Floats:
    """Turn, slant, stretch, shift and bend each image: ``(n, 28, 28) uint8`` to float32 from 0 to
    1.

    Each pixel of the result is looked up, between pixels, where an affine map and a smooth random
    displacement send it (Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural
    Networks Applied to Visual Document Analysis", 2003). ``more``, ``(n, 2, 2) float32``, is a map
    for each image on top of the random one.
    """
    count, side = len(images), images.shape[1]
    middle = np.float32((side - 1) / 2)
    line = np.arange(side, dtype=np.float32) - middle
    affine = random_affine(rng, count, turn=0.13, slant=0.14, stretch=0.07)
    if more is not None:
        affine = affine @ more
    shift = rng.uniform(-1.4, 1.4, (count, 2)).astype(np.float32) + middle
    bend = _smooth_field(rng, count, side, size=0.55)
    x = affine[:, 0, 0, None, None] * line + affine[:, 0, 1, None, None] * line[:, None]
    y = affine[:, 1, 0, None, None] * line + affine[:, 1, 1, None, None] * line[:, None]
    x += bend[:, 0] + shift[:, 0, None, None]
    y += bend[:, 1] + shift[:, 1, None, None]
    return _look_up(images, x, y)


def vary_strokes(
    strokes: Sequence[NDArray[np.floating]], rng: np.random.Generator
) -> tuple[list[Floats], float]:
    """Return another hand's version of a drawing, and the width of its pen in MNIST's pixels.

    ``strokes``: one ``(n, 2)`` float array each, in any unit; so are those that come out.

    The whole is turned, its level lines are tilted (see `random_affine`), it is stretched and bent;
    now and then the hand shakes, or the pen reports few points.
    """
    points = np.concatenate(strokes).astype(np.float32)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = max(float(np.ptp(points, axis=0).max()), 1e-6)
    points = (points - middle) / extent  # now within -1/2 and 1/2
    points = points @ random_affine(rng, 1, turn=0.10, slant=0.16, stretch=0.11)[0]
    points += _bend_points(points, rng, size=0.035)
    if rng.random() < 0.3:
        points += rng.normal(0, rng.uniform(0, 0.018), points.shape).astype(np.float32)
    ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    varied = np.split(points, ends)
    if rng.random() < 0.2:
        step = int(rng.integers(2, 5))
        varied = [_thin_out(stroke, step) for stroke in varied]
    pen_width = float(np.clip(PEN_WIDTH * rng.lognormal(0, 0.22), 1.3, 5.0))
    return varied, pen_width


def stretched(strokes: Sequence[NDArray[np.floating]], rng: np.random.Generator) -> list[Floats]:
    """Return a mark that is no digit made wider, narrower, higher or lower: it still is none.

    ``strokes``: one ``(n, 2)`` float array each, in any unit.
    """
    stretch = np.exp(rng.normal(0, 0.22, 2)).astype(np.float32)
    return [np.asarray(stroke, np.float32) * stretch for stroke in strokes]


def random_affine(
    rng: np.random.Generator, count: int, turn: float, slant: float, stretch: float
) -> Floats:
    """Return ``(count, 2, 2) float32`` matrices that stretch a column ``(x, y)``, then slant it
    (uprights lean, level lines stay level), then turn it.

    ``turn`` is in radians, ``slant`` is the tangent of the angle, ``stretch`` is of the logarithm,
    for each axis.

    Points in rows take them the other way about: ``points @ matrix``, as strokes are varied, turns
    first, then tilts the level lines and leaves uprights upright, then stretches. So uprights lean
    more in images than in strokes. The shipped weights have learned from that, so it stays.
    """
    angle, tangent = rng.normal(0, turn, count), rng.normal(0, slant, count)
    scale = np.exp(rng.normal(0, stretch, (count, 2)))
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros(count), np.ones(count)
    rotation = np.stack([cos, -sin, sin, cos], axis=1).reshape(count, 2, 2)
    shear = np.stack([one, tangent, zero, one], axis=1).reshape(count, 2, 2)
    return (rotation @ shear * scale[:, None, :]).astype(np.float32)


@cache
def _spread(side: int, controls: int) -> Floats:
    """Return ``(side, controls)`` weights that make a line of control points a smooth curve."""
    places = np.linspace(0, 1, side)[:, None]
    weights = np.exp(-0.5 * ((places - np.linspace(0, 1, controls)) * (controls - 1) / 0.7) ** 2)
    spread: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return spread


def _smooth_field(rng: np.random.Generator, count: int, side: int, size: float) -> Floats:
    """Return ``(count, 2, side, side)`` smooth displacements: seven random points a side, which
    over 28 pixels are 4.5 apart. The points' standard deviation is 1.6 ``size``; smoothed, that of
    the displacements is about 0.7 ``size``.
    """
    spread = _spread(side, 7)
    controls = rng.standard_normal((count, 2, 7, 7), dtype=np.float32) * np.float32(size * 1.6)
    return spread @ controls @ spread.T


def _bend_points(points: Floats, rng: np.random.Generator, size: float) -> Floats:
    """Return a smooth displacement for each of ``points``, ``(n, 2)`` within about -1/2 and 1/2.

    ``size`` is as in `_smooth_field`.
    """
    spread = _spread(33, 4)
    column, row = np.clip((points + 0.5) * 32, 0, 32).astype(np.intp).T
    controls = rng.standard_normal((2, 4, 4), dtype=np.float32) * np.float32(size * 1.6)
    field = spread @ controls @ spread.T
    return field[:, row, column].T


def _thin_out(stroke: Floats, step: int) -> Floats:
    """Keep every ``step``-th point and the last."""
    kept = stroke[::step]
    return kept if (len(stroke) - 1) % step == 0 else np.concatenate([kept, stroke[-1:]])


def _look_up(images: NDArray[np.uint8], x: Floats, y: Floats) -> Floats:
    """Read ``images`` bilinearly at ``x, y: (n, side, side)``; outside is black."""
    count, side = len(images), images.shape[1]
    width = side + 3  # one black pixel before and two behind: places outside are clipped onto them
    framed = np.zeros((count, width, width), np.float32)
    framed[:, 1:-2, 1:-2] = images
    framed *= np.float32(1 / 255)
    x, y = np.clip(x + 1, 0, side + 1), np.clip(y + 1, 0, side + 1)
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = x - column, y - row
    place = row * width + column + (np.arange(count, dtype=np.int32) * width**2)[:, None, None]
    flat = framed.ravel()
    top: Floats = flat.take(place)
    top += right * (flat.take(place + 1) - top)
    bottom = flat.take(place + width)
    bottom += right * (flat.take(place + width + 1) - bottom)
    top += down * (bottom - top)
    return top


HAND = register("hand", Augmentation(vary_strokes, warp))
