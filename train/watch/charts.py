"""Charts as SVG text: lines over the course of a run, and a table of what is taken for what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from nn.numbers import DIGITS

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 26, 38
CELL = 34

Points = Sequence[tuple[float, float]]


def line_chart(
    title: str, series: Mapping[str, Points], x_label: str, y_label: str, log: bool = False
) -> str:
    """Return an SVG of one line for each of ``series``, points that are not finite left out.

    ``log`` gives powers of ten equal steps, if no point is 0 or less.
    """
    shown = {
        name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in series.items()
    }
    every = [point for points in shown.values() for point in points]
    log = log and all(y > 0 for _, y in every)
    if not every:
        return f'<p class="none">{escape(title)}: nothing yet</p>'
    x_high = max(max(x for x, _ in every), 1e-9)
    y_ticks = _log_ticks(every) if log else _ticks(max(y for _, y in every))
    low, high = (_height_of(y, log) for y in (y_ticks[0], y_ticks[-1]))

    def place(x: float, y: float) -> tuple[float, float]:
        right = LEFT + (WIDTH - LEFT - RIGHT) * x / x_high
        up = (_height_of(y, log) - low) / ((high - low) or 1)
        return round(right, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up, 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for y in y_ticks:
        _, down = place(0, y)
        parts.append(f'<path class="grid" d="M{LEFT} {down}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down + 4}" text-anchor="end">{y:g}</text>')
    for x in _ticks(x_high):
        if x <= x_high:
            right, _ = place(x, y_ticks[0])
            parts.append(
                f'<text x="{right}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
            )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{x_label}</text>')
    parts.append(f'<text x="4" y="14">{escape(y_label)}</text>')
    for index, (name, points) in enumerate(shown.items()):
        if not points:
            continue
        path = "L".join(f"{x} {y}" for x, y in (place(*point) for point in points))
        parts.append(f'<path class="line line{index % 4}" d="M{path}"/>')
        x, y = place(*points[-1])
        parts.append(
            f'<circle class="dot{index % 4}" cx="{x}" cy="{y}" r="3.5">'
            f"<title>{escape(name)}: {points[-1][1]:g}</title></circle>"
        )
        if not name:
            continue
        legend = WIDTH - RIGHT - 110 * (len(shown) - index)
        parts.append(f'<circle class="dot{index % 4}" cx="{legend}" cy="10" r="4"/>')
        parts.append(f'<text x="{legend + 9}" y="14">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def confusion_chart(title: str, confusion: NDArray[np.intp]) -> str:
    """Return an SVG of a ``(digits, digits)`` table: row the label, column what was read.

    Mistakes are shaded by their number; the right answers only stand there.
    """
    count = len(confusion)
    side = CELL * (count + 1) + 20
    wrong = np.where(np.eye(count, dtype=bool), 0, confusion)
    most = max(1, int(wrong.max()))
    parts = [
        f'<svg class="square" viewBox="0 0 {side} {side}" role="img" aria-label="{escape(title)}">',
        f'<text x="{CELL + 4}" y="12">read as</text><text x="2" y="{CELL + 14}">label</text>',
    ]
    for row in range(count):
        middle = CELL * (row + 1.5)
        head = '<text class="head" text-anchor="middle"'
        parts.append(f'{head} x="{middle}" y="{CELL + 12}">{class_name(row)}</text>')
        parts.append(f'{head} x="{CELL - 10}" y="{middle + 24}">{class_name(row)}</text>')
        for column in range(count):
            x, y = CELL * (column + 1), 20 + CELL * (row + 1)
            shade = round(math.sqrt(wrong[row, column] / most), 3)
            kind = "right" if row == column else "wrong"
            number = int(confusion[row, column])
            parts.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}"'
                + (f' fill-opacity="{shade}"' if kind == "wrong" else "")
                + f"><title>{class_name(row)} read as {class_name(column)}: {number}</title></rect>"
            )
            if number:
                parts.append(
                    f'<text x="{x + CELL / 2 - 1}" y="{y + CELL / 2 + 3}" text-anchor="middle"'
                    f">{number}</text>"
                )
    return "".join([*parts, "</svg>"])


def class_name(number: int) -> str:
    """Return what stands for a class: its digit, or a question mark."""
    return str(number) if number < DIGITS else "?"


def bar_chart(title: str, bars: Sequence[tuple[str, float]], limit: float) -> str:
    """Return an SVG of bars below each other, with a line at ``limit``."""
    most = max([limit * 1.25, *(value for _, value in bars)])
    left, height = 240, 20
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height * len(bars) + 8}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    room = WIDTH - left - 50
    for index, (name, value) in enumerate(bars):
        top, wide = index * height + 4, round(room * value / most, 1)
        kind = "beyond" if value > limit else "within"
        parts.append(f'<text x="{left - 6}" y="{top + 13}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect class="{kind}" x="{left}" y="{top}" width="{wide}" height="14"/>')
        parts.append(f'<text x="{left + wide + 5}" y="{top + 13}">{value:.2f}</text>')
    at = round(left + room * limit / most, 1)
    parts.append(f'<path class="grid" d="M{at} 0V{height * len(bars) + 8}"/>')
    return "".join([*parts, "</svg>"])


def _height_of(y: float, log: bool) -> float:
    return math.log10(y) if log else y


def _ticks(high: float) -> list[float]:
    """Return round numbers from 0 to at least ``high``, four to six of them."""
    if high <= 0:
        return [0.0, 1.0]
    size = 10 ** math.floor(math.log10(high))
    step = next(size * part for part in (0.2, 0.5, 1, 2, 5) if high <= 5 * size * part)
    return [round(step * i, 12) for i in range(math.ceil(high / step - 1e-9) + 1)]


def _log_ticks(points: Points) -> list[float]:
    """Return 1, 2 and 5 times powers of ten that enclose the points."""
    low, high = min(y for _, y in points), max(y for _, y in points)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    candidates = [round(part * 10.0**power, 12) for power in powers for part in (1, 2, 5)]
    below = max((tick for tick in candidates if tick <= low), default=candidates[0])
    above = min((tick for tick in candidates if tick >= high), default=candidates[-1])
    ticks = [tick for tick in candidates if below <= tick <= above]
    if len(ticks) > 8:
        ticks = ticks[:1] + [t for t in ticks[1:-1] if f"{t:e}"[0] == "1"] + ticks[-1:]
    return ticks if len(ticks) > 1 else [ticks[0], ticks[0] * 2]
