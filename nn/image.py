"""Bring a picture of one handwritten digit, of any size and either polarity, to MNIST's 28x28 form.

Strokes from a pen go through `nn.ink` instead; this is for what only exists as pixels: a scan, a
phone photo, a screenshot. NumPy alone, because it also runs in the browser.

The steps: grey values -> paper subtracted (a smooth surface, so uneven light goes with it) -> ink
found above the paper's own noise -> the ink's box scaled so that its longer side is 20 pixels ->
centre of mass put in the middle of the 28x28 field, which is the rule that MNIST itself was made by
(LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""Height and width of MNIST's field, in pixels."""
INK_SIDE = 20
"""Longer side of the ink's box inside that field, in pixels."""

_LOOK = 256  # longer side at which the digit is searched for
_DIGIT = 100  # the digit is looked at again so that its own longer side is at least this
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_LEAST_CONTRAST = 0.04  # of full scale: fainter than ten grey levels is not ink
_EDGE = 0.08  # of the ink's own contrast: where the ink's box ends, above JPEG's ringing
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
    pixels = _checked(array)
    height, width = pixels.shape[:2]
    window = (0, 0, width, height)
    found = _look(pixels, window, max(1, -(-max(height, width) // _LOOK)))
    if found is None:
        return None
    ink, box, step = found
    if step > 1:  # shrunk: look again, at the digit alone and as finely as is of use
        window = _around(box, width, height)
        longer = max(box[2] - box[0], box[3] - box[1])
        closer = _look(pixels, window, max(1, int(longer // _DIGIT)))
        if closer is not None:
            ink, box, step = closer
    return _centred(_scaled(ink)), box


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
) -> tuple[Grey, Box, int] | None:
    """Search a window of the picture, shrunk `step` times, for ink.

    Returns the ink cut out, (h, w) float32 in 0..1, its box in the picture's pixels, and `step`.
    """
    left, top, right, bottom = window
    ink = _ink(_grey(pixels[top:bottom, left:right], step))
    if ink is None:
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = (
        float(left + x0 * step),
        float(top + y0 * step),
        float(min(left + x1 * step, right)),
        float(min(top + y1 * step, bottom)),
    )
    return ink[y0:y1, x0:x1], box, step


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
    total /= count
    unit = np.float32(255 if pixels.dtype == np.uint8 else 1)
    colour = total[:, :, :3] / (unit * unit if channels == 4 else unit)
    grey: Grey = colour[:, :, 0] if channels == 1 else colour @ np.array(_LUMA, np.float32)
    if channels < 4:
        return grey
    on_white = grey + (1 - total[:, :, 3] / unit)
    return grey if np.ptp(grey) > 2 * np.ptp(on_white) else on_white


def _ink(grey: Grey) -> Grey | None:
    """How much ink is on each pixel: 0 paper, 1 full ink; None where there is nothing but paper."""
    light = grey - _paper(grey)  # above the paper
    noise = 1.4826 * float(np.median(np.abs(light)))
    bright = np.maximum(light - 3 * noise, 0).sum()
    dark = np.maximum(-light - 3 * noise, 0).sum()
    ink: Grey = light if bright > dark else -light
    full = float(ink.max())
    if full < max(_LEAST_CONTRAST, 6 * noise):
        return None
    # Full ink is what the stronger half of the ink has, not one glint or one dark speck.
    strong = ink[ink > full / 2]
    full = float(np.percentile(strong, 90))
    ink = np.clip(ink / full, 0, 1)
    edge = max(_EDGE, 4 * noise / full)
    if edge >= 0.9:
        return None
    return np.where(_pieces(ink, edge), ink, np.float32(0))


def _paper(grey: Grey) -> Grey:
    """The paper's light: a quadratic surface fitted to all pixels but those that stand out (the ink).

    Iteratively reweighted least squares with Tukey's biweight, begun from the picture's rim, since
    a digit stands in the middle of its paper.
    """
    height, width = grey.shape
    step = max(1, max(height, width) // 64)
    sample = grey[step // 2 :: step, step // 2 :: step]
    y, x = np.indices(sample.shape, dtype=np.float64)
    y, x = (y * step + step // 2).ravel(), (x * step + step // 2).ravel()
    values = sample.ravel().astype(np.float64)

    def terms(y: Any, x: Any) -> list[Any]:
        v, u = 2 * y / height - 1, 2 * x / width - 1
        return [np.ones_like(u * v), u + 0 * v, v + 0 * u, u * u + 0 * v, u * v, v * v + 0 * u]

    design = np.stack(terms(y, x), axis=1)
    ring = max(1, min(sample.shape) // 8)
    inner = np.zeros(sample.shape, bool)
    inner[ring:-ring, ring:-ring] = True
    rim = values[~inner.ravel()]
    surface = np.zeros(6)
    surface[0] = np.median(rim)
    spread = 1.4826 * np.median(np.abs(rim - surface[0]))
    for _ in range(10):
        scale = max(4.685 * spread, 0.02)
        apart = (values - design @ surface) / scale
        weight = np.where(np.abs(apart) < 1, (1 - apart**2) ** 2, 0)
        weighted = design * weight[:, None]
        ridge = 1e-6 * max(weight.sum(), 1)
        surface = np.linalg.solve(
            weighted.T @ design + ridge * np.eye(6),
            weighted.T @ values + ridge * np.array([surface[0], 0, 0, 0, 0, 0]),
        )
        near = weight > 0
        if near.any():
            spread = 1.4826 * np.median(np.abs(values - design @ surface)[near])
    ys, xs = np.arange(height)[:, None], np.arange(width)[None, :]
    fitted: Grey = sum(c * t for c, t in zip(surface, terms(ys, xs), strict=True)).astype(np.float32)
    return fitted


def _pieces(ink: Grey, edge: float) -> NDArray[np.bool_]:
    """Which pixels belong to the digit: connected pieces above `edge` that are not dust.

    A piece counts when some of it is strong ink and it holds a fair share of the largest's ink.
    """
    mask = ink > edge
    label = _labels(mask)
    mass = np.bincount(label[mask], weights=ink[mask], minlength=label.size)
    strong = np.zeros(label.size, bool)
    strong[label[ink > 0.5]] = True
    mass[~strong] = 0
    keep = mass > _SPECK * mass.max()
    return mask & keep[label]


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


def _scaled(ink: Grey) -> Grey:
    """The ink's box with its longer side brought to 20 pixels, the aspect kept."""
    height, width = ink.shape
    longer = max(height, width)
    rows = max(1, round(height * INK_SIDE / longer))
    columns = max(1, round(width * INK_SIDE / longer))
    scaled = _resampling(height, rows) @ ink @ _resampling(width, columns).T
    full: Grey = scaled / scaled.max()
    return full


def _resampling(old: int, new: int) -> Grey:
    """(new, old) float32 weights that bring `old` samples to `new`: area when fewer, linear when more."""
    centre = (np.arange(new)[:, None] + 0.5) * old / new
    at = np.arange(old)[None, :]
    if new <= old:
        half = old / new / 2
        overlap = np.minimum(centre + half, at + 1) - np.maximum(centre - half, at)
        weight = np.clip(overlap, 0, None)
    else:
        inside = np.clip(centre, 0.5, old - 0.5)
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
