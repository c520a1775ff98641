"""A mark in which digits hang together, cut into slices: which slices are which digit.

There are more cuts than digits. The slices are divided into those digits that, all together, the
network finds most likely: this is the search of LeCun, Bottou, Bengio, Haffner, "Gradient-Based
Learning Applied to Document Recognition", 1998, section V (heuristic over-segmentation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nn.ink import union
from nn.layout import Mark, Run, parts_of

WIDEST = 1.35
"""No digit is wider, in heights of the mark."""
ONE_MORE = math.log(0.8)
"""How much less likely each digit more makes a way to divide a mark."""
LEAST = 0.6
"""So likely the digits are in the mean, or the mark is left whole: in pictures."""


class Slices(NamedTuple):
    """A mark that was cut."""

    slices: Sequence[Mark] = ()
    """From left to right, or in the order in which they were drawn."""
    digits: Sequence[Run] = ()
    """The neighbouring slices that may be a digit."""
    links: Sequence[Run] = ()
    """Those that may be what the pen drew from one digit to the next."""
    least: float = LEAST
    """So likely the digits have to be in the mean, which is the geometric one."""


class Way(NamedTuple):
    """The likeliest way to divide the slices before some place, whose last digit is known."""

    total: float
    """The logarithm of how likely it is."""
    digits: tuple[Mark, ...]


def slice_runs(slices: Sequence[Mark]) -> list[Run]:
    """Return the runs of slices beside each other that are no wider than a digit."""
    if len(slices) < 2:
        return []
    _, top, _, bottom = union([each.box for each in slices])
    return [
        (first, last)
        for first in range(len(slices))
        for last in range(first + 1, len(slices) + 1)
        if slices[last - 1].box[2] - slices[first].box[0] <= WIDEST * (bottom - top)
    ]


def likely_digits(cut: Slices, likely: Mapping[Run, float]) -> list[Mark]:
    """Return the digits that the slices most likely are, from left to right; none if these are not
    likely enough.

    ``likely`` is how likely each of ``cut.digits`` is the digit that it looks like most, 0 to 1.
    """
    after = links_after(cut.links)
    ways: dict[int, list[Way]] = {0: [Way(0.0, ())]}  # by the slice that comes next
    for run in sorted(cut.digits):
        chosen = cut.slices[slice(*run)]
        digit = Mark(parts_of(cut.slices, run), union([each.box for each in chosen]))
        before = [
            way
            for way in ways.get(run[0], ())
            if not way.digits or _is_before(way.digits[-1], digit)
        ]
        if before:
            best = max(before, key=lambda way: way.total)
            total = best.total + math.log(max(likely[run], 1e-12)) + ONE_MORE
            way = Way(total, (*best.digits, digit))
            for end in (run[1], *after.get(run[1], ())):
                ways.setdefault(end, []).append(way)
    total, digits = max(ways.get(len(cut.slices), ()), default=Way(-math.inf, ()))
    is_likely = total >= (math.log(cut.least) + ONE_MORE) * len(digits)
    return [*digits] if is_likely and len(digits) > 1 else []


def links_after(links: Sequence[Run]) -> dict[int, list[int]]:
    """Return where the links end that begin at each place."""
    after: dict[int, list[int]] = {}
    for first, last in links:
        after.setdefault(first, []).append(last)
    return after


def _is_before(a: Mark, b: Mark) -> bool:
    """Tell whether a mark's middle is farther to the left than another one's."""
    return a.box[0] + a.box[2] < b.box[0] + b.box[2]
