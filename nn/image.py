"""Bring a picture of one handwritten digit, of any size and either polarity, to MNIST's 28x28 form.

Strokes from a pen go through `nn.ink` instead; this is for what only exists as pixels: a scan, a
phone photo, a screenshot. NumPy alone, because it also runs in the browser.

The steps: grey values -> paper subtracted (a smooth surface, so uneven light goes with it) -> ink
found above the paper's own noise -> the ink's box scaled so that its longer side is 20 pixels ->
centre of mass put in the middle of the 28x28 field, which is the rule that MNIST itself was made by
(LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.ink import BOX, SIDE
from nn.slices import columns_to_cut

_LOOK = 256  # longer side at which the digit is searched for
_CLOSER = 100  # the digit is looked at again so that its own longer side is at least this
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_LEAST_CONTRAST = 0.04  # of full scale: fainter than ten grey levels is not ink
_USUAL = 1.4, 4.4  # width of lines in the box of 20 pixels: all but a few of MNIST's lie between
_MADE = 1.8, 3.6  # what thinner and thicker lines are brought to
_FINE = 80  # longer side of the ink at which lines are made wider or narrower
_EDGE = 0.08  # of the ink's own contrast: where the ink's box ends, above JPEG's ringing
_BODY = 0.25  # of the same: what holds a piece together, above the lines of ruled paper
_STRONG = 0.5  # of the same: a piece has some ink that is so strong
_SPECK = 0.02  # of the largest piece: smaller pieces are dust

Box = tuple[float, float, float, float]
Grey = NDArray[np.float32]


class ImageError(ValueError):
    """The array is not a picture: the message says what was expected and what came."""


def to_mnist(array: NDArray[Any]) -> tuple[NDArray[np.uint8], Box] | None:
    """The digit in a picture as MNIST would hold it, and where in the picture its ink lies.

    array: (h, w) or (h, w, 1 | 3 | 4), uint8, bool, or float in 0..1. Three channels are red, green
    and blue; a fourth is opacity, and what is transparent shows white paper (black, if only that
    makes the ink visible). Dark ink on light or light on dark.

    Returns ((28, 28) uint8, white ink 255 on black 0; (left, top, right, bottom) of the ink in the
    picture's pixels), or None when nothing stands out from the paper: a blank picture.
    Raises ImageError when the array is not such a picture.
    """
    picture = Picture(array)
    return picture.in_mnist_form() if picture.ink is not None else None


class Picture:
    """A picture whose ink has been found: all of it, or one piece after the other."""

    def __init__(self, array: NDArray[Any]) -> None:
        """Find the ink; ``ink`` is None when nothing stands out from the paper.

        Takes and raises what ``to_mnist`` does.
        """
        self.pixels = _checked(array)
        height, width = self.pixels.shape[:2]
        self.step = max(1, -(-max(height, width) // _LOOK))
        found = _look(self.pixels, self._whole(), self.step)
        self.ink: Grey | None = None
        self._inside = self.box = (0.0, 0.0, 0.0, 0.0)
        if found is not None:
            self.ink, self._inside, self.box = found

    def pieces(self) -> tuple[NDArray[np.intp], list[Box]]:
        """Return the connected pieces of ink: a number for each pixel of ``ink``, -1 where there
        is none, and the pieces' boxes in the picture.
        """
        if self.ink is None:
            return np.empty((0, 0), np.intp), []
        inked = self.ink > 0
        roots, number = np.unique(_labels(inked)[inked], return_inverse=True)
        of_pixel = np.full(inked.shape, -1, np.intp)
        of_pixel[inked] = number
        edges = np.zeros((len(roots), 4), np.intp)
        edges[:, :2] = inked.size
        for axis, places in enumerate(np.nonzero(inked)[::-1]):
            np.minimum.at(edges[:, axis], number, places)
            np.maximum.at(edges[:, axis + 2], number, places + 1)
        boxes: list[Box] = [tuple(box) for box in (edges * float(self.step)).tolist()]
        return of_pixel, boxes

    def cut(self, only: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], Box]]:
        """Cut the ink on some pixels where digits that touch may end.

        Return the slices from left to right, each its pixels and its box in the picture.
        """
        if self.ink is None:
            return []
        left, top, right, bottom = _extent(only)
        window = self.ink[top:bottom, left:right] * only[top:bottom, left:right]
        cuts = [left, *(left + column for column in columns_to_cut(window)), right]
        found = []
        for first, last in pairwise(cuts):
            pixels = np.zeros_like(only)
            pixels[:, first:last] = only[:, first:last]
            if (self.ink[pixels] > _STRONG).any():
                found.append((pixels, _in_picture(_extent(pixels), self._whole(), self.step)))
        return found

    def in_mnist_form(
        self, only: NDArray[np.bool_] | None = None, closer: bool = True
    ) -> tuple[NDArray[np.uint8], Box]:
        """Return the ink, or only that on some of its pixels, in MNIST's form, and its box.

        Not to look ``closer`` at a large picture is faster. Raises ValueError if there is no ink.
        """
        if self.ink is None or (only is not None and not only.any()):
            raise ValueError("expected a picture with ink, got a blank one")
        ink, inside, box = self.ink, self._inside, self.box
        if only is not None:
            ink = np.where(only, ink, np.float32(0))
            inside = _box(ink)
            box = _in_picture(inside, self._whole(), self.step)
        if (
            closer and self.step > 1
        ):  # shrunk: look again, at the digit alone and as finely as is of use
            ink, inside, box = self._closer(box, only) or (ink, inside, box)
        return _centred(_scaled(*_with_usual_pen(ink, inside), int(BOX))), box

    def _whole(self) -> tuple[int, int, int, int]:
        height, width = self.pixels.shape[:2]
        return 0, 0, width, height

    def _closer(self, box: Box, only: NDArray[np.bool_] | None) -> tuple[Grey, Box, Box] | None:
        window = _around(box, self.pixels.shape[1], self.pixels.shape[0])
        step = max(1, int(max(box[2] - box[0], box[3] - box[1]) // _CLOSER))
        found = _look(self.pixels, window, step)
        if found is None or only is None:
            return found
        ink = found[0]
        # What else lies in the window is left out: what is nearer to ink that is not asked for.
        near = _grown(only, 2) & (only | (self.ink == 0))
        rows = np.minimum((window[1] + np.arange(ink.shape[0]) * step) // self.step, len(near) - 1)
        columns = np.minimum(
            (window[0] + np.arange(ink.shape[1]) * step) // self.step, near.shape[1] - 1
        )
        ink = np.where(near[rows[:, None], columns], ink, np.float32(0))
        if not (ink > _EDGE).any():
            return None
        inside = _box(ink)
        return ink, inside, _in_picture(inside, window, step)


def _checked(array: NDArray[Any]) -> NDArray[Any]:
    """The array as (h, w, channels), or an error that says what is wrong with it."""
    array = np.asarray(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            "expected a picture of shape (height, width) or (height, width, 1, 3 or 4), "
            f"got {array.shape}"
        )
    if array.size == 0:
        raise ImageError(f"expected a picture of at least one pixel, got shape {array.shape}")
    if array.dtype != np.uint8 and array.dtype != np.bool_ and array.dtype.kind != "f":
        raise ImageError(
            f"expected pixels of type uint8, bool, or float between 0 and 1, got {array.dtype}"
        )
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):  # also refuses NaN, which compares false
            raise ImageError(
                f"expected finite float pixels between 0 and 1, got {low:g} to {high:g}"
            )
    return array if array.ndim == 3 else array[:, :, None]


def _look(
    pixels: NDArray[Any], window: tuple[int, int, int, int], step: int
) -> tuple[Grey, Box, Box] | None:
    """Search a window of the picture, shrunk `step` times, for ink.

    Returns the window's ink, (h, w) float32, its box in the shrunk window, and that box in the
    picture.
    """
    left, top, right, bottom = window
    ink = _ink(_grey(pixels[top:bottom, left:right], step))
    if ink is None:
        return None
    inside = _box(ink)
    return ink, inside, _in_picture(inside, window, step)


def _in_picture(inside: Box, window: tuple[int, int, int, int], step: int) -> Box:
    """The place in the picture of a box in a window of it that is shrunk `step` times."""
    left, top, right, bottom = window
    x0, y0, x1, y1 = inside
    return (
        left + x0 * step,
        top + y0 * step,
        min(left + x1 * step, right),
        min(top + y1 * step, bottom),
    )


def _box(ink: Grey) -> Box:
    """Left, top, right, bottom of the ink, with the blur of its edges taken off.

    In a blurred picture ink tapers off over a width of one over its steepest step, half of it
    outside of the true edge.
    """
    x0, y0, x1, y1 = _extent(ink > _EDGE)
    steepest = max(float(np.abs(np.diff(ink, axis=axis)).max(initial=0)) for axis in (0, 1))
    blur = (0.5 - _EDGE) * max(0.0, 1 / max(steepest, 0.05) - 1.25)  # a sharp edge may lie askew
    across, down = min(blur, (x1 - x0) / 4), min(blur, (y1 - y0) / 4)
    return x0 + across, y0 + down, x1 - across, y1 - down


def _extent(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is true, of which there is some."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _around(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box with half its longer side of paper around it, inside the picture."""
    left, top, right, bottom = box
    margin = max(right - left, bottom - top) / 2
    return (
        max(0, int(left - margin)),
        max(0, int(top - margin)),
        min(width, int(right + margin)),
        min(height, int(bottom + margin)),
    )


def _grey(pixels: NDArray[Any], step: int) -> Grey:
    """Luminance in 0..1 of (h, w, channels), each side shrunk `step` times by area averaging.

    It adds up every `step`-th pixel, `step` squared times, so that no full-size copy of a large
    picture in floating point is ever made.
    """
    height, width, channels = pixels.shape
    shape = (-(-height // step), -(-width // step))
    total = np.zeros((*shape, channels), np.float32)
    count = np.zeros((*shape, 1), np.float32)
    for y in range(min(step, height)):
        for x in range(min(step, width)):
            part = pixels[y::step, x::step]
            where = np.s_[: part.shape[0], : part.shape[1]]
            if channels == 4:
                opacity = part[:, :, 3:].astype(np.float32)
                total[where][:, :, :3] += part[:, :, :3] * opacity
                total[where][:, :, 3:] += opacity
            else:
                total[where] += part
            count[where] += 1
    unit = 255.0 if pixels.dtype == np.uint8 else 1.0
    total /= count * np.float32(unit)
    if channels == 4:
        total[:, :, :3] /= np.float32(unit)
    grey: Grey = total[:, :, :3] @ np.array(_LUMA if channels > 1 else (1,), np.float32)
    if channels < 4:
        return grey
    on_white: Grey = grey + (1 - total[:, :, 3])
    return grey if np.ptp(grey) > 2 * np.ptp(on_white) else on_white


def _ink(grey: Grey) -> Grey | None:
    """How much ink is on each pixel: 0 paper, about 1 full ink; None where there is only paper."""
    paper, noise = _paper(grey)
    found = _digit(_darkness(grey, paper, noise), noise)
    if found is None or _on_rim(found) < 0.1:
        return found
    # Ink on the rim: a shadow with a hard edge, which no smooth surface follows, or a tight crop.
    for shade in (_closed(grey), -_closed(-grey)):
        other = _digit(_darkness(grey, shade, noise), noise)
        if other is not None and _on_rim(other) < 0.05 and other.sum() < 0.7 * found.sum():
            found = _off_rim(other)
    return found


def _on_rim(ink: Grey) -> float:
    """The share of the picture's outermost pixels that hold ink."""
    return float((_rim(ink) > 0).mean())


def _off_rim(ink: Grey) -> Grey:
    """The ink without the pieces on the rim, unless there are no others: a shadow's corners."""
    label = _labels(ink > 0)
    inside = np.where(np.isin(label, _rim(label)[_rim(ink) > 0]), np.float32(0), ink)
    return inside if inside.any() else ink


def _rim(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def _darkness(grey: Grey, paper: Grey, noise: float) -> Grey:
    """How far each pixel is from the paper, ink positive whichever of the two is the darker one."""
    light = grey - paper
    bright = np.maximum(light - 3 * noise, 0).sum()
    dark = np.maximum(-light - 3 * noise, 0).sum()
    if bright > dark:
        return light
    # Dark ink takes a share of the light that falls on the paper; bright ink has no such share.
    share: Grey = -light * (paper.max() / np.maximum(paper, np.float32(0.1)))
    return share


def _digit(ink: Grey, noise: float) -> Grey | None:
    """The digit's ink scaled to about 1, all else 0; None if nothing stands out from the paper."""
    full = float(ink.max())
    if full < max(_LEAST_CONTRAST, 6 * noise):
        return None
    # Full ink is what the stronger half of the ink has, not one glint or one dark speck.
    full = float(np.percentile(ink[ink > full / 2], 90))
    ink, noise = ink / full, noise / full
    if 4 * noise > 0.9:
        return None
    mask = _pieces(ink, max(_BODY, 4 * noise))
    # What lies apart from the digit shows how strong ruled lines, stains and the like are.
    reach = max(1, round(max(np.ptp(np.flatnonzero(mask.any(axis))) for axis in (0, 1)) / BOX))
    apart = ink[~_grown(mask, reach)]
    clutter = float(np.percentile(apart, 98)) if apart.size else 0.0
    edge = min(max(4 * noise, 1.5 * clutter), 0.5)
    around = ink > max(_EDGE, edge)
    for _ in range(reach):
        mask = _grown(mask, 1) & around
    mask = _grown(mask, 1) & (ink > edge)
    return np.where(mask, np.minimum(ink, np.float32(1.25)), np.float32(0))


def _closed(grey: Grey) -> Grey:
    """Grey closing: dark marks narrower than half the picture take on their surroundings."""
    for highest in (True, False):
        for axis in (0, 1):
            size = max(3, min(grey.shape) // 2 | 1)
            grey = _extreme(grey, size, axis) if highest else -_extreme(-grey, size, axis)
    return grey


def _extreme(values: Grey, size: int, axis: int) -> Grey:
    """The largest value in a window of odd `size` around each place along an axis."""
    values = np.moveaxis(values, axis, 0)
    outside = np.full((size // 2, values.shape[1]), -np.inf, np.float32)
    values = np.concatenate([outside, values, outside])
    reach = 1
    while reach < size:  # a window twice as long is two windows; the last pair may overlap
        step = min(reach, size - reach)
        values = np.maximum(values[:-step], values[step:])
        reach += step
    return np.moveaxis(values, 0, axis)


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The mask with every pixel that is at most `reach` rows and columns from it."""
    for _ in range(reach):
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        mask = wider.copy()
        mask[:, 1:] |= wider[:, :-1]
        mask[:, :-1] |= wider[:, 1:]
    return mask


def _paper(grey: Grey) -> tuple[Grey, float]:
    """The light of the bare paper, (h, w) float32, and its noise.

    A quadratic surface through all pixels but those that stand out, which are ink: iteratively
    reweighted least squares with Tukey's biweight, begun from the picture's rim, because a digit
    stands in the middle of its paper.
    """
    height, width = grey.shape
    v, u = np.broadcast_arrays(
        np.linspace(-1, 1, height, dtype=np.float32)[:, None],
        np.linspace(-1, 1, width, dtype=np.float32)[None, :],
    )
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    # A few thousand pixels settle six numbers.
    few = tuple(slice(size // 128, None, max(1, size // 64)) for size in grey.shape)
    sample = grey[few]
    design = terms[few].reshape(-1, 6).astype(np.float64)
    values = sample.ravel().astype(np.float64)

    level, spread = _rim_level(sample)
    surface = np.array([level, 0, 0, 0, 0, 0])
    for _ in range(10):
        apart = (values - design @ surface) / max(4.685 * spread, 0.02)
        near = np.abs(apart) < 1
        if not near.any():
            break
        weighted = design * np.where(near, (1 - apart**2) ** 2, 0)[:, None]
        # The small ridge settles what too few pixels, or all in one row, leave open.
        surface = np.linalg.solve(weighted.T @ design + 1e-6 * np.eye(6), weighted.T @ values)
        spread = 1.4826 * _median(np.abs(values - design @ surface)[near])
    paper: Grey = terms @ surface.astype(np.float32)
    return paper, spread


def _rim_level(grey: Grey) -> tuple[float, float]:
    """The commonest grey on the picture's rim, its corners counted again, and the spread about it.

    A digit cut out tightly covers much of the rim, but few of the corners.
    """
    deep, wide = (max(1, size // 8) for size in grey.shape)
    ends = np.s_[:deep], np.s_[-deep:]
    sides = np.s_[:wide], np.s_[-wide:]
    strips = [grey[rows] for rows in ends] + [grey[:, columns] for columns in sides]
    corners = [grey[rows, columns] for rows in ends for columns in sides]
    rim = np.concatenate([part.ravel() for part in strips + 3 * corners])
    count, edge = np.histogram(rim, bins=16, range=(0, 1))
    count = np.convolve(count, (1, 2, 1), "same")
    near = rim[np.abs(rim - edge[count.argmax()] - 1 / 32) <= 3 / 32]
    level = _median(near)
    return level, 1.4826 * _median(np.abs(near - level))


def _median(values: NDArray[Any]) -> float:
    """What half of the values are below. NumPy's own imports `numpy.ma`, which the page has not."""
    return float(np.percentile(values, 50))


def _pieces(ink: Grey, edge: float) -> NDArray[np.bool_]:
    """Which pixels belong to the digit: connected pieces above `edge` that are not dust.

    A piece counts when some of it is strong ink and it holds a fair share of the largest's ink.
    """
    mask = ink > edge
    label = _labels(mask)
    mass = np.bincount(label[mask], weights=ink[mask], minlength=label.size)
    strong = np.zeros(label.size, bool)
    strong[label[ink > _STRONG]] = True
    mass[~strong] = 0
    keep: NDArray[np.bool_] = mask & (mass > _SPECK * mass.max())[label]
    return keep


def _labels(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The same number on all pixels of one 8-connected piece: its smallest flat index.

    Every pixel points at itself; neighbours hook the larger root to the smaller, and pointers are
    halved, until nothing changes.
    """
    height, width = mask.shape
    index = np.arange(mask.size).reshape(mask.shape)
    ends = []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        both = mask[here] & mask[there]
        ends.append((index[here][both], index[there][both]))
    a = np.concatenate([first for first, _ in ends])
    b = np.concatenate([second for _, second in ends])
    root = np.arange(mask.size)
    while True:
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        if (low == high).all():
            return root.reshape(height, width)
        np.minimum.at(root, high, low)
        while (root != root[root]).any():
            root = root[root]


def _with_usual_pen(ink: Grey, box: Box) -> tuple[Grey, Box]:
    """The ink and its box; lines thinner or thicker than MNIST's made like its thin or its thick.

    A ballpoint's line is a hair in a photo, a marker's a beam, and the network has seen neither.
    """
    longer = max(box[2] - box[0], box[3] - box[1])
    if _USUAL[0] <= _line_width(ink) * BOX / longer <= _USUAL[1]:
        return ink, box
    fine = np.pad(_scaled(ink, box, _FINE), _FINE // 8)
    width = _line_width(fine) * BOX / _FINE
    radius = (min(max(width, _MADE[0]), _MADE[1]) - width) / 2 * _FINE / BOX
    fine = _spread(fine, radius) if radius > 0 else 1 - _spread(1 - fine, -radius)
    return fine, _box(fine)


def _line_width(ink: Grey) -> float:
    """The mean width of lines in pixels: a line covers length times width and has two edges.

    The length of all edges is the ink's total variation, which holds for soft edges too.
    """
    padded = np.pad(ink, 1)
    down, across = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.hypot(down, across).sum())


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
    longer = max(right - left, bottom - top)
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

    All of MNIST's training images have it within half a pixel of there, and their whole pixels show
    that MNIST was not resampled in that step either.
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
