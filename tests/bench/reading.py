"""What one reading costs, from strokes to JSON, and its parts; runs in any Python that has `nn`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nn import Recognizer
from nn.ink import bounding_box, ink_within, parse_strokes
from nn.losses import softmax
from nn.numbers import read_row
from nn.recognizer import as_input
from nn.row import Row

Strokes = list[list[list[float]]]
ROUNDS = 300
WARM = 4.0
"""For so many seconds a browser still compiles what it has seen to be used often."""
AT_ONCE = 20
"""A part is timed so many times together: a browser's clock is coarse."""


def packed(strokes: Strokes) -> bytes:
    """Return what site/pack.js makes of strokes."""
    points = [coordinate for stroke in strokes for point in stroke for coordinate in point]
    return np.array([len(strokes), *map(len, strokes), *points], np.float64).tobytes()


def whole(read: Callable[[Strokes], Any], drawings: list[Strokes]) -> list[float]:
    """Return the milliseconds of one reading after the other."""
    taken = []
    for turn in range(ROUNDS):
        drawing = drawings[turn % len(drawings)]
        start = time.perf_counter()
        read(drawing)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def parts(recognizer: Recognizer, drawing: Strokes) -> dict[str, float]:
    """Return the milliseconds of each part of reading one mark, medians."""
    strokes = parse_strokes(drawing)
    box = bounding_box(strokes)
    image = ink_within(strokes, box)[None]
    x = as_input(image)
    logits = recognizer.network.forward(x)
    seen = softmax(logits)
    reading = recognizer.read(drawing)
    work: dict[str, Callable[[], Any]] = {
        "check, box": lambda: bounding_box(parse_strokes(drawing)),
        "ink": lambda: ink_within(strokes, box),
        "network": lambda: softmax(recognizer.network.forward(as_input(image))),
        "row": lambda: read_row(Row([box]), lambda _: seen, 0.5),
        "JSON": lambda: json.dumps(reading.to_dict()),
    }
    found = {}
    for name, do in work.items():
        taken = []
        for _ in range(ROUNDS // AT_ONCE):
            start = time.perf_counter()
            for _ in range(AT_ONCE):
                do()
            taken.append(1000 * (time.perf_counter() - start) / AT_ONCE)
        found[name] = sorted(taken)[len(taken) // 2]
    return found


def measure(
    recognizer: Recognizer,
    read: Callable[[Strokes], Any],
    digits: list[Strokes],
    number: Strokes,
) -> dict[str, Any]:
    """Return the milliseconds of reading digits, in turn, and a number, and of the parts."""
    end = time.perf_counter() + WARM
    while time.perf_counter() < end:
        whole(read, digits[:1])
    return {
        "digit": whole(read, digits),
        "number": whole(read, [number]),
        "parts": parts(recognizer, digits[len(digits) // 2]),
    }
