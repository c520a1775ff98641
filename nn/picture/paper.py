"""Find the ink on a picture's paper: what stands out from a smooth surface, above its noise.

Grey values -> paper subtracted (a smooth surface, so uneven light goes with it) -> ink found above
the paper's own noise, without stains and ruled lines. A sheet that lies on something else is looked
at alone (`nn.picture.sheet`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.ink import BOX
from nn.picture.closing import closed
from nn.picture.median import median
from nn.picture.pieces import Grey, grown, numbered, on_rim, rim
from nn.picture.rim import from_beyond
from nn.picture.ruled import without_rules
from nn.picture.sheet import sheet_in

_LEAST_CONTRAST = 0.04  # of full scale: fainter than ten grey levels is not ink
EDGE = 0.08  # of the ink's own contrast: where the ink's box ends, above JPEG's ringing
BODY = 0.25  # of the same: what holds a piece together, above the lines of ruled paper
STRONG = 0.5  # of the same: a piece has some ink that is so strong
SPECK = 0.02  # of the largest piece: a smaller piece is dust, or a dot of the pen
_DOT = 0.4  # in squares as wide as the line: a dot of the pen is so large
_SOFT = 3  # pixels: so far about what is no ink reaches its blurred edge,
_FRINGE = 10  # and its shade
_STEP = 0.08  # of full scale: so much lighter or darker is a sheet than a table at its edge
_LEVEL = 0.15  # of full scale: so far from a surface lies what else is of the same level,
_SMOOTHER = 0.25  # and so much less is the noise about it than about one between two levels
_LINED = 0.02  # of full scale: so noisy is paper in whose every corner are lines,
_RULE = 5  # pixels: narrower are they,
_CLOSED = 2  # times as noisy as where they are closed is the paper between them
_WITHIN = 4  # so many things around paper are left out: it bounds the time
_LINES = 3  # in widths of the lines: what is wider than such a window is no ink
_SHADED = 0.1  # of the rim: so much has ink on it where a shade may be,
_MUCH = 0.2  # and of the picture, where ink may be the paper, and a shade what seems to be paper
_FULL = 0.75  # what is so strong is darker than a shade,
_WIDER = 1.2  # times as wide as lines of the former is what has the latter about it,
_FAINT = 0.3  # of the contrast of what was found: ink beside a shade is not so much fainter
_STEADY = 1.15  # times as much ink as with a smaller window is the same ink


def find_ink(grey: Grey, is_part: bool = False, within: int = 0) -> Grey | None:
    """How much ink is on each pixel of ``grey: (h, w)``, 0 to 1: 0 paper, about 1 full ink, in the
    same shape; None where there is only paper.

    What lies around the paper is left out: ``within`` so many such things the search is already.
    In what ``is_part`` of a picture, cut out about a digit, strokes reach the rim, or go across.
    """
    paper, noise = _between_lines(grey, *_paper(grey))
    found = _digit(_darkness(grey, paper, noise), noise, is_part)
    if found is None:  # the surface may lie between a sheet and a table
        paper, less = _paper(grey, _LEVEL)
        if less > _SMOOTHER * noise:
            return None
        found, noise = _digit(_darkness(grey, paper, less), less, is_part), less
        if found is None:
            return None
    if within == _WITHIN:
        return found
    sheet = sheet_in(found > STRONG)
    if sheet is not None and not _is_light(grey, sheet):
        written = _on_sheet(grey, sheet, within + 1)
        if written is not None:
            return written
    may_be_shade = _share_on_rim(found) >= _SHADED if is_part else bool(rim(found).any())
    if may_be_shade or line_width(found) > _WIDER * _pen(found):
        lines = _without_shade(grey, paper, noise, found)
        if lines is not None:
            return lines
    beyond = None if is_part else from_beyond(found > BODY)
    if beyond is not None:  # as if there were but paper: else ink is measured by it
        beyond = grown(beyond, _SOFT) | (grown(beyond, _FRINGE) & (found > 0))
        written = find_ink(np.where(beyond, paper, grey), is_part, within + 1)
        if written is not None:
            return written
    return found


def _between_lines(grey: Grey, paper: Grey, noise: float) -> tuple[Grey, float]:
    """The paper and its noise; where much of it are lines, which seem to be noise, what is left
    when they are closed.
    """
    if noise < _LINED:
        return paper, noise
    bare, less = _paper(closed(grey, _RULE))
    less *= _CLOSED
    return (bare, less) if less < _SMOOTHER * noise else (paper, noise)


def _without_shade(grey: Grey, paper: Grey, noise: float, found: Grey) -> Grey | None:
    """The ink without shadows that have a hard edge, which no smooth surface follows; None if what
    was found may be no such shadow.
    """
    is_dark = (grey < paper)[found > STRONG].mean() >= 0.5
    signs = (1, -1) if is_dark else (-1, 1)
    least = _FAINT * _contrast(grey, paper, found)
    full, reaches_in, wide = found > _FULL, rim(found).any(), line_width(found)
    best, most = None, 0.0
    for sign in signs if (found > STRONG).mean() >= _MUCH else signs[:1]:
        other, contrast = _beside_shade(grey, sign, noise)
        if other is None or contrast < least:
            continue
        width, is_all = line_width(other), other.sum() >= 0.7 * found.sum()
        if is_all and sign == signs[0] and wide < _WIDER * width:
            return None  # all that was found are lines
        if not reaches_in and ((other > _FULL) & full).sum() < 0.7 * full.sum():
            continue  # a shade in the middle is weaker than ink
        # Ink is thinner than what it leaves of a shade, and farther from it and from the paper.
        clear = contrast * _contrast(grey, paper, other) / width
        if width < _WIDER * wide and clear > most:
            written = with_strong(_off_rim(other), _FULL)  # a shade's corners are weaker
            best = written if written.any() and _share_on_rim(other) < 0.05 else None
            most = clear
    return best


def _contrast(grey: Grey, ground: Grey, ink: Grey) -> float:
    """How far strong ink is from its ground, in the mean."""
    return float(np.abs(grey - ground)[ink > STRONG].mean())


def _is_light(grey: Grey, sheet: NDArray[np.bool_]) -> bool:
    """Tell whether what looks like a sheet is but a band of light or shade: it has no clear edge,
    or it is darker than what is about it, and reaches the rim.
    """
    edge = grown(~sheet, _SOFT) & grown(sheet, _SOFT)
    inside, outside = median(grey[edge & sheet]), median(grey[edge & ~sheet])
    return abs(inside - outside) < _STEP or (inside < outside and bool(rim(sheet).any()))


def _on_sheet(grey: Grey, sheet: NDArray[np.bool_], others: int) -> Grey | None:
    """The ink on a sheet that lies on something else; None where there is none."""
    rows, columns = (np.flatnonzero(sheet.any(axis)) for axis in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    within = sheet[window]
    level = np.float32(median(grey[window][within]))
    found = find_ink(np.where(within, grey[window], level), within=others)
    if found is None:
        return None
    edge = grown(np.pad(~within, 1, constant_values=True), 2)[1:-1, 1:-1]
    written = np.zeros_like(grey)
    written[window] = with_strong(np.where(edge, np.float32(0), found))
    return written if written.any() else None


def with_strong(ink: Grey, least: float = STRONG) -> Grey:
    """The ink without pieces, or what is left of them, that are nowhere stronger than ``least``."""
    of_pixel, _ = numbered(ink > 0)
    return np.where(np.isin(of_pixel, np.unique(of_pixel[ink > least])), ink, np.float32(0))


def _beside_shade(grey: Grey, sign: int, noise: float) -> tuple[Grey | None, float]:
    """The ink on a ground that follows shades of any form, and how far it is from it, in the mean;
    dark ink where ``sign`` is 1. None if there are no lines.

    The ground is what remains when marks are closed that are narrower than some size: the least
    that is much wider than the lines that are found, and finds no more than the size before.
    """
    before, most, size, enough = np.float32(0), min(grey.shape) // 2 | 1, 5, 0
    while size <= most:
        ground = sign * closed(sign * grey, size)
        lines = _digit(_darkness(grey, ground, noise), noise)
        if lines is not None and (lines > STRONG).any():
            total, enough = lines.sum(), int(_LINES * line_width(lines)) | 1
            if size >= enough and total <= _STEADY * before:
                return lines, _contrast(grey, ground, lines)
            before = total
        size = max(size * 4 // 3 | 1, enough)
    return None, 0.0


def _pen(ink: Grey) -> float:
    """The mean width of the lines of full ink: hardly a shade is so strong."""
    full = ink > _FULL
    return line_width(np.where(grown(full, 1), ink, np.float32(0)) if full.any() else ink)


def _share_on_rim(ink: Grey) -> float:
    """The share of the picture's outermost pixels that hold ink."""
    return float((rim(ink) > 0).mean())


def _off_rim(ink: Grey) -> Grey:
    """The ink without the pieces on the rim, unless there are no others: a shadow's corners."""
    inside = np.where(on_rim(ink > 0), np.float32(0), ink)
    return inside if inside.any() else ink


def _darkness(grey: Grey, paper: Grey, noise: float) -> Grey:
    """How far each pixel is from the paper, ink positive whichever of the two is the darker one."""
    light = grey - paper
    # Squared: glare on a board is wide, but fainter than ink.
    bright = np.square(np.maximum(light - 3 * noise, 0)).sum()
    dark = np.square(np.maximum(-light - 3 * noise, 0)).sum()
    if bright > dark:
        return light
    # Dark ink takes a share of the light that falls on the paper; bright ink has no such share.
    share: Grey = -light * (paper.max() / np.maximum(paper, np.float32(0.1)))
    return share


def _digit(ink: Grey, noise: float, is_part: bool = False) -> Grey | None:
    """The digit's ink scaled to about 1, all else 0; None if nothing stands out from the paper."""
    full = float(ink.max())
    if full < max(_LEAST_CONTRAST, 6 * noise):
        return None
    # Full ink is what the stronger half of the ink has, not one glint or one dark speck.
    full = float(np.percentile(ink[ink > full / 2], 90))
    ink, noise = ink / full, noise / full
    if 4 * noise > 0.9:
        return None
    edge = max(BODY, 4 * noise)
    rest = without_rules(ink, max(EDGE, 5 * noise), BODY, is_part)
    if (rest > max(STRONG, edge)).any():
        ink = rest
    mask = _pieces(ink, edge)
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


def _paper(grey: Grey, most: float = 1.0) -> tuple[Grey, float]:
    """The light of the bare paper, (h, w) float32, and its noise.

    A quadratic surface through all pixels but those that stand out, which are ink: iteratively
    reweighted least squares with Tukey's biweight, begun from the picture's rim, because a digit
    stands in the middle of its paper. What is ``most`` away has no weight at all.
    """
    v, u = (np.linspace(-1, 1, size, dtype=np.float32) for size in grey.shape)
    # A few thousand pixels settle six numbers.
    rows, columns = (slice(size // 128, None, max(1, size // 64)) for size in grey.shape)
    sample = grey[rows, columns]
    x, y = (each.ravel().astype(np.float64) for each in np.meshgrid(u[columns], v[rows]))
    design = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    values = sample.ravel().astype(np.float64)

    level, spread = _rim_level(sample)
    surface = np.array([level, 0, 0, 0, 0, 0])
    for _ in range(10):
        apart = (values - design @ surface) / min(max(4.685 * spread, 0.02), most)
        near = np.abs(apart) < 1
        if not near.any():
            break
        weighted = design * np.where(near, (1 - apart**2) ** 2, 0)[:, None]
        # The small ridge settles what too few pixels, or all in one row, leave open.
        surface = np.linalg.solve(weighted.T @ design + 1e-6 * np.eye(6), weighted.T @ values)
        spread = 1.4826 * median(np.abs(values - design @ surface)[near])
    one, x, y, xx, xy, yy = surface.astype(np.float32)
    paper: Grey = (one + u * (x + u * xx)) + v[:, None] * (y + u * xy + v[:, None] * yy)
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
    seen = np.concatenate([part.ravel() for part in strips + 3 * corners])
    count, edge = np.histogram(seen, bins=16, range=(0, 1))
    count = np.convolve(count, (1, 2, 1), "same")
    near = seen[np.abs(seen - edge[count.argmax()] - 1 / 32) <= 3 / 32]
    level = median(near)
    return level, 1.4826 * median(np.abs(near - level))


def _pieces(ink: Grey, edge: float) -> NDArray[np.bool_]:
    """Which pixels belong to the digit: connected pieces above `edge` that are not dust.

    A piece counts when some of it is strong ink and it holds a fair share of the largest's ink, or
    as much as a dot that the same pen made. The largest is none on the rim, if there are others:
    that may be a table's edge.
    """
    mask = ink > edge
    of_pixel, boxes = numbered(mask)
    mass = np.bincount(of_pixel[mask], weights=ink[mask])
    strong = np.zeros(len(boxes), bool)
    strong[of_pixel[ink > max(STRONG, edge)]] = True
    mass[~strong] = 0
    inside = mass.copy()
    inside[rim(of_pixel)[rim(mask)]] = 0
    largest = (inside if inside.any() else mass).argmax()
    pen = line_width(np.where(of_pixel == largest, ink, np.float32(0))) if strong.any() else 0.0
    keep: NDArray[np.bool_] = mask & (mass > min(SPECK * mass[largest], _DOT * pen**2))[of_pixel]
    return keep


def line_width(ink: Grey) -> float:
    """The mean width of lines in pixels: a line covers length times width and has two edges.

    The length of all edges is the ink's total variation, which holds for soft edges too.
    """
    padded = np.pad(ink, 1)
    down, across = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down * down + across * across).sum())
