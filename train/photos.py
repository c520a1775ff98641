"""Photos of numbers with what else photos show: a table, a shadow, the paper's lines, a finger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from train.compose import HEIGHT, Picture, in_a_row
from train.data import Drawing

PHOTOS = 200
SIZE = 800, 600
"""Of a photo, in pixels: width, height."""
PAPER, INK, PENCIL = 235, 40, 110
"""Greys."""
HIGH = 90, 170
"""Digits, in pixels; a number that would not fit is smaller."""
PEN = 0.04, 0.09
"""The width of lines, in heights of the digits."""
TURN = 4.0
"""A camera is held askew by so many degrees, at most."""

Chance = np.random.Generator
Digits = Sequence[Drawing]


def photos(
    drawings: Sequence[Drawing], obstacle: str, count: int = PHOTOS, seed: int = 0
) -> list[Picture]:
    """Return photos of numbers of two to four of one writer's digits.

    Raises KeyError if the obstacle is none of ``OBSTACLES``.
    """
    show = OBSTACLES[obstacle]
    rng = np.random.default_rng([seed, 17, *obstacle.encode()])
    taken = []
    for _ in range(count if drawings else 0):
        writer = drawings[int(rng.integers(len(drawings)))].writer
        own = [drawing for drawing in drawings if drawing.writer == writer]
        digits = [own[int(rng.integers(len(own)))] for _ in range(rng.integers(2, 5))]
        grey = np.array(show(digits, rng), np.float64)
        across, down = (rng.uniform(-0.15, 0.15) * np.linspace(-1, 1, size) for size in SIZE)
        grey *= 0.85 + across + down[:, None]  # it is lit from one side
        soft = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
        blurred = soft.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
        noisy = np.asarray(blurred) + rng.normal(0, rng.uniform(1, 5), grey.shape)
        text = "".join(digit.label for digit in digits)
        taken.append(Picture(text, noisy.clip(0, 255).astype(np.uint8)))
    return taken


def _written(
    digits: Digits, rng: Chance, grey: int = INK, size: tuple[int, int] = SIZE
) -> Image.Image:
    """Return a page with a number on it."""
    page = Image.new("L", size, PAPER)
    _write(page, in_a_row(digits, rng), rng, grey, (0, 0, *size))
    return page


def _write(
    page: Image.Image,
    strokes: Sequence[NDArray[Any]],
    rng: Chance,
    grey: int,
    box: tuple[float, float, float, float],
) -> None:
    """Write strokes somewhere in a box ``(left, top, right, bottom)`` of a page, in a soft pen."""
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    room = np.array([box[2] - box[0], box[3] - box[1]])
    scale = min(rng.uniform(*HIGH) / HEIGHT, *(0.8 * room / np.maximum(extent, 1e-9)))
    width = HEIGHT * scale * rng.uniform(*PEN)
    place = np.array(box[:2]) + (room - extent * scale) * rng.uniform(0.2, 0.8, 2)
    large = Image.new("L", (2 * page.width, 2 * page.height), 0)
    pen = ImageDraw.Draw(large)
    for stroke in strokes:
        line = [tuple(2 * point) for point in (stroke - low) * scale + place]
        pen.line(line, 255, round(2 * width), joint="curve")
        for x, y in (line[0], line[-1]):
            pen.ellipse((x - width, y - width, x + width, y + width), 255)
    page.paste(grey, mask=large.resize(page.size, Image.Resampling.BOX))


def _askew(page: Image.Image, rng: Chance, beyond: int = PAPER, turn: float = TURN) -> Image.Image:
    degrees = rng.uniform(-turn, turn)
    return page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=beyond)


def _nothing(digits: Digits, rng: Chance) -> Image.Image:
    return _askew(_written(digits, rng), rng)


def _table(digits: Digits, rng: Chance) -> Image.Image:
    """A note that lies askew on a table."""
    table = int(rng.integers(40, 150))
    share = rng.uniform(0.5, 0.8)
    page = Image.new("L", SIZE, table)
    note = _written(digits, rng, size=(int(SIZE[0] * share), int(SIZE[1] * share)))
    page.paste(note, tuple((np.subtract(SIZE, note.size) * rng.uniform(0.3, 0.7, 2)).astype(int)))
    return _askew(page, rng, table, 12)


def _edge(digits: Digits, rng: Chance) -> Image.Image:
    """A table beyond one edge of a sheet, or two."""
    table = int(rng.integers(40, 150))
    page = Image.new("L", SIZE, table)
    left, top, right, bottom = 0, 0, *SIZE
    first = rng.integers(4)
    for side in {first, (first + rng.integers(2)) % 4}:
        seen = int(rng.uniform(0.05, 0.15) * SIZE[side % 2])
        left, right = left + seen * (side == 0), right - seen * (side == 2)
        top, bottom = top + seen * (side == 1), bottom - seen * (side == 3)
    page.paste(_written(digits, rng, size=(right - left, bottom - top)), (left, top))
    return _askew(page, rng, table)


def _ruled(digits: Digits, rng: Chance, ways: int = 1) -> Image.Image:
    """A pencil on ruled paper, with a margin at times."""
    page = _written(digits, rng, PENCIL)
    lines = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(lines)
    step, wide, grey = (
        rng.uniform(60, 150) / ways,
        int(rng.integers(2, 4)),
        int(rng.integers(130, 190)),
    )
    for y in np.arange(rng.uniform(0, step), SIZE[1], step):
        pen.line((0, y, SIZE[0], y), grey, wide)
    margin = [rng.uniform(0.03, 0.1) * SIZE[0]] if rng.random() < 0.5 else []
    for x in np.arange(rng.uniform(0, step), SIZE[0], step) if ways > 1 else margin:
        pen.line((x, 0, x, SIZE[1]), grey, wide)
    return _askew(ImageChops.darker(page, lines), rng)


def _squared(digits: Digits, rng: Chance) -> Image.Image:
    return _ruled(digits, rng, 2)


def _boxes(digits: Digits, rng: Chance) -> Image.Image:
    """A form with a box for each digit."""
    page = Image.new("L", SIZE, PAPER)
    cell, grey, wide = rng.uniform(110, 150), int(rng.integers(60, 160)), int(rng.integers(2, 5))
    left, top = (np.array(SIZE) - cell * np.array([len(digits), 1])) / 2
    for place, digit in enumerate(digits):
        box = (left + cell * place, top, left + cell * (place + 1), top + cell)
        ImageDraw.Draw(page).rectangle(box, None, grey, wide)
        _write(page, in_a_row([digit], rng), rng, INK, box)
    return _askew(page, rng)


def _shadow(digits: Digits, rng: Chance) -> Image.Image:
    """A hand's shadow, sharp or soft, which may reach over the digits."""
    page = _askew(_written(digits, rng), rng)
    shade = Image.new("L", SIZE, 255)
    x, y = rng.uniform(0.2, 0.8, 2) * SIZE  # its tip
    wide = rng.uniform(100, 250)
    foot = x + rng.uniform(-200, 200)
    arm = [
        (x, y),
        (x + wide / 3, y + 40),
        (foot + wide, SIZE[1]),
        (foot - wide, SIZE[1]),
        (x - wide / 3, y + 60),
    ]
    ImageDraw.Draw(shade).polygon(arm, fill=int(255 * rng.uniform(0.45, 0.8)))
    shade = shade.filter(ImageFilter.GaussianBlur(float(rng.choice([1.5, 8, 25]))))
    shade = shade.rotate(int(rng.integers(4)) * 90, expand=True).resize(SIZE)
    return ImageChops.multiply(page, shade)


def _finger(digits: Digits, rng: Chance) -> Image.Image:
    """A finger that holds the sheet, beside what is written."""
    page = Image.new("L", SIZE, PAPER)
    thick, reach = rng.uniform(25, 45), rng.uniform(-20, 40)
    width, height = SIZE
    _write(page, in_a_row(digits, rng), rng, INK, (90, 90, width - 90, height - 90))
    x, y = rng.uniform(0.1, 0.9, 2) * SIZE
    box = (
        (x - thick, -200, x + thick, reach + thick),
        (x - thick, height - reach - thick, x + thick, height + 200),
        (-200, y - thick, reach + thick, y + thick),
        (width - reach - thick, y - thick, width + 200, y + thick),
    )[rng.integers(4)]
    ImageDraw.Draw(page).rounded_rectangle(box, thick, int(rng.integers(90, 190)))
    return page


OBSTACLES: dict[str, Callable[[Digits, Chance], Image.Image]] = {
    "on plain paper": _nothing,
    "with a table all around": _table,
    "with a table at an edge": _edge,
    "with a shadow": _shadow,
    "in pencil on ruled paper": _ruled,
    "in pencil on squared paper": _squared,
    "with a box for each digit": _boxes,
    "with a finger": _finger,
}
