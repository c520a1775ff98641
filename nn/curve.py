"""A quick hand, or a slow device, gives few points: what lies far apart is joined by curves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nn.ink import Points

Numbers = NDArray[np.float64]

FAR = 0.25
"""In units of the stroke's longer side: in most strokes no point is so far from the next one."""
MOST = 64
"""A stroke with more such steps is a scribble, which stays as it is: it bounds the time."""
CORNER = math.cos(math.radians(85))
"""Where the pen turns farther than by 85°, it is at a corner; curves go round the other points."""
BETWEEN = np.linspace(0, 1, 7)[1:-1]
"""Where new points stand between two that are far apart, in parts of the way."""


def rounded(stroke: Points) -> Points:
    """Return a stroke with points added where the next one is far off, on a curve through all.

    ``(points, 2) float64``, as the result is. A Catmull-Rom spline, in its centripetal form, which
    has no loops: Yuksel, Schaefer, Keyser, "Parameterization and Applications of Catmull-Rom
    Curves", 2011. It is straight on to corners and to the stroke's ends.
    """
    if len(stroke) < 3:
        return stroke
    extent = stroke.max(axis=0) - stroke.min(axis=0)
    steps = stroke[1:] - stroke[:-1]
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    is_far = lengths > FAR * float(extent.max())
    if not 0 < is_far.sum() <= MOST:
        return stroke
    if not lengths.all():  # a pen that rests goes nowhere
        moved = np.concatenate([[True], lengths > 0])
        return rounded(stroke[moved]) if moved.sum() < len(stroke) else stroke
    times = np.sqrt(lengths)[:, None]
    leaving, coming = (velocity * times for velocity in _velocities(steps, lengths, times))
    # Hermite's form of each cubic: where it begins and ends, and how fast it goes there.
    begin, way, first, last = (
        values[is_far, None] for values in (stroke[:-1], steps, leaving, coming)
    )
    s = BETWEEN[:, None]
    new = begin + way * s * s * (3 - 2 * s) + first * s * (1 - s) ** 2 - last * s * s * (1 - s)
    is_given = np.zeros(len(stroke) + new.size // 2, bool)
    is_given[np.concatenate([[0], (1 + len(s) * is_far).cumsum()])] = True
    joined = np.empty((len(is_given), 2))
    joined[is_given], joined[~is_given] = stroke, new.reshape(-1, 2)
    return joined


def _velocities(steps: Points, lengths: Numbers, times: Numbers) -> tuple[Points, Points]:
    """Return how fast the pen goes where each step begins and ends: ``(steps, 2)`` each."""
    chord = steps / times
    through = chord[:-1] + chord[1:] - (steps[:-1] + steps[1:]) / (times[:-1] + times[1:])
    along = (steps[:-1] * steps[1:]).sum(axis=1)
    is_round = (along >= CORNER * lengths[:-1] * lengths[1:])[:, None]
    leaving, coming = chord.copy(), chord.copy()
    leaving[1:] = np.where(is_round, through, chord[1:])
    coming[:-1] = np.where(is_round, through, chord[:-1])
    return leaving, coming
