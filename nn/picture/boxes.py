"""Boxes for a digit each, as forms have them: their sides are no ink, even where digits touch.

A piece of ink that has four corners and thin straight sides is boxes: one, or several of the same
size beside and below each other. The sides are found where most ink lies along them, and taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.picture.closing import opened
from nn.picture.crossing import STRONGER, Line, without_lines
from nn.picture.median import median
from nn.picture.pieces import Grey, Mask, grown, numbered
from nn.picture.sheet import corners_of, filled_up, is_quadrangle
from nn.picture.side import Points, Side, along, at, meeting, settled

# A box
LEAST, LEAST_ALONE = 12, 20  # pixels: it is no smaller, among others and alone,
NARROW, WIDE = 0.55, 1.6  # nor narrower or wider, of its height, among others;
SLIMMEST = 0.6  # alone it may be a frame about a number, but is no narrower: that may be a 0
WRITTEN = 0.3  # of its height has ink within it where it is in use;
ALIKE = 0.85  # others are boxes if they are nearly as large as one in use
MARGIN, SAMPLES = 0.12, 24  # of its width and height are not looked at; places along and down are

# The piece of ink
TRIED = 12  # so many are looked at: it bounds the time
BEYOND = 3  # what reaches so many sides of the picture goes on there: squared paper, a table
OUTSIDE = 0.25  # of its height: what sticks out of boxes is thinner
EVEN = 0.85  # of the side opposite: so long is each,
SQUARE = 0.25  # and the cosine of the angle at a corner is no farther from 0
HOLLOW = 0.4  # of what lies within boxes has no ink, or they are a sheet

# A side
STRONG = 0.5  # of full ink: what is written on it is stronger, but makes it no likelier
MOVED = 3, 1  # pixels: so far is an outer, an inner one from where it is looked for
COVERED, COVERED_ALONE = 0.86, 0.94  # of it is inked, of several boxes' and of one alone
BETTER = 0.03  # so much less is inked of what divides boxes only seemingly into more
ASTRAY, SLACK = 0.05, 2  # of a box's width, and pixels, from its place among equal boxes
NEARER = 0.01  # so much of it makes up for being that far from its place
ONWARDS = 0, 12  # pixels beyond its ends: level ones that go on there,
ONWARD = 0.8  # for so much of it, are the paper's lines
WIDEST, LEAST_WIDE = 32, 4  # would fill the picture, and pixels: to either side it is no wider,
DENSE, SOFT = 0.4, 0.75  # nor than so much of it is inked; and pixels: so soft is its edge


class Boxes(NamedTuple):
    """Boxes of one size: all their sides, width and height together, and whether one is in use."""

    sides: list[Side]
    size: NDArray[np.float64]
    are_written_in: bool


def without_boxes(ink: Grey, least: float, body: float) -> Grey:
    """Return ``ink: (h, w)``, full ink 1, without the sides of boxes, itself if there are none.

    Sides are at least ``least`` strong; ``body`` is what holds strokes together, which stay where
    they go over a side.
    """
    inked = ink > least
    found = [boxes for corners in _corners(inked) if (boxes := _boxes(ink, inked, corners))]
    written = [boxes.size for boxes in found if boxes.are_written_in]
    lines = [
        _line(side, ink, inked)
        for boxes in found
        if any(
            (boxes.size >= ALIKE * size).all() and (size >= ALIKE * boxes.size).all()
            for size in written
        )
        for side in boxes.sides
    ]
    return _without_crumbs(without_lines(ink, lines, body), lines, body) if lines else ink


def _without_crumbs(ink: Grey, lines: Sequence[Line], body: float) -> Grey:
    """The ink without pieces that lie beside lines, all of them: what is left of the lines."""
    of_pixel, boxes = numbered(ink > body)
    beside = grown(np.logical_or.reduce([line.pixels for line in lines]), 1)
    elsewhere = np.bincount(of_pixel[~beside & (of_pixel >= 0)], minlength=len(boxes))
    crumbs = np.isin(of_pixel, np.flatnonzero(elsewhere == 0))
    return np.where(crumbs | (grown(crumbs, 1) & (of_pixel < 0)), np.float32(0), ink)


def _corners(inked: Mask) -> Iterator[Points]:
    """Yield the four corners of each piece that may be boxes, clockwise from the lower right."""
    of_pixel, edges = numbered(inked)
    sizes = edges[:, 2:] - edges[:, :2]
    count = np.bincount(of_pixel[inked], minlength=len(edges))
    large = np.flatnonzero((sizes.min(axis=1) >= LEAST) & (count >= COVERED * sizes.sum(axis=1)))
    for piece in large[np.argsort(-sizes[large].prod(axis=1))][:TRIED]:
        left, top, right, bottom = edges[piece].tolist()
        seen = of_pixel == piece
        if sum(rim.any() for rim in (seen[0], seen[-1], seen[:, 0], seen[:, -1])) >= BEYOND:
            continue
        filled = filled_up(seen[top:bottom, left:right])
        within = opened(filled, int(OUTSIDE * min(filled.shape)) | 1)
        if not within.any() or not is_quadrangle(within):
            continue
        corners = np.stack(corners_of(within), axis=1) + np.array([left - 0.5, top - 0.5])
        if _is_square(np.roll(corners, -1, axis=0) - corners):
            yield corners


def _is_square(ways: Points) -> bool:
    """Tell whether four sides, the ways along them, are long enough for boxes, about as long as the
    ones opposite, and meet at about right angles.
    """
    lengths = np.sqrt((ways**2).sum(axis=1))
    turns = abs((ways * np.roll(ways, -1, axis=0)).sum(axis=1))
    return bool(
        lengths.min() >= LEAST
        and (lengths >= EVEN * np.roll(lengths, 2)).all()
        and (turns <= SQUARE * lengths * np.roll(lengths, -1)).all()
    )


def _boxes(ink: Grey, inked: Mask, corners: Points) -> Boxes | None:
    """Return the boxes between four corners; None if there are none."""
    outer = [Side(corners[i], corners[(i + 1) % 4]) for i in range(4)]
    lines = np.minimum(ink, np.float32(STRONG))
    for _ in range(2):
        outer = [settled(lines, side, MOVED[0]) for side in outer]
        strength = sum(median(along(ink, side)) for side in outer) / 4
        lines = np.minimum(ink, np.float32(strength))
    near = grown(inked, 1)
    covered = min(along(near, side).mean() for side in outer)
    if covered < COVERED or not _is_square(np.stack([side.way for side in outer])):
        return None
    if all(_goes_on(inked, side) for side in (outer[0], outer[2])):  # the paper's lines
        return None
    lower_right, lower_left, upper_left, upper_right = (
        meeting(outer[i - 1], outer[i]) for i in range(4)
    )
    top, bottom = Side(upper_left, upper_right), Side(lower_left, lower_right)
    left, right = Side(upper_left, lower_left), Side(upper_right, lower_right)
    level = _between(left, right, LEAST, lines, near)
    upright = _between(top, bottom, NARROW * left.length / (len(level) + 1), lines, near)
    if level and top.length / (len(upright) + 1) > WIDE * left.length / (len(level) + 1):
        level, upright = [], _between(top, bottom, NARROW * left.length, lines, near)
    within = _within(inked, top, left, len(upright) + 1, len(level) + 1)
    if within.mean() > 1 - HOLLOW:
        return None
    are_written_in = bool((within.any(axis=3).mean(axis=1) >= WRITTEN).any())
    if not level and not upright:
        is_box = left.length >= LEAST_ALONE and top.length >= SLIMMEST * left.length
        if not is_box or covered < COVERED_ALONE:
            return None
    size = np.array([top.length, left.length])
    return Boxes([*outer, *upright, *level], size, are_written_in)


def _within(inked: Mask, top: Side, left: Side, columns: int, rows: int) -> Mask:
    """Return what lies within equal boxes and is not near their sides, ``(rows, SAMPLES, columns,
    SAMPLES)``.
    """
    inner = np.linspace(MARGIN, 1 - MARGIN, SAMPLES)
    across, down = ((np.arange(count)[:, None] + inner) / count for count in (columns, rows))
    return at(inked, top.points(across) + (left.points(down) - left.start)[:, :, None, None])


def _goes_on(inked: Mask, side: Side) -> bool:
    """Tell whether a side goes on beyond one of its ends, and does not only meet another box's."""
    further = np.pad(inked, ONWARDS[1])
    ahead = np.arange(*ONWARDS) / side.length
    side = Side(side.start + ONWARDS[1], side.end + ONWARDS[1])
    beside = side.across * np.arange(-1, 2)[:, None, None]
    return any(
        at(further, side.points(ends) + beside).any(axis=0).mean() >= ONWARD
        for ends in (1 + ahead, -ahead)
    )


def _between(one: Side, other: Side, least: float, lines: Grey, near: Mask) -> list[Side]:
    """Return the sides, from one to the other, that divide what lies between them into equal boxes,
    which are at least so wide; none if it is not divided.
    """
    places = np.linspace(0, 1, 2 * int(one.length) + 1)
    starts, ends = one.points(places), other.points(places)
    way = np.linspace(0.05, 0.95, max(2, int(Side(one.start, other.start).length)))[:, None, None]
    covered = at(near, starts * (1 - way) + ends * way).mean(axis=0)
    best, found = COVERED + BETTER, np.empty(0, int)
    for count in range(2, int(one.length / least) + 1):
        width = one.length / count
        off = SLACK + ASTRAY * width
        astray = abs(places * one.length - np.arange(1, count)[:, None] * width)
        likely = np.where(astray <= off, covered - NEARER * astray / off, 0)
        worst = float(likely.max(axis=1).min())
        if worst >= best - BETTER:
            best, found = max(best, worst), likely.argmax(axis=1)
    return [settled(lines, Side(starts[i], ends[i]), MOVED[1]) for i in found]


def _line(side: Side, ink: Grey, inked: Mask) -> Line:
    """The pixels of a side: as wide as it is inked along much of it."""
    widest = max(LEAST_WIDE, min(ink.shape) // WIDEST)
    before, after = 0, 0
    while before < widest and along(inked, side, -before - 1).mean() >= DENSE:
        before += 1
    while after < widest and along(inked, side, after + 1).mean() >= DENSE:
        after += 1
    widths = range(-before, after + 1)
    strength = max(median(along(ink, side, off)) for off in widths)
    wide = before + 1 + after
    y, x = np.ogrid[: ink.shape[0], : ink.shape[1]]
    right, down = side.across
    off = (x - side.start[0]) * right + (y - side.start[1]) * down
    on = (x - side.start[0]) * down - (y - side.start[1]) * right
    band = (off >= -before - SOFT) & (off <= after + SOFT)
    band &= (on >= -wide) & (on <= side.length + wide)
    return Line(band & (ink < STRONGER * strength), wide, strength)
