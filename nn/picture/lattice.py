"""Lines that are equally far apart: the others are where some lead one to expect them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nn.picture.crossing import STRONGER
from nn.picture.pieces import Grey
from nn.picture.straight import Rule, line_along

FEWEST = 4  # lines show how far they are apart,
NEAREST = 4  # pixels or more,
ASTRAY = 0.15  # of that, if so far from their places
REGULAR = 0.8  # are so many of them at most
MOVED, TURNED = (-2, -1, 0, 1, 2), (-0.01, -0.005, 0, 0.005, 0.01)  # pixels and slopes: so far
# from its place, and askew, one is looked for,
SEEN, COVERED = 2, 0.5  # which is so many pixels long, and inked for so much of it


def completed(ink: Grey, rules: Sequence[Rule], short: float, least: float) -> list[Rule]:
    """Return level rules in ``ink: (h, w)`` with those that are missing: what is at least ``least``
    strong where a rule of the paper should be. What is not too ``short`` shows where that is.

    All go from rim to rim then: ends may be hidden. None is much stronger than the others: that is
    a stroke along it.
    """
    sure = [rule for rule in rules if rule.goes_across(short)]
    found = _places([rule.middle for rule in sure]) if len(sure) >= FEWEST else None
    if found is None:
        return list(rules)
    first, apart = found

    falls, widths, strengths = zip(
        *((rule.fall, rule.line.width, rule.line.strength) for rule in sure), strict=True
    )
    fall, wide, strength = (sorted(values)[len(sure) // 2] for values in (falls, widths, strengths))
    is_weak = ink < STRONGER * strength

    def regular(rule: Rule) -> Rule:
        number = (rule.middle - first) / apart
        if abs(number - round(number)) > ASTRAY:
            return rule
        line = rule.line._replace(pixels=rule.line.pixels & is_weak)
        return rule._replace(line=line, short=0.0)

    whole = [regular(rule) for rule in rules]
    height, width = ink.shape
    beyond = abs(fall) * width / 2
    for number in range(
        int((-beyond - first) // apart), int((height + beyond - first) // apart) + 2
    ):
        place = first + number * apart
        if all(abs(rule.middle - place) > ASTRAY * apart + 1 for rule in whole):
            whole += _missing(ink, place, fall, wide, least)
    return whole


def _places(middles: Sequence[float]) -> tuple[float, float] | None:
    """Return the first place, and how far apart they are; None if that differs too much."""
    rows = sorted(middles)
    gaps = [after - before for before, after in pairwise(rows)]
    usual = sorted(gaps)[len(gaps) // 2]
    if usual < NEAREST:
        return None
    numbers = [0]
    for gap in gaps:
        numbers.append(numbers[-1] + round(gap / usual))
    # A straight line through them, by least squares.
    mean, mean_row = sum(numbers) / len(rows), sum(rows) / len(rows)
    apart = sum((n - mean) * row for n, row in zip(numbers, rows, strict=True)) / sum(
        (n - mean) ** 2 for n in numbers
    )
    first = mean_row - apart * mean
    off = [abs(row - first - apart * n) for n, row in zip(numbers, rows, strict=True)]
    is_regular = sum(each <= ASTRAY * apart for each in off) >= REGULAR * len(rows)
    return (first, apart) if is_regular else None


def _missing(ink: Grey, place: float, fall: float, wide: int, least: float) -> list[Rule]:
    """Return the line near its place; none if little of it is inked."""
    height, width = ink.shape
    across = np.arange(width) - width / 2
    best, found = COVERED, None
    for move in MOVED:
        for turn in TURNED:
            path = np.rint(place + move + (fall + turn) * across).astype(int)
            seen = np.flatnonzero((path >= 0) & (path < height))
            if len(seen) < SEEN:
                continue
            covered = float((ink[path[seen], seen] > least).mean())
            if covered > best:
                best, found = covered, (path, place + move, fall + turn)
    if found is None:
        return []
    path, middle, fall = found
    line = line_along(ink, path, (-(wide // 2), wide // 2), least)
    return [Rule(line, False, 0.0, middle, fall)]
