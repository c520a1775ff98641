"""Several marks beside each other read as a number: which of them belong together, and as what.

What lies over each other in the same columns is one mark, unless the network finds that it looks
like several digits. Marks that are near each other may still be one digit in two pieces, or two
digits that touch: the network looks at both, and the way to divide the row whose marks, all
together, it finds most likely is the answer. This is the search of LeCun, Bottou, Bengio, Haffner,
"Gradient-Based Learning Applied to Document Recognition", 1998, section V (segmentation graphs),
with a network that has learned what several digits look like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.ink import Box, union

DIGITS = 10
NO_DIGIT = 10
"""The number of the class that follows the digits: marks that are none."""
SEVERAL = 11
"""The class after that, where a network has learned it: several digits in one mark."""
Parts = tuple[int, ...]
"""The numbers of the strokes, or the pieces of a picture, that make up a mark."""
Run = tuple[int, int]
"""The first of neighbouring marks, and the one after the last."""
Look = Callable[[list[Parts]], NDArray[np.float32]]
"""Returns the network's ``(marks, at least 10)`` probabilities of marks."""
GoesOn = Callable[[int], bool]
"""Tells whether a part looks like the one before it, gone on with after a skip of the pen."""

POINT, MINUS, UNKNOWN = ".", "-", "?"
MOST_PARTS = 96
"""More than this are read as one mark, which no number is: it bounds the time."""
MOST_IN_A_DIGIT = 3
"""No digit is in more pieces, beside each other, than this."""

# Lengths are in units of the row's height; shares are of a mark's own width or the row's height.
SURELY_ONE = 0.6  # a mark that shares so much of its width with another belongs to it
NARROWEST = 0.15  # what is narrower counts as so wide: an upright line has hardly a width
INSIDE = 0.12  # as does one whose middle is farther than this share from both ends of the other
SURELY_TWO = 0.30  # a gap that no digit has within it
WIDEST = 1.35  # no digit is wider
OVERLAPPING = -0.03  # but for the bar of a 5, dashed off to the right: if it lies over the rest,
WIDEST_OVERLAPPING = 3.0  # the network decides
BESIDE, ABOVE = 0.1, 0.15  # marks that share less of the lower one's height seem nearer by this
BESIDE_EACH_OTHER = 0.6  # of the rows of two marks: so many they share
FLAT = 0.2  # of its width: the height of a dash; a dot has neither
EVEN_GAP, GAP_SCALE = 0.06, 0.035  # at this gap one is as likely as two; how fast that changes
UNSEEN = math.log(0.05)  # what does not look like two digits is two, so likely, at any gap;
SURE_GAP = 0.25  # at this one as likely as not
DIVIDE_FROM = 0.5  # what is so likely several digits is taken apart,
DEEP = 0.2  # if its parts do not lie so deep in each other, in heights,
MOST_DIVIDED = 12  # and if they are no more: it bounds the time
REFUSAL = math.log(0.4)  # what is no digit is that much less likely to have been meant
A_SIGN = math.log(0.8)  # how likely a mark is a point or a minus that looks like one
NEVER = -math.inf
FAR = 10.0  # a gap beyond which farther makes no difference


class Found(NamedTuple):
    """One mark of the row."""

    symbol: str
    """``"0"`` to ``"9"``, ``"."``, ``"-"``, or ``"?"``."""
    parts: Parts
    probabilities: NDArray[np.float32]
    """``(at least 10,)``, the network's own."""


class _Mark(NamedTuple):
    parts: Parts
    box: Box


def read_row(
    boxes: Sequence[Box], look: Look, refuse_from: float, goes_on: GoesOn = lambda _: False
) -> list[Found]:
    """Read a row of strokes or pieces by their ``boxes``, from left to right.

    ``look`` is called at most three times: with the single marks, with the parts of those that look
    like several digits, then with the runs of neighbours that may still be better. What is no digit
    with a probability above ``refuse_from`` is ``"?"``. ``goes_on`` is asked about strokes of
    neighbouring marks that were drawn one after the other.
    """
    if not boxes:
        return []
    seen: dict[Parts, NDArray[np.float32]] = {}

    def look_at(wanted: list[Parts]) -> None:
        if new := [parts for parts in wanted if parts not in seen]:
            seen.update(zip(new, look(new), strict=True))

    height = _height(boxes)
    marks = _marks(boxes, height)
    look_at([mark.parts for mark in marks])
    marks = _divided(marks, boxes, seen, height)
    look_at([mark.parts for mark in marks])
    runs = [*((place, place + 1) for place in range(len(marks))), *_runs(marks, height)]
    look_at([_parts(marks, run) for run in runs])
    within, between = _gaps(marks, height, goes_on, seen)
    row = union([mark.box for mark in marks])
    value = {run: _value(marks, run, within, seen, row, height) for run in runs}
    found = []
    for run in _best_way(len(marks), value, between):
        parts = _parts(marks, run)
        symbol = _symbol(seen[parts], value[run][1], refuse_from)
        found.append(Found(symbol, parts, seen[parts]))
    return found


def _gaps(
    marks: Sequence[_Mark], height: float, goes_on: GoesOn, seen: dict[Parts, NDArray[np.float32]]
) -> tuple[list[float], list[float]]:
    """Return the logarithms of how likely each gap lies within one digit, and between two."""
    within, between = [], []
    for place, (a, b) in enumerate(pairwise(marks)):
        gap = _gap(a, b, height) - _above(a, b, height)
        skipped = any(map(goes_on, _later_ones(a, b)))  # then a gap within a digit is nothing rare
        within.append(0.0 if skipped else -_softplus((gap - EVEN_GAP) / GAP_SCALE))
        together = seen.get(_parts(marks, (place, place + 2)), ())
        if len(together) > SEVERAL:  # the network knows what several digits look like
            apart = -_softplus((SURE_GAP - gap) / GAP_SCALE)
            between.append(max(_log(together[SEVERAL]), apart, UNSEEN))
        else:
            between.append(-_softplus((EVEN_GAP - gap) / GAP_SCALE))
    return within, between


def _height(boxes: Sequence[Box]) -> float:
    """Return how high a digit of the row is: two dots above each other are no high digits."""
    _, top, _, bottom = union(boxes)
    highest = max(bottom - top for _, top, _, bottom in boxes)
    return max(highest, (bottom - top) / 2, 1e-9)


def _divided(
    marks: Sequence[_Mark],
    boxes: Sequence[Box],
    seen: dict[Parts, NDArray[np.float32]],
    height: float,
) -> list[_Mark]:
    """Take apart what looks like several digits: parts that lie in no other one become marks."""
    divided: list[_Mark] = []
    for mark in marks:
        looks_like_several = seen[mark.parts][SEVERAL:].sum() >= DIVIDE_FROM
        if looks_like_several and 1 < len(mark.parts) <= MOST_DIVIDED:
            parts = [_Mark((part,), boxes[part]) for part in mark.parts]
            divided += _put_together(parts, lambda a, b: _lies_deep_in(a, b, DEEP * height))
        else:
            divided.append(mark)
    return sorted(divided, key=_middle)


def _middle(mark: _Mark) -> float:
    return mark.box[0] + mark.box[2]


def _marks(boxes: Sequence[Box], height: float) -> list[_Mark]:
    """Put together what lies over each other; the marks come from left to right."""
    if len(boxes) > MOST_PARTS:
        return [_Mark(tuple(range(len(boxes))), union(boxes))]
    marks = [_Mark((index,), box) for index, box in enumerate(boxes)]
    return sorted(_put_together(marks, lambda a, b: _is_one(a, b, height)), key=_middle)


def _put_together(marks: list[_Mark], is_one: Callable[[Box, Box], bool]) -> list[_Mark]:
    """Return marks no two of which are one; ``marks`` is changed."""
    merged = True
    while merged:
        merged = False
        for i in range(len(marks) - 1, 0, -1):
            for j in range(i):
                if is_one(marks[i].box, marks[j].box):
                    parts = tuple(sorted(marks[i].parts + marks[j].parts))
                    marks[j] = _Mark(parts, union([marks[i].box, marks[j].box]))
                    del marks[i]
                    merged = True
                    break
    return marks


def _is_one(a: Box, b: Box, height: float) -> bool:
    """Tell whether two marks share so many columns that they are surely one."""
    narrow, wide = sorted((a, b), key=lambda box: box[2] - box[0])
    overlap = min(a[2], b[2]) - max(a[0], b[0])
    width = max(narrow[2] - narrow[0], NARROWEST * height)
    if overlap >= SURELY_ONE * width:
        return True
    return _lies_deep_in(a, b, INSIDE * (wide[2] - wide[0]))


def _lies_deep_in(a: Box, b: Box, margin: float) -> bool:
    """Tell whether the narrower mark's middle is farther than ``margin`` from the other's ends."""
    narrow, wide = sorted((a, b), key=lambda box: box[2] - box[0])
    return wide[0] + margin < (narrow[0] + narrow[2]) / 2 < wide[2] - margin


def _runs(marks: Sequence[_Mark], height: float) -> list[Run]:
    """Return the runs of several neighbours that one digit could be."""
    runs = []
    for first in range(len(marks)):
        for last in range(first + 1, min(first + MOST_IN_A_DIGIT, len(marks))):
            left, top, right, bottom = union([mark.box for mark in marks[first : last + 1]])
            gap = _gap(marks[last - 1], marks[last], height)
            widest = WIDEST if gap >= OVERLAPPING else WIDEST_OVERLAPPING
            if gap > SURELY_TWO or right - left > widest * max(height, bottom - top):
                break
            runs.append((first, last + 1))
    return runs


def _value(
    marks: Sequence[_Mark],
    run: Run,
    within: Sequence[float],
    seen: dict[Parts, NDArray[np.float32]],
    row: Box,
    height: float,
) -> tuple[float, str]:
    """Return the logarithm of how likely a run is one mark, and the sign that it looks like."""
    if run[1] - run[0] == 1:
        box = marks[run[0]].box
        sign = _sign(box, row, height) if len(marks) > 1 else _lone_sign(box)
        if sign:  # enlarged for the network, a dot may look like anything
            return A_SIGN, sign
    probabilities = seen[_parts(marks, run)]
    likely = probabilities[:DIGITS].copy()
    if any(_side_by_side(a.box, b.box) for a, b in pairwise(marks[slice(*run)])):
        likely[1] = 0  # two lines so close that their ink is one are 11
    digit = _log(likely.max()) + sum(within[run[0] : run[1] - 1])
    none = _log(probabilities[NO_DIGIT:SEVERAL].sum()) + REFUSAL
    return max(digit, none), ""


def _sign(box: Box, row: Box, height: float) -> str:
    """Return the sign that a mark's form and its place in the row make it, else ``""``."""
    left, top, right, bottom = box
    wide, high = (right - left) / height, (bottom - top) / height
    middle = ((top + bottom) / 2 - row[1]) / max(row[3] - row[1], 1e-9)
    if max(wide, high / 1.6) <= 0.2 and middle > 0.65:
        return POINT
    if wide >= 0.12 and high <= 0.35 * wide and 0.25 <= middle <= 0.8:
        return MINUS
    return ""


def _lone_sign(box: Box) -> str:
    """Return UNKNOWN for a dot or a dash that stands alone: no digit is so flat, else ``""``."""
    left, top, right, bottom = box
    return UNKNOWN if bottom - top <= FLAT * (right - left) else ""


def _side_by_side(a: Box, b: Box) -> bool:
    """Tell whether two marks are about as high as each other, and in the same rows."""
    shared = min(a[3], b[3]) - max(a[1], b[1])
    return shared > BESIDE_EACH_OTHER * (max(a[3], b[3]) - min(a[1], b[1]))


def _best_way(
    count: int, value: dict[Run, tuple[float, str]], between: Sequence[float]
) -> list[Run]:
    """Return the division of ``count`` marks into runs whose values and gaps are most likely."""
    best: list[tuple[float, Run | None]] = [(0.0, None)]
    for last in range(1, count + 1):
        ways: list[tuple[float, Run | None]] = [(NEVER, None)]
        for first in range(max(0, last - MOST_IN_A_DIGIT), last):
            if (first, last) in value:
                total = best[first][0] + value[first, last][0]
                ways.append((total + (between[first - 1] if first else 0.0), (first, last)))
        best.append(max(ways, key=lambda way: way[0]))
    way: list[Run] = []
    run = best[count][1]
    while run is not None:
        way.insert(0, run)
        run = best[run[0]][1]
    return way


def _symbol(probabilities: NDArray[np.float32], sign: str, refuse_from: float) -> str:
    if sign:
        return sign
    if float(probabilities[DIGITS:].sum()) > refuse_from:
        return UNKNOWN
    return str(int(probabilities[:DIGITS].argmax()))


def _log(probability: float) -> float:
    return math.log(max(float(probability), 1e-12))


def _softplus(x: float) -> float:
    """Return ``log(1 + exp(x))``: minus the logarithm of the logistic function of ``-x``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _gap(a: _Mark, b: _Mark, height: float) -> float:
    """Return the empty columns between two marks in heights; below 0 where they overlap."""
    gap = (max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])) / height
    return min(max(gap, -FAR), FAR)


def _above(a: _Mark, b: _Mark, height: float) -> float:
    """Return how much nearer two marks seem that share hardly a row: digits stand side by side."""
    (_, top, _, bottom), (_, other_top, _, other_bottom) = a.box, b.box
    rows = min(bottom, other_bottom) - max(top, other_top)
    lower = max(min(bottom - top, other_bottom - other_top), NARROWEST * height)
    return ABOVE if rows < BESIDE * lower else 0.0


def _later_ones(a: _Mark, b: _Mark) -> list[int]:
    """Return the parts of either mark that come just after one of the other's."""
    return [
        *({part + 1 for part in a.parts} & {*b.parts}),
        *({p + 1 for p in b.parts} & {*a.parts}),
    ]


def _parts(marks: Sequence[_Mark], run: Run) -> Parts:
    return tuple(sorted(part for mark in marks[slice(*run)] for part in mark.parts))
