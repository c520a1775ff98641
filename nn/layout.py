"""How marks lie to each other: over each other or apart, and which have the form of a sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from nn.ink import MIN_EXTENT, Box, longer_side, union

Parts = tuple[int, ...]
"""The numbers of the strokes, or the pieces of a picture, that make up a mark."""
Touches = Callable[[int, int, float], bool]
"""Tells whether one part begins or ends nearer to the line of another than a distance."""
Run = tuple[int, int]
"""The first of neighbouring marks, and the one after the last."""

POINT, MINUS, COLON, UNKNOWN = ".", "-", ":", "?"
MOST_PARTS = 96
"""More than this are read as one mark, which no number is: it bounds the time."""

# Shares are of a mark's own width or the row's height.
SURELY_ONE = 0.6  # a mark that shares so much of its width with another belongs to it
NARROWEST = 0.15  # what is narrower counts as so wide: an upright line has hardly a width
INSIDE = 0.12  # a mark whose middle is so far within both ends of another belongs to it too
BESIDE, ABOVE = 0.1, 0.15  # marks that share less of the lower one's height seem nearer by this
BESIDE_EACH_OTHER = 0.6  # of the rows of two marks: so many they share
COLUMN = 0.2  # in heights: points in so many columns, or fewer, above each other are a colon
AGAIN = 0.05  # in heights: two lines whose ends are so near, across, are one that was gone over
FLAT = 0.2  # of its width: the height of a dash; a dot has neither
HIGHEST_MINUS = 0.45  # in heights; what is higher and as flat are digits that touch
MINUS_WITHIN, MINUS_FIRST = (0.25, 0.8), (0.1, 0.9)  # how far down the row its middle may be
TALL = 0.5  # in heights: what is higher is no sign
DOT = 0.15  # in heights: what is smaller is no digit
NEAR = 0.3  # in heights: so many columns, or fewer, are between a point and the digits it is by
LOW = 0.8  # of the row: a dot whose middle is farther down is no stroke of a digit, but a point
COMMA = 0.8  # in its own widths: a point that is so high, or higher, may be larger than a dot
COMMA_LONG = 0.3  # in heights: the longest comma, from corner to corner; a digit is longer
BELOW = 0.15  # in heights: a dot that is so far below what is over it is no point
BOUNCE = 0.05  # in heights: so near to a line, a dot is part of it,
TAPPED = 0.07  # or so near, if it is as small as that
BAR = 0.05  # a dash that is so near a digit, or reaches into it, is its bar,
BAR_BEFORE = -0.1  # and before all digits, drawn apart, if it reaches so far into it
AROUND = 0.1  # in heights: what is so far above or below a dash is in about its rows
RAISED = 0.55  # of the digit before: what is so high, or less, and ends so far down is raised
SLANT, BEYOND = 0.25, 0.04  # a line that is so wide, of its height, or more, and goes so much of it
# above and below the digits on both sides, or more, is a slash
FAR = 10.0  # a gap beyond which farther makes no difference


class Mark(NamedTuple):
    """Parts that belong together, and the box around them."""

    parts: Parts
    box: Box


def row_height(boxes: Sequence[Box]) -> float:
    """Return how high a digit of the row is: two dots above each other are no high digits.

    What does not share a column with others tells of no height but its own: rows may climb.
    """
    highest, column = MIN_EXTENT, boxes[0]
    for box in sorted(boxes):
        column = union([column, box]) if box[0] <= column[2] else box
        highest = max(highest, box[3] - box[1], (column[3] - column[1]) / 2)
    return highest


def marks_of(
    boxes: Sequence[Box], height: float, touches: Touches = lambda *_: False
) -> list[Mark]:
    """Put together what lies over each other; the marks come from left to right.

    A dot that ``touches`` a line belongs to it: the pen bounced, or skipped.
    """
    if len(boxes) > MOST_PARTS:
        return [Mark(tuple(range(len(boxes))), union(boxes))]
    row = union(boxes)

    @cache  # each is compared with all others
    def is_dot(box: Box) -> bool:
        return _is_dot(box, boxes, height)

    def is_one(a: Box, b: Box) -> bool:
        dot, other = sorted((a, b), key=longer_side)
        if longer_side(union([a, b])) <= DOT * height:
            return True  # tapped twice
        if is_colon([a, b], height):
            return True
        if is_dot(dot) and longer_side(other) > DOT * height:
            return False  # it stands below what leans over it
        return _is_one(a, b, height) or _is_drawn_again(a, b, height)

    lines = [place for place, box in enumerate(boxes) if not _is_point(box, height)]
    parts = {line: [line] for line in lines}
    for dot in set(range(len(boxes))) - set(lines):
        is_tap = longer_side(boxes[dot]) <= BOUNCE * height
        reach = (TAPPED if is_tap else BOUNCE) * height
        touched = (line for line in lines if touches(dot, line, reach))
        parts.setdefault(next(touched, dot), []).append(dot)
    marks = [
        Mark(tuple(sorted(each)), union([boxes[part] for part in each])) for each in parts.values()
    ]
    marks = in_order(put_together(marks, is_one), height)
    if len(marks) == 2 and _hangs_over(marks[0].box, marks[1].box, height):
        return [Mark(tuple(range(len(boxes))), row)]
    return marks


def is_colon(boxes: Sequence[Box], height: float) -> bool:
    """Tell whether several parts are points above each other, and no point tapped twice."""
    if len(boxes) < 2 or not all(_is_point(box, height) for box in boxes):
        return False
    left, top, right, bottom = union(boxes)
    return right - left <= COLUMN * height and bottom - top > DOT * height


def put_together(marks: list[Mark], is_one: Callable[[Box, Box], bool]) -> list[Mark]:
    """Return marks no two of which are one; ``marks`` is changed."""
    merged = True
    while merged:
        merged = False
        for i in range(len(marks) - 1, 0, -1):
            for j in range(i):
                if is_one(marks[i].box, marks[j].box):
                    parts = tuple(sorted(marks[i].parts + marks[j].parts))
                    marks[j] = Mark(parts, union([marks[i].box, marks[j].box]))
                    del marks[i]
                    merged = True
                    break
    return marks


def in_order(marks: Sequence[Mark], height: float) -> list[Mark]:
    """Sort marks from left to right; a point below what leans over it comes after that, unless it
    was drawn before it, just after the one on its left.
    """
    if not marks:
        return []
    boxes = [mark.box for mark in marks]
    ordered = sorted(marks, key=_middle_of)
    dots = [mark for mark in ordered if _is_dot(mark.box, boxes, height)]
    for dot in dots:
        ordered.remove(dot)
        before = [each for each in ordered if each.box[0] < _middle_of(dot)]
        if len(before) > 1 and before[-2].parts[-1] < dot.parts[0] < before[-1].parts[0]:
            before.pop()
        ordered.insert(ordered.index(before[-1]) + 1 if before else 0, dot)
    return ordered


def _middle_of(mark: Mark) -> float:
    """Return the middle of a mark's columns."""
    return (mark.box[0] + mark.box[2]) / 2


def parts_of(marks: Sequence[Mark], run: Run) -> Parts:
    """Return all the parts of a run of marks."""
    return tuple(sorted(part for mark in marks[slice(*run)] for part in mark.parts))


def _is_one(a: Box, b: Box, height: float) -> bool:
    """Tell whether two marks share so many columns that they are surely one."""
    narrow, wide = sorted((a, b), key=lambda box: box[2] - box[0])
    overlap = min(a[2], b[2]) - max(a[0], b[0])
    width = max(narrow[2] - narrow[0], NARROWEST * height)
    if overlap >= SURELY_ONE * width:
        return True
    return lies_deep_in(a, b, INSIDE * (wide[2] - wide[0]))


def _hangs_over(other: Box, dot: Box, height: float) -> bool:
    """Tell whether a mark ends well above a dot below it: a question mark, no digit and a point."""
    middle = (dot[0] + dot[2]) / 2
    return other[0] < middle < other[2] and dot[1] - other[3] > BELOW * height


def _is_drawn_again(a: Box, b: Box, height: float) -> bool:
    """Tell whether two marks are the same upright line, gone over: side by side they were two."""
    return side_by_side(a, b) and max(abs(a[0] - b[0]), abs(a[2] - b[2])) <= AGAIN * height


def lies_deep_in(a: Box, b: Box, margin: float) -> bool:
    """Tell whether the narrower mark's middle is farther than ``margin`` from the other's ends."""
    narrow, wide = sorted((a, b), key=lambda box: box[2] - box[0])
    return wide[0] + margin < (narrow[0] + narrow[2]) / 2 < wide[2] - margin


def side_by_side(a: Box, b: Box) -> bool:
    """Tell whether two marks are about as high as each other, and in the same rows."""
    shared = min(a[3], b[3]) - max(a[1], b[1])
    return shared > BESIDE_EACH_OTHER * (max(a[3], b[3]) - min(a[1], b[1]))


def gap_between(a: Mark, b: Mark, height: float) -> float:
    """Return the empty columns between two marks in heights; below 0 where they overlap."""
    gap = (max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])) / height
    return min(max(gap, -FAR), FAR)


def above_each_other(a: Mark, b: Mark, height: float) -> float:
    """Return how much nearer two marks seem that share hardly a row: digits stand side by side."""
    (_, top, _, bottom), (_, other_top, _, other_bottom) = a.box, b.box
    rows = min(bottom, other_bottom) - max(top, other_top)
    lower = max(min(bottom - top, other_bottom - other_top), NARROWEST * height)
    return ABOVE if rows < BESIDE * lower else 0.0


def sign_in_row(box: Box, row: Box, height: float, is_first: bool = False) -> str:
    """Return the sign that a mark's form and its place in the row make it, else ``""``.

    Before all digits a dash that is rather high or low is a minus too: it can be no digit's bar.
    """
    left, top, right, bottom = box
    wide, high = (right - left) / height, (bottom - top) / height
    middle = ((top + bottom) / 2 - row[1]) / max(row[3] - row[1], MIN_EXTENT)
    if _is_point(box, height) and middle > 0.65:
        return POINT
    top_most, lowest = MINUS_FIRST if is_first else MINUS_WITHIN
    if wide >= 0.12 and high <= min(0.35 * wide, HIGHEST_MINUS) and top_most <= middle <= lowest:
        return MINUS
    return UNKNOWN if max(wide, high) <= DOT else ""


def _is_point(box: Box, height: float) -> bool:
    """Tell whether a mark is as small as a point."""
    left, top, right, bottom = box
    is_small = math.hypot(right - left, bottom - top) <= COMMA_LONG * height
    return is_small and right - left <= 0.2 * height


def _is_dot(box: Box, boxes: Sequence[Box], height: float) -> bool:
    """Tell whether a mark is so small and so low that it is a point, and no stroke of a digit.

    It is low beside the digits near it: rows may climb or fall. A larger one may be a comma, which
    is no foot: that is flat.
    """
    left, top, right, bottom = box
    is_comma = _is_point(box, height) and bottom - top >= COMMA * (right - left)
    if longer_side(box) > DOT * height and not is_comma:
        return False
    near = (b for b in boxes if max(b[0] - right, left - b[2]) <= NEAR * height)
    row = union([b for b in near if b[3] - b[1] > TALL * height] or boxes)
    return (top + bottom) / 2 - row[1] > LOW * (row[3] - row[1])


def is_sign_by(
    a: Mark,
    b: Mark,
    height: float,
    in_row: str = "",
    is_first: bool = False,
    skipped: bool = False,
    stands_free: bool = False,
) -> bool:
    """Tell whether a mark has the form of a sign, and stands to its neighbour as one does.

    What is a minus ``in_row``, the whole row, may stand rather high or low by one digit, and
    anywhere by a bar. With ``skipped`` one looks like the other, gone on with. What ``stands_free``
    may reach into the neighbour's box, which leans over it.
    """
    is_minus = in_row == MINUS
    sign = sign_in_row(a.box, b.box, height, is_first or is_minus)
    if is_minus and b.box[3] - b.box[1] <= TALL * height:
        sign = MINUS
    nearest = BAR_BEFORE if is_first and not skipped else BAR
    return sign == POINT or (sign == MINUS and (stands_free or gap_between(a, b, height) > nearest))


def is_raised(box: Box, before: Box) -> bool:
    """Tell whether a mark is so small and so high by the digit before it that it is a power's or a
    degree's sign.
    """
    high = before[3] - before[1]
    return box[3] - box[1] <= RAISED * high and box[3] - before[1] <= RAISED * high


def is_slash(box: Box, before: Box, after: Box) -> bool:
    """Tell whether what looks like a 1 is a slash: it leans, and reaches above and below the digits
    on both sides.
    """
    left, top, right, bottom = box
    high = bottom - top
    beyond = min(before[1] - top, after[1] - top, bottom - before[3], bottom - after[3])
    return right - left >= SLANT * high and beyond >= BEYOND * high


def lone_sign(box: Box) -> str:
    """Return UNKNOWN for a dot or a dash that stands alone: no digit is so flat, else ``""``."""
    left, top, right, bottom = box
    return UNKNOWN if bottom - top <= FLAT * (right - left) else ""
