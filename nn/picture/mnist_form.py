"""Bring ink that was found in a picture to MNIST's 28x28 form.

The ink's box is scaled so that its longer side is 20 pixels, and its centre of mass put in the
middle of the field, which is the rule that MNIST itself was made by (LeCun, Bottou, Bengio,
Haffner, "Gradient-based learning applied to document recognition", 1998). Strokes from a pen go
through `nn.ink` instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.ink import BOX, SIDE, Box, longer_side
from nn.picture.paper import EDGE, line_width
from nn.picture.pieces import Grey

_USUAL = 1.4, 4.4  # width of lines in the box of 20 pixels: all but a few of MNIST's lie between
_MADE = 1.8, 3.6  # what thinner and thicker lines are brought to
_FINE = 80  # longer side of the ink at which lines are made wider or narrower


def in_field(ink: Grey, box: Box) -> NDArray[np.uint8]:
    """The ink in its box as MNIST would hold it: (28, 28) uint8, white ink 255 on black 0."""
    return _centred(_scaled(*_with_usual_pen(ink, box), int(BOX)))


def _with_usual_pen(ink: Grey, box: Box) -> tuple[Grey, Box]:
    """The ink and its box; lines thinner or thicker than MNIST's made like its thin or its thick.

    A ballpoint's line is a hair in a photo, a marker's a beam, and the network has seen neither.
    """
    if _USUAL[0] <= line_width(ink) * BOX / longer_side(box) <= _USUAL[1]:
        return ink, box
    fine = np.pad(_scaled(ink, box, _FINE), _FINE // 8)
    width = line_width(fine) * BOX / _FINE
    radius = (min(max(width, _MADE[0]), _MADE[1]) - width) / 2 * _FINE / BOX
    fine = _spread(fine, radius) if radius > 0 else 1 - _spread(1 - fine, -radius)
    return fine, box_of(fine)


def _spread(values: Grey, radius: float) -> Grey:
    """The largest value within `radius` pixels of each pixel."""
    reach = int(radius)
    height, width = values.shape
    padded = np.pad(values, reach, mode="edge")
    spread = values
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if 0 < x * x + y * y <= radius * radius:
                moved = padded[reach + y : reach + y + height, reach + x : reach + x + width]
                spread = np.maximum(spread, moved)
    return spread


def _scaled(ink: Grey, box: Box, side: int) -> Grey:
    """The ink in the box with its longer side brought to `side` pixels, the aspect kept, most 1."""
    left, top, right, bottom = box
    longer = longer_side(box)
    rows = max(1, round((bottom - top) * side / longer))
    columns = max(1, round((right - left) * side / longer))
    down = _resampling(ink.shape[0], top, bottom, rows)
    across = _resampling(ink.shape[1], left, right, columns)
    scaled = down @ ink @ across.T
    full: Grey = scaled / scaled.max()
    return full


def _resampling(size: int, start: float, stop: float, count: int) -> Grey:
    """(count, size) float32 weights that resample `size` pixels from `start` to `stop`.

    They average over areas where that makes fewer of them, and interpolate linearly where more.
    """
    pitch = (stop - start) / count
    centre = start + (np.arange(count)[:, None] + 0.5) * pitch
    at = np.arange(size)[None, :]
    if pitch >= 1:
        overlap = np.minimum(centre + pitch / 2, at + 1) - np.maximum(centre - pitch / 2, at)
        weight = np.clip(overlap, 0, None)
    else:
        inside = np.clip(centre, 0.5, size - 0.5)
        weight = np.clip(1 - np.abs(at + 0.5 - inside), 0, None)
    normal: Grey = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return normal


def _centred(ink: Grey) -> NDArray[np.uint8]:
    """The ink in a 28x28 field, shifted by whole pixels: its centre of mass lies at pixel (14, 14).

    All but two of MNIST's training images have it within half a pixel of there, and their whole
    pixels show that MNIST was not resampled in that step either.
    """
    height, width = ink.shape
    mass = ink.sum()
    y = float(ink.sum(axis=1) @ np.arange(height) / mass)
    x = float(ink.sum(axis=0) @ np.arange(width) / mass)
    top = min(max(SIDE // 2 - int(y + 0.5), 0), SIDE - height)
    left = min(max(SIDE // 2 - int(x + 0.5), 0), SIDE - width)
    field = np.zeros((SIDE, SIDE), np.uint8)
    field[top : top + height, left : left + width] = np.rint(ink * 255)
    return field


def box_of(ink: Grey) -> Box:
    """Left, top, right, bottom of the ink, with the blur of its edges taken off.

    In a blurred picture ink tapers off over a width of one over its steepest step, half of it
    outside of the true edge.
    """
    x0, y0, x1, y1 = extent_of(ink > EDGE)
    steepest = max(float(np.abs(np.diff(ink, axis=axis)).max(initial=0)) for axis in (0, 1))
    blur = (0.5 - EDGE) * max(0.0, 1 / max(steepest, 0.05) - 1.25)  # a sharp edge may lie askew
    across, down = min(blur, (x1 - x0) / 4), min(blur, (y1 - y0) / 4)
    return x0 + across, y0 + down, x1 - across, y1 - down


def extent_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is true, of which there is some."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
