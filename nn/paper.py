"""Find the ink on a picture's paper: what stands out from a smooth surface, above its noise.

Grey values -> paper subtracted (a smooth surface, so uneven light goes with it) -> ink found above
the paper's own noise, without stains and ruled lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.ink import BOX

Grey = NDArray[np.float32]

_LEAST_CONTRAST = 0.04  # of full scale: fainter than ten grey levels is not ink
EDGE = 0.08  # of the ink's own contrast: where the ink's box ends, above JPEG's ringing
_BODY = 0.25  # of the same: what holds a piece together, above the lines of ruled paper
STRONG = 0.5  # of the same: a piece has some ink that is so strong
_SPECK = 0.02  # of the largest piece: smaller pieces are dust,
_DOT = 0.4  # if they are not so large as a dot of its pen: in squares as wide as its line


def find_ink(grey: Grey) -> Grey | None:
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
    label = labels_of(ink > 0)
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
    apart = ink[~grown(mask, reach)]
    clutter = float(np.percentile(apart, 98)) if apart.size else 0.0
    edge = min(max(4 * noise, 1.5 * clutter), 0.5)
    around = ink > max(EDGE, edge)
    for _ in range(reach):
        mask = grown(mask, 1) & around
    mask = grown(mask, 1) & (ink > edge)
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


def grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
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

    A piece counts when some of it is strong ink and it holds a fair share of the largest's ink, or
    as much as a dot that the same pen made.
    """
    mask = ink > edge
    label = labels_of(mask)
    mass = np.bincount(label[mask], weights=ink[mask], minlength=label.size)
    strong = np.zeros(label.size, bool)
    strong[label[ink > STRONG]] = True
    mass[~strong] = 0
    pen = line_width(np.where(label == mass.argmax(), ink, np.float32(0))) if strong.any() else 0
    keep: NDArray[np.bool_] = mask & (mass > min(_SPECK * mass.max(), _DOT * pen**2))[label]
    return keep


def line_width(ink: Grey) -> float:
    """The mean width of lines in pixels: a line covers length times width and has two edges.

    The length of all edges is the ink's total variation, which holds for soft edges too.
    """
    padded = np.pad(ink, 1)
    down, across = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.hypot(down, across).sum())


def labels_of(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
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
