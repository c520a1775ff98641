"""A picture of handwritten digits, of any size and either polarity: its ink, piece by piece.

Strokes from a pen go through `nn.ink` instead; this is for what only exists as pixels: a scan, a
phone photo, a screenshot. NumPy alone, because it also runs in the browser.

Grey values are searched for ink (`nn.picture.paper`), a frame and dust are left out (`frame.py` and
`dust.py` there), and what is found is brought to MNIST's form (`mnist_form.py`): all of it, a
connected piece, or a slice of one (`slices.py`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.ink import Box, longer_side
from nn.picture.dust import without_dust
from nn.picture.frame import without_frame
from nn.picture.mnist_form import box_of, extent_of, in_field
from nn.picture.paper import STRONG, find_ink, line_width, with_strong
from nn.picture.pieces import Grey, Mask, grown, numbered, on_rim
from nn.picture.slices import columns_to_cut

_LOOK = 256  # longer side at which the digit is searched for
_CLOSER = 100  # the digit is looked at again so that its own longer side is at least this
_AGAIN = 0.85  # of the strong ink is seen there too, or it is not trusted
_MOST_LOOKS = 64  # so often in one picture: a page of print has hundreds of marks,
_IN_VAIN = 8  # and for so many counts a look that found something else: hatching does so often
_LOWEST = 2.0  # in widths of the lines: what is lower is a dash, and no digits that touch
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601


class ImageError(ValueError):
    """The array is not a picture: the message says what was expected and what came."""


class Picture:
    """A picture whose ink has been found: all of it, or one piece after the other."""

    def __init__(self, array: NDArray[Any]) -> None:
        """Find the ink; ``ink`` is None when nothing stands out from the paper: a blank picture.

        array: (h, w) or (h, w, 1 | 3 | 4), uint8, bool, or float in 0..1. Three channels are red,
        green and blue; a fourth is opacity, and what is transparent shows white paper (black, if
        only that makes the ink visible). Dark ink on light or light on dark.

        Raises ImageError when the array is not such a picture.
        """
        self.pixels = _checked(array)
        height, width = self.pixels.shape[:2]
        self._window = (0, 0, width, height)
        self.step = _step(self._window)
        self._looks = 0
        found = _look(self.pixels, self._window, self.step)
        if found is not None and self.step > 1:  # the ink may be but a small part of the picture
            window = _around(found[2], width, height)
            step = _step(window)
            if step < self.step and (finer := _look(self.pixels, window, step)) is not None:
                ink = finer[0]
                near = self._seen_from(grown(found[0] > 0, 2), ink.shape, window, step)
                # What reaches the rim of this window alone is a shade, or what lies beyond it.
                beyond = on_rim(ink > 0) & ~near
                if beyond.any():
                    ink = with_strong(np.where(beyond, np.float32(0), ink))
                if self._is_same(found[0], ink, window, step):
                    found = ink, *_places(ink, window, step)
                    self._window, self.step = window, step
        self.ink: Grey | None = None
        self._inside = self.box = (0.0, 0.0, 0.0, 0.0)
        if found is not None:
            ink, self._inside, self.box = found
            self.ink = without_dust(without_frame(ink))
            if self.ink is not ink:
                self._inside, self.box = _places(self.ink, self._window, self.step)

    def pieces(self) -> tuple[NDArray[np.intp], list[Box]]:
        """Return the connected pieces of ink: a number for each pixel of ``ink``, -1 where there
        is none, and the pieces' boxes in the picture.
        """
        if self.ink is None:
            return np.empty((0, 0), np.intp), []
        of_pixel, edges = numbered(self.ink > 0)
        boxes = [
            _in_picture((left, top, right, bottom), self._window, self.step)
            for left, top, right, bottom in edges.tolist()
        ]
        return of_pixel, boxes

    def line_width(self) -> float:
        """Return the mean width of the picture's lines, in its pixels; 0 without ink."""
        return 0.0 if self.ink is None else line_width(self.ink) * self.step

    def cut(self, only: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], Box]]:
        """Cut the ink on some pixels where digits that touch may end.

        Return the slices from left to right, each its pixels and its box in the picture.
        """
        if self.ink is None:
            return []
        left, top, right, bottom = extent_of(only)
        if bottom - top < _LOWEST * line_width(self.ink):
            return []
        window = self.ink[top:bottom, left:right] * only[top:bottom, left:right]
        cuts = [left, *(left + column for column in columns_to_cut(window)), right]
        found = []
        for first, last in pairwise(cuts):
            pixels = np.zeros_like(only)
            pixels[:, first:last] = only[:, first:last]
            if (self.ink[pixels] > STRONG).any():
                found.append((pixels, _in_picture(extent_of(pixels), self._window, self.step)))
        return found

    def in_mnist_form(
        self, only: NDArray[np.bool_] | None = None, closer: bool = True
    ) -> tuple[NDArray[np.uint8], Box]:
        """Return the ink, or only that on some of its pixels, in MNIST's form, and its box.

        ``((28, 28) uint8, (left, top, right, bottom))``: white ink 255 on black 0, and where it
        lies in the picture's pixels.

        Not to look ``closer`` at a large picture is faster. Raises ValueError if there is no ink.
        """
        if self.ink is None or (only is not None and not only.any()):
            raise ValueError("expected a picture with ink, got a blank one")
        ink, inside, box = self.ink, self._inside, self.box
        if only is None:
            only = ink > 0  # what looks closer would see again what has been left out
        else:
            ink = np.where(only, ink, np.float32(0))
            inside, box = _places(ink, self._window, self.step)
        # Shrunk: look again, at the digit alone and as finely as is of use.
        if closer and self.step > 1 and self._looks < _MOST_LOOKS:
            seen = self._closer(ink, box, only)
            self._looks += 1 if seen else _IN_VAIN
            ink, inside, box = seen or (ink, inside, box)
        return in_field(ink, inside), box

    def _closer(self, before: Grey, box: Box, only: Mask) -> tuple[Grey, Box, Box] | None:
        window = _around(box, self.pixels.shape[1], self.pixels.shape[0])
        step = max(1, int(longer_side(box) // _CLOSER))
        found = _look(self.pixels, window, step, is_part=True)
        if found is None:
            return None
        ink = found[0]
        # What else lies in the window is left out: what is nearer to ink that is not asked for.
        near = grown(only, 2) & (only | (self.ink == 0))
        ink = np.where(self._seen_from(near, ink.shape, window, step), ink, np.float32(0))
        if not self._is_same(before, ink, window, step):
            return None
        return ink, *_places(ink, window, step)

    def _is_same(
        self, before: Grey, ink: Grey, window: tuple[int, int, int, int], step: int
    ) -> bool:
        """Tell whether a closer look at a window found the strong ink that had been found before,
        nearly all of it, and little else.
        """
        strong, now = self._seen_from(before > STRONG, ink.shape, window, step), ink > STRONG
        again = strong & grown(now, self.step // step)
        return bool(again.sum() > _AGAIN * strong.sum() and (now & strong).sum() > now.sum() / 2)

    def _seen_from(
        self, mask: Mask, shape: tuple[int, ...], window: tuple[int, int, int, int], step: int
    ) -> Mask:
        """Return a mask of the picture as it was looked at, for a closer look at a window."""
        rows, columns = (
            np.clip((first + np.arange(count) * step - origin) // self.step, 0, most - 1)
            for first, count, origin, most in zip(
                window[1::-1], shape, self._window[1::-1], mask.shape, strict=True
            )
        )
        seen: Mask = mask[rows[:, None], columns]
        return seen


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
    pixels: NDArray[Any], window: tuple[int, int, int, int], step: int, is_part: bool = False
) -> tuple[Grey, Box, Box] | None:
    """Search a window of the picture, shrunk `step` times, for ink.

    Returns the window's ink, (h, w) float32, its box in the shrunk window, and that box in the
    picture.
    """
    left, top, right, bottom = window
    ink = find_ink(_grey(pixels[top:bottom, left:right], step), is_part)
    return None if ink is None else (ink, *_places(ink, window, step))


def _places(ink: Grey, window: tuple[int, int, int, int], step: int) -> tuple[Box, Box]:
    """Return the box of the ink in its window, and in the picture."""
    inside = box_of(ink)
    return inside, _in_picture(inside, window, step)


def _step(window: tuple[int, int, int, int]) -> int:
    """How many times a window is shrunk to be searched for ink."""
    left, top, right, bottom = window
    return max(1, -(-max(right - left, bottom - top) // _LOOK))


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


def _around(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box with half its longer side of paper around it, inside the picture."""
    left, top, right, bottom = box
    margin = longer_side(box) / 2
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
