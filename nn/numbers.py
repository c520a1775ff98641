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

from nn.cuts import WIDEST, Slices, likely_digits
from nn.ink import Box, union
from nn.layout import (
    AROUND,
    BAR,
    COLON,
    MINUS,
    POINT,
    TALL,
    UNKNOWN,
    Mark,
    Parts,
    Run,
    above_each_other,
    gap_between,
    in_order,
    is_colon,
    is_raised,
    is_sign_by,
    is_slash,
    lies_deep_in,
    lone_sign,
    marks_of,
    parts_of,
    put_together,
    row_height,
    side_by_side,
    sign_in_row,
)
from nn.row import Row

DIGITS = 10
NO_DIGIT = 10
"""The number of the class that follows the digits: marks that are none."""
SEVERAL = 11
"""The class after that, where a network has learned it: several digits in one mark."""
Look = Callable[[list[Parts]], NDArray[np.float32]]
"""Returns the network's ``(marks, at least 10)`` probabilities of marks."""

MOST_IN_A_DIGIT = 3
"""No digit is in more pieces, beside each other, than this."""

# Lengths are in units of the row's height; shares are of a mark's own width or the row's height.
SURELY_TWO = 0.30  # a gap that no digit has within it
OVERLAPPING = -0.03  # at this gap, or less, a digit may be wider: the bar of a 5, dashed off
WIDEST_OVERLAPPING = 3.0  # no such digit is wider
EVEN_GAP, GAP_SCALE = 0.06, 0.035  # at this gap one is as likely as two; how fast that changes
UNSEEN = math.log(0.05)  # so likely two marks are two digits, at any gap, that look like none
APART = 0.1  # at this gap what is no digit is one mark as likely as not: an H has such gaps within
SURE_GAP = 0.25  # at this gap two marks that look like no two digits are two as likely as not
SURELY_1 = 0.5  # marks that are so likely ones count as lines beside each other
LINES_APART, LINES_TOUCHING = 0.05, -0.12  # such lines are two: from this gap on, perhaps from this
SURE_DIGITS = 0.85  # marks beside each other that are so likely digits are so many times as likely
AS_TWO = 10.0  # two as they look, where they look no less like a digit than like none: an R is none
EVEN = math.log(0.5)  # as likely as not
DIVIDE_FROM = 0.5  # a mark that is so likely several digits is taken apart into its strokes
DEEP = 0.2  # in heights: strokes that lie so deep in each other stay together then
MOST_DIVIDED = 12  # a mark of more strokes is not taken apart: it bounds the time
CUT_FROM = 0.7  # a mark that is still so likely several digits is cut
LONG = 3.0  # so is one that is so many times as wide as high, and so likely no digit
LEAST_CUT = 0.3  # in heights: what is lower is not cut
MOST_CUT = 4  # no more marks of a row are cut: it bounds the time
REFUSAL = math.log(0.4)  # what is no digit is that much less likely to have been meant
SKIP = 0.15  # in heights: so far from a stroke what looks like a sign may be its end, gone on with
A_SIGN = math.log(0.8)  # how likely a mark is a point or a minus that looks like one,
NO_SIGN = math.log(0.05)  # and how likely it belongs to the digit beside it
NEVER = -math.inf


class Found(NamedTuple):
    """One mark of the row."""

    symbol: str
    """``"0"`` to ``"9"``, ``"."``, ``"-"``, or ``"?"``."""
    parts: Parts


def read_row(row: Row, look: Look, refuse_from: float) -> list[Found]:
    """Read a row of strokes or pieces from left to right.

    ``look`` is called at most four times: with the single marks, with the parts of those that look
    like several digits, with what those that then still do are cut into, and with the runs of
    neighbours that may still be better. What is no digit with a probability above ``refuse_from``
    is ``"?"``.
    """
    boxes = row.boxes
    if not boxes:
        return []
    seen: dict[Parts, NDArray[np.float32]] = {}

    def look_at(wanted: list[Parts]) -> None:
        if new := [parts for parts in wanted if parts not in seen]:
            seen.update(zip(new, look(new), strict=True))

    height = row_height(boxes)
    marks = marks_of(boxes, height, row.touches)
    look_at([mark.parts for mark in marks])
    marks = _divided(marks, boxes, seen, height)
    look_at([mark.parts for mark in marks])
    marks, cuts = _cut_up(marks, height, row, look_at, seen)
    signs = _signs(marks, height, row)
    runs = [*((place, place + 1) for place in range(len(marks))), *_runs(marks, signs, height)]
    look_at([parts_of(marks, run) for run in runs])
    within, between, within_none = _gaps(marks, signs, height, row, seen, cuts)
    value = {run: _value(marks, signs, run, within, within_none, seen) for run in runs}
    way = _best_way(len(marks), value, between)
    found = []
    for run in way:
        parts = parts_of(marks, run)
        found.append(Found(_symbol(seen[parts], value[run][1], refuse_from), parts))
    boxes = [union([mark.box for mark in marks[slice(*run)]]) for run in way]
    return _refused_where_they_stand(found, boxes)


def _refused_where_they_stand(found: Sequence[Found], boxes: Sequence[Box]) -> list[Found]:
    """Return what was found, in its ``boxes``, with ``"?"`` for digits that are raised, and for a 1
    that is a slash.
    """
    symbols = [each.symbol for each in found]
    digits: list[int] = []
    for place, box in enumerate(boxes):
        if symbols[place].isdigit():
            if digits and is_raised(box, boxes[digits[-1]]):
                symbols[place] = UNKNOWN
            else:
                digits.append(place)
    for before, place, after in zip(digits, digits[1:], digits[2:], strict=False):
        if symbols[place] == "1" and is_slash(boxes[place], boxes[before], boxes[after]):
            symbols[place] = UNKNOWN
    return [Found(symbol, each.parts) for symbol, each in zip(symbols, found, strict=True)]


def _signs(marks: Sequence[Mark], height: float, row: Row) -> list[str]:
    """Return the sign that each mark's form and place make it, ``""`` for none."""
    if len(marks) == 1:
        return [lone_sign(marks[0].box)]
    whole = union([mark.box for mark in marks])
    signs = []
    for place, mark in enumerate(marks):
        boxes = [row.boxes[part] for part in mark.parts if part < len(row.boxes)]
        signs.append(COLON if is_colon(boxes, height) else _sign(marks, place, whole, height))
    return signs


def _sign(marks: Sequence[Mark], place: int, row: Box, height: float) -> str:
    """Return the sign that a mark is in the whole ``row``, or else between the digits beside it:
    rows may climb.
    """
    rows = [row]
    sides = marks[place + 1 :], marks[:place][::-1]
    tall = [[m.box for m in side if m.box[3] - m.box[1] > TALL * height][:1] for side in sides]
    if beside := [box for boxes in tall for box in boxes]:
        top, bottom = (sum(box[i] for box in beside) / len(beside) for i in (1, 3))
        rows.append((0.0, top, 0.0, bottom))
    found = {sign_in_row(marks[place].box, each, height, place == 0) for each in rows}
    return next(sign for sign in (MINUS, POINT, UNKNOWN, "") if sign in found)


def _gaps(
    marks: Sequence[Mark],
    signs: Sequence[str],
    height: float,
    row: Row,
    seen: dict[Parts, NDArray[np.float32]],
    cuts: set[tuple[Parts, Parts]],
) -> tuple[list[float], list[float], list[float]]:
    """Return the logarithms of how likely each gap lies within one digit, between two marks, and
    within one that is no digit.
    """
    within, between, within_none = [], [], []
    free = [_stands_free(marks, signs, place, height, row) for place in range(len(marks))]
    for place, (a, b) in enumerate(pairwise(marks)):
        gap = gap_between(a, b, height) - above_each_other(a, b, height)
        within_none.append(-_softplus((gap - APART) / GAP_SCALE))
        if (a.parts, b.parts) in cuts:
            within.append(NEVER)
            between.append(0.0)
            continue
        # If the pen skipped, a gap within a digit is nothing rare.
        skipped = any(map(row.goes_on, _later_ones(a, b)))
        may_go_on = skipped and gap_between(a, b, height) <= SKIP
        both = parts_of(marks, (place, place + 2))
        together: NDArray[np.float32] | tuple[float, ...] = seen.get(both, ())
        is_1 = len(together) > SEVERAL and together[1] >= SURELY_1
        a_goes_on = may_go_on and is_1 and a.parts[0] > b.parts[0]  # the lower half of a slanted 1
        is_first = place == 0
        a_is_sign = is_sign_by(a, b, height, signs[place], is_first, skipped, free[place])
        b_is_sign = is_sign_by(b, a, height, signs[place + 1], stands_free=free[place + 1])
        if (a_is_sign and not a_goes_on) or (b_is_sign and not may_go_on):
            within.append(NO_SIGN)
            between.append(0.0)
            continue
        within.append(0.0 if skipped else -_softplus((gap - EVEN_GAP) / GAP_SCALE))
        if len(together) > SEVERAL:  # the network knows what several digits look like
            by_gap = -_softplus((SURE_GAP - gap) / GAP_SCALE)
            by_look = _log(together[SEVERAL] if skipped else _two(a, b, together, seen))
            between.append(max(by_look, by_gap, UNSEEN))
        else:
            between.append(-_softplus((EVEN_GAP - gap) / GAP_SCALE))
        if side_by_side(a.box, b.box) and min(seen[a.parts][1], seen[b.parts][1]) >= SURELY_1:
            # Two or three lines beside each other look like no digit, rather than like several.
            lines = 0.0 if gap >= LINES_APART else EVEN if gap >= LINES_TOUCHING else NEVER
            between[-1] = max(between[-1], lines)
    return within, between, within_none


def _two(
    a: Mark,
    b: Mark,
    together: NDArray[np.float32] | tuple[float, ...],
    seen: dict[Parts, NDArray[np.float32]],
) -> float:
    """Return how likely two marks are two digits by what they look like ``together`` and alone."""
    likely = together[SEVERAL]
    are_digits = min(max(seen[each.parts][:DIGITS]) for each in (a, b)) >= SURE_DIGITS
    if side_by_side(a.box, b.box) and are_digits and max(together[:DIGITS]) >= together[NO_DIGIT]:
        likely *= AS_TWO
    return float(min(likely, 1.0))


def _stands_free(
    marks: Sequence[Mark], signs: Sequence[str], place: int, height: float, row: Row
) -> bool:
    """Tell whether a mark is a minus between two others that is apart from the ink of both, and
    not the first one's stroke, gone on with.
    """
    if signs[place] != MINUS or not 0 < place < len(marks) - 1:
        return False
    before, mark, after = marks[place - 1 : place + 2]
    if any(map(row.goes_on, _later_ones(before, mark))):
        return False
    gaps = (row.apart(mark.parts, side.parts, AROUND * height) for side in (before, after))
    return min(gaps) > BAR * height


def _divided(
    marks: Sequence[Mark],
    boxes: Sequence[Box],
    seen: dict[Parts, NDArray[np.float32]],
    height: float,
) -> list[Mark]:
    """Take apart what looks like several digits: parts that lie in no other one become marks."""
    divided: list[Mark] = []
    for mark in marks:
        looks_like_several = seen[mark.parts][SEVERAL:].sum() >= DIVIDE_FROM
        if looks_like_several and 1 < len(mark.parts) <= MOST_DIVIDED:
            parts = [Mark((part,), boxes[part]) for part in mark.parts]
            divided += put_together(parts, lambda a, b: lies_deep_in(a, b, DEEP * height))
        else:
            divided.append(mark)
    return in_order(divided, height)


def _cut_up(
    marks: Sequence[Mark],
    height: float,
    row: Row,
    look_at: Callable[[list[Parts]], None],
    seen: dict[Parts, NDArray[np.float32]],
) -> tuple[list[Mark], set[tuple[Parts, Parts]]]:
    """Cut what looks like several digits into what most looks like digits.

    Return the marks and the neighbours among them that were one mark before.
    """
    several = {
        mark.parts: likely
        for mark, sign in zip(marks, _signs(marks, height, row), strict=True)
        if not sign and (likely := _several(mark, seen[mark.parts], height)) >= CUT_FROM
    }
    sliced = {parts: row.cut(parts, likely) for parts, likely in [*several.items()][:MOST_CUT]}
    look_at([parts_of(each.slices, run) for each in sliced.values() for run in each.digits])
    cut_up: list[Mark] = []
    cuts: set[tuple[Parts, Parts]] = set()
    for mark in marks:
        each = sliced.get(mark.parts, Slices())
        probability = {
            run: float(seen[parts_of(each.slices, run)][:DIGITS].max()) for run in each.digits
        }
        digits = likely_digits(each, probability)
        cut_up += digits or [mark]
        cuts.update(pairwise([digit.parts for digit in digits]))
    return in_order(cut_up, height), cuts


def _several(mark: Mark, probabilities: NDArray[np.float32], height: float) -> float:
    """Return how likely a mark is several digits; brought to 20 pixels a long row is a line.

    A line may look like a row, too: what is much lower than the others is some digit's bar.
    """
    left, top, right, bottom = mark.box
    is_long = right - left > LONG * (bottom - top)
    is_high = bottom - top >= LEAST_CUT * height
    return float(probabilities[DIGITS if is_long else SEVERAL :].sum()) if is_high else 0.0


def _runs(marks: Sequence[Mark], signs: Sequence[str], height: float) -> list[Run]:
    """Return the runs of several neighbours that one digit could be: a colon is part of none."""
    runs = []
    for first in range(len(marks)):
        for last in range(first + 1, min(first + MOST_IN_A_DIGIT, len(marks))):
            left, top, right, bottom = union([mark.box for mark in marks[first : last + 1]])
            gap = gap_between(marks[last - 1], marks[last], height)
            widest = WIDEST if gap >= OVERLAPPING else WIDEST_OVERLAPPING
            are_two = gap > SURELY_TWO or COLON in signs[first : last + 1]
            if are_two or right - left > widest * max(height, bottom - top):
                break
            runs.append((first, last + 1))
    return runs


def _value(
    marks: Sequence[Mark],
    signs: Sequence[str],
    run: Run,
    within: Sequence[float],
    within_none: Sequence[float],
    seen: dict[Parts, NDArray[np.float32]],
) -> tuple[float, str]:
    """Return the logarithm of how likely a run is one mark, and the sign that it looks like."""
    if run[1] - run[0] == 1 and (sign := signs[run[0]]):
        return A_SIGN, sign  # enlarged for the network, a dot may look like anything
    probabilities = seen[parts_of(marks, run)]
    likely = probabilities[:DIGITS].copy()
    if any(side_by_side(a.box, b.box) for a, b in pairwise(marks[slice(*run)])):
        likely[1] = 0  # two lines so close that their ink is one are 11
    gaps = slice(run[0], run[1] - 1)
    digit = _log(likely.max()) + sum(within[gaps])
    none = _log(probabilities[NO_DIGIT:SEVERAL].sum()) + REFUSAL + sum(within_none[gaps])
    return max(digit, none), ""


def _best_way(
    count: int, value: dict[Run, tuple[float, str]], between: Sequence[float]
) -> list[Run]:
    """Return the division of ``count`` marks into runs whose values and gaps are most likely."""
    best: list[tuple[float, Run | None]] = [(0.0, None)]
    for last in range(1, count + 1):
        ways: list[tuple[float, Run | None]] = [(NEVER, None)]
        for first in range(last):
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
        return UNKNOWN if sign == COLON else sign
    if float(probabilities[DIGITS:].sum()) > refuse_from:
        return UNKNOWN
    return str(int(probabilities[:DIGITS].argmax()))


def _log(probability: float) -> float:
    return math.log(max(float(probability), 1e-12))


def _softplus(x: float) -> float:
    """Return ``log(1 + exp(x))``: minus the logarithm of the logistic function of ``-x``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _later_ones(a: Mark, b: Mark) -> list[int]:
    """Return the parts of either mark that come just after one of the other's."""
    return [
        *({part + 1 for part in a.parts} & {*b.parts}),
        *({p + 1 for p in b.parts} & {*a.parts}),
    ]
