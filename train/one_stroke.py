"""Numbers written without lifting the pen: digits of one stroke each, and links between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.mend import some_way_off
from train.compose import HEIGHT, NUMBERS, Number, in_a_row
from train.data import Drawing

GAPS = 0.05, 0.5
"""Between two digits' boxes, in heights."""
AHEAD = 0.15
"""So far along a stroke, in heights, is looked to tell which way it goes."""
POINTS = 20
"""Of a link, for each height of its length."""

Stroke = NDArray[np.float64]


def in_one_stroke(drawings: Sequence[Drawing], count: int = NUMBERS, seed: int = 0) -> list[Number]:
    """Return numbers of two or three digits, each of one writer's, drawn in one stroke.

    Digits of several strokes, and dots, are left out.
    """
    rng = np.random.default_rng([seed, 17])
    by_writer: dict[str, list[Drawing]] = {}
    for drawing in drawings:
        if len(drawing.strokes) == 1 and len(drawing.strokes[0]) > 2:
            by_writer.setdefault(drawing.writer, []).append(drawing)
    writers = [digits for digits in by_writer.values() if len(digits) >= 2]
    composed = []
    for _ in range(count if writers else 0):
        own = writers[rng.integers(len(writers))]
        chosen = [own[rng.integers(len(own))] for _ in range(rng.integers(2, 4))]
        first, *others = in_a_row(chosen, rng, GAPS)
        stroke = [first]
        for other in others:
            stroke += [_link(stroke[-1], other, rng.uniform()), other]
        text = "".join(drawing.label for drawing in chosen)
        composed.append(Number(text, [np.concatenate(stroke)]))
    return composed


def _link(before: Stroke, after: Stroke, bend: float) -> Stroke:
    """Return the points of a curve from the end of one stroke to where another begins.

    It is Hermite's: it leaves and comes in the strokes' own directions, the more so the larger
    ``bend`` is, and is a straight line where that is 0.
    """
    begin, end = before[-1], after[0]
    length = float(np.hypot(*(end - begin)))
    leaving, coming = -_direction(before[::-1]), _direction(after)
    s = np.linspace(0, 1, max(3, round(length / HEIGHT * POINTS)))[1:-1, None]
    along = s * s * (3 - 2 * s)
    curve: Stroke = begin * (1 - along) + end * along
    curve += bend * length * (leaving * s * (1 - s) ** 2 - coming * s * s * (1 - s))
    return curve


def _direction(stroke: Stroke) -> Stroke:
    """Return the unit vector that leads from a stroke's first point some way along it."""
    away: Stroke = some_way_off(stroke, AHEAD * HEIGHT) - stroke[0]
    return away / max(float(np.hypot(*away)), 1e-9)
