"""Digits drawn with a pen: strokes, and who drew them."""

from __future__ import annotations

import sys
from pathlib import Path

from train.data import load_pen, split_by_writer, told_of_empty
from train.examples import NO_IMAGES, NO_LABELS, Part, inked_drawings
from train.sources.base import Source, register


def read_pen(directory: Path | None = None) -> Part:
    """Divide pen-drawn digits by writer, so that no hand is both learned and measured.

    Says so where a part gets none. Raises DataError.
    """
    parts = split_by_writer(load_pen(directory))
    if note := told_of_empty(parts, "pen digits"):
        print(note, file=sys.stderr)
    writers = len({drawing.writer for drawing in parts.train})
    return Part(
        NO_IMAGES,
        NO_LABELS,
        parts.train,
        inked_drawings(parts.validation),
        inked_drawings(parts.test),
        f"{len(parts.train)} digits by {writers} writers",
    )


register(
    "pen",
    Source(
        "pen",
        "DIR",
        "folder of digits.jsonl(.gz), pen strokes (without it: the usual places)",
        read_pen,
        by_default=True,
        may_be_missing=True,
    ),
)
