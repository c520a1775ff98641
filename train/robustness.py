"""How reading stands up to what hands, screens and cameras do: one distortion after the other."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from threadpoolctl import threadpool_limits

from nn.ink import travelled
from nn.recognizer import Recognizer
from train.data import Drawing
from train.examples import Labelled

CANVAS = 280
"""Side of the canvas that drawings are put on, pixels; points are rounded to whole ones."""
TIMES = 10
"""Each drawing is distorted so often, at random where a distortion is random: once, chance decides
much of it."""
USUAL = 0.6
"""Height of a drawing on the canvas where its size is not what is varied."""
PICTURES = 2000
"""So many of the images are made into photos, unless told otherwise: of few, chance decides how
often they are misread."""

Points = list[NDArray[np.float64]]
"""Strokes within a box of height 1 (of width 1 if that is the longer side) about the origin."""


class Row(NamedTuple):
    """One distortion: how often it is read wrong, and how much more often than without it."""

    name: str
    level: str
    read: int
    """So many drawings, each `TIMES` times, or pictures."""
    error: float
    ratio: float
    """To the error of the same drawings undistorted; to one mistake where that has none."""


def grid(
    recognizer: Recognizer,
    drawings: Sequence[Drawing],
    images: Labelled,
    pictures: int = PICTURES,
) -> Iterator[Row]:
    """Yield every row of the grid for pen drawings, then for so many pictures of ``images``."""
    few = Labelled(images.images[:pictures], images.labels[:pictures])
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:

        def wrong_strokes(chosen: Sequence[Drawing], change: StrokeChange) -> float:
            def one(numbered: tuple[int, Drawing]) -> float:
                index, drawing = numbered
                wrong: dict[str, bool] = {}  # what is not distorted at random is read once
                drawn = []
                for time in range(TIMES):
                    rng = np.random.default_rng([7 + time, index])
                    strokes = [s.round().tolist() for s in change(_unit(drawing.strokes), rng)]
                    drawn.append(str(strokes))
                    if drawn[-1] not in wrong:
                        wrong[drawn[-1]] = recognizer.read(strokes).text != drawing.label
                return float(np.mean([wrong[each] for each in drawn]))

            return float(np.mean(list(pool.map(one, enumerate(chosen)))))

        def wrong_pictures(make: PictureChange) -> float:
            def one(index: int) -> bool:
                picture = make(_enlarged(few.images[index]), np.random.default_rng([8, index]))
                return recognizer.read_image(picture).text != str(few.labels[index])

            return float(np.mean(list(pool.map(one, range(len(few.labels))))))

        clean: dict[str, float] = {}
        for name, level, only, change in STROKE_CHANGES:
            chosen = [d for d in drawings if only in ("", d.label)]
            if not chosen:
                continue
            if only not in clean:
                clean[only] = wrong_strokes(chosen, _on_canvas)
                if not only:
                    yield Row("pen drawings", "as they are", len(chosen), clean[only], 1.0)
            error = wrong_strokes(chosen, change)
            yield Row(name, level, len(chosen), error, _ratio(error, clean[only], len(chosen)))
        plain = wrong_pictures(lambda picture, _: picture)
        yield Row("pictures", "as they are", len(few.labels), plain, 1.0)
        for name, level, make in PICTURE_CHANGES:
            error = wrong_pictures(make)
            yield Row(name, level, len(few.labels), error, _ratio(error, plain, len(few.labels)))


def _ratio(error: float, clean: float, count: int) -> float:
    return error / max(clean, 1 / count)


# Strokes. Each change takes strokes in a box of size 1 about the origin to places on the canvas.

StrokeChange = Callable[[Points, np.random.Generator], Points]


def _unit(strokes: Sequence[NDArray[Any]]) -> Points:
    points = np.concatenate(strokes).astype(np.float64)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    size = max(float(np.ptp(points, axis=0).max()), 1e-9)
    return [(stroke - middle) / size for stroke in strokes]


def _on_canvas(
    strokes: Points, _: np.random.Generator | None = None, size: float = USUAL
) -> Points:
    return [stroke * size * CANVAS + CANVAS / 2 for stroke in strokes]


def _sized(size: float) -> StrokeChange:
    return lambda strokes, rng: _on_canvas(strokes, rng, size)


def _in_corner(right: float, down: float) -> StrokeChange:
    """Return a change that puts a small drawing into a corner."""
    shift = np.array([right, down]) * CANVAS * 0.35
    return lambda strokes, rng: [s + shift for s in _on_canvas(strokes, rng, 0.3)]


def _mapped(matrix: NDArray[np.float64]) -> StrokeChange:
    return lambda strokes, rng: _on_canvas([stroke @ matrix.T for stroke in strokes], rng)


def rotation(degrees: float) -> NDArray[np.float64]:
    """Return the matrix of a turn clockwise on a screen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def slant(degrees: float) -> NDArray[np.float64]:
    """Return the matrix that leans upright lines to the right by an angle."""
    return np.array([[1.0, -math.tan(math.radians(degrees))], [0.0, 1.0]])


def _shaky(size: float) -> StrokeChange:
    """Return a change that moves every point at random, by a standard deviation of ``size``."""
    return lambda strokes, rng: _on_canvas([s + rng.normal(0, size, s.shape) for s in strokes])


def _sparse(step: int) -> StrokeChange:
    """Return a change that keeps every ``step``-th point, and the first and last of a stroke."""
    return lambda strokes, _: _on_canvas(
        [s[sorted({*range(0, len(s), step), len(s) - 1})] for s in strokes]
    )


def _interrupted(share: float) -> StrokeChange:
    """Return a change that lifts the pen once in the longest stroke, for a share of its length."""

    def change(strokes: Points, rng: np.random.Generator) -> Points:
        ways = [travelled(stroke) for stroke in strokes]
        longest = max(range(len(strokes)), key=lambda i: ways[i][-1])
        stroke, way = strokes[longest], ways[longest]
        if way[-1] > 0:
            begin = rng.uniform(0.2, 0.8 - share) * way[-1]
            end = begin + share * way[-1]
            cut = [[np.interp(at, way, stroke[:, i]) for i in (0, 1)] for at in (begin, end)]
            before = np.concatenate([stroke[way < begin], cut[:1]])
            after = np.concatenate([cut[1:], stroke[way > end]])
            strokes = [*strokes[:longest], before, after, *strokes[longest + 1 :]]
        return _on_canvas(strokes)

    return change


def _with_line(start: tuple[float, float], end: tuple[float, float]) -> StrokeChange:
    """Return a change that adds a stroke between two places of the drawing's box, 0 to 1."""

    def change(strokes: Points, rng: np.random.Generator) -> Points:
        points = np.concatenate(strokes)
        low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 0.3)
        ends = np.array([start, end]) + rng.normal(0, 0.03, (2, 2))
        line = np.linspace(0, 1, 10)[:, None] * (ends[1] - ends[0]) + ends[0]
        return _on_canvas([*strokes, low + line * extent])

    return change


def _serif(strokes: Points, rng: np.random.Generator) -> Points:
    """Draw an upright 1 with a serif in the drawing's place, about as wide as people draw them."""
    foot = np.array([0.0, 0.5]) + rng.normal(0, 0.03, 2)
    top = np.array([0.0, -0.5]) + rng.normal(0, 0.03, 2)
    tip = top + np.array([-rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.3)])
    return _on_canvas([_line(tip, top, foot)])


def _open_four(strokes: Points, rng: np.random.Generator) -> Points:
    """Draw a 4 that is open at its top in the drawing's place."""
    left, right = rng.uniform(-0.4, -0.25), rng.uniform(0.25, 0.4)
    bar, stem = rng.uniform(0.0, 0.2), rng.uniform(0.05, 0.2)
    angle = _line([left + rng.uniform(0, 0.12), -0.5], [left, bar], [right, bar])
    return _on_canvas([angle, _line([stem, rng.uniform(-0.4, -0.15)], [stem, 0.5])])


def _line(*corners: Any) -> NDArray[np.float64]:
    """Return points along straight lines between corners."""
    places = np.linspace(0, len(corners) - 1, 12 * (len(corners) - 1))
    table = np.array(corners, np.float64)
    return np.stack([np.interp(places, np.arange(len(corners)), table[:, i]) for i in (0, 1)], 1)


STROKE_CHANGES: list[tuple[str, str, str, StrokeChange]] = [
    *(
        ("in a corner", where, "", _in_corner(x, y))
        for where, x, y in (("top left", -1, -1), ("bottom right", 1, 1))
    ),
    *(("size", f"{s:.0%} of the canvas", "", _sized(s)) for s in (0.15, 0.25, 0.4, 0.8, 0.95)),
    *(("slant", f"{d:+d}°", "", _mapped(slant(d))) for d in (-25, -15, 15, 25)),
    *(("rotation", f"{d:+d}°", "", _mapped(rotation(d))) for d in (-20, -10, 10, 20)),
    *(("shaky hand", f"{s:.1%} of the size", "", _shaky(s)) for s in (0.01, 0.02)),
    *(("few points", f"one in {step}", "", _sparse(step)) for step in (3, 5)),
    *(("interrupted", f"{s:.0%} of the stroke", "", _interrupted(s)) for s in (0.05, 0.1)),
    ("crossed 7", "a bar", "7", _with_line((0.2, 0.55), (0.95, 0.5))),
    ("slashed 0", "a slash", "0", _with_line((0.95, 0.05), (0.05, 0.95))),
    ("serif 1", "drawn in its place", "1", _serif),
    ("open 4", "drawn in its place", "4", _open_four),
]

# Pictures: an image enlarged ten times, and then what happens to photos.

PictureChange = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of ink on white paper, ten times as large, with paper around it."""
    paper = Image.new("L", (CANVAS + 80, CANVAS + 80))
    paper.paste(Image.fromarray(image).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC), (40, 40))
    return 255 - np.asarray(paper)


def _lit_from_a_side(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    angle = rng.uniform(0, 2 * np.pi)
    v, u = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    light = 0.65 + 0.25 * (np.cos(angle) * u + np.sin(angle) * v)
    lit: NDArray[np.uint8] = (picture * light).clip(0, 255).astype(np.uint8)
    return lit


def _noisy(size: float) -> PictureChange:
    def change(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        grey = 30 + picture * 0.75 + rng.normal(0, size, picture.shape)
        noisy: NDArray[np.uint8] = grey.clip(0, 255).astype(np.uint8)
        return noisy

    return change


def _blurred(picture: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(5)))


def _pen(width: float) -> PictureChange:
    """Return a change that makes lines about ``width`` times as wide (they are some 25 pixels)."""

    def change(picture: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
        size = int(abs(width - 1) * 25) // 2 * 2 + 1
        kind = ImageFilter.MinFilter if width > 1 else ImageFilter.MaxFilter
        return np.asarray(Image.fromarray(picture).filter(kind(size)))

    return change


PICTURE_CHANGES: list[tuple[str, str, PictureChange]] = [
    ("inverted", "light on dark", lambda picture, _: 255 - picture),
    ("unevenly lit", "0.3 to 1.0", _lit_from_a_side),
    ("noise", "12 of 255", _noisy(12)),
    ("noise", "25 of 255", _noisy(25)),
    ("blurred", "5 pixels of 280", _blurred),
    ("pen", "thinner by half", _pen(0.5)),
    ("pen", "wider by half", _pen(1.5)),
]
