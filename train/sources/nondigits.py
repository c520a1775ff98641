"""Marks that are no digits: letters and signs drawn with a pen, scribbles, rows of digits."""

from __future__ import annotations

import sys
from pathlib import Path

from train.data import Drawing, WriterSplit, load_pen, marks, split_by_writer, told_of_empty
from train.examples import NO_IMAGES, NO_LABELS, Part, inked_drawings
from train.sources.base import Source, register

CLEAR = frozenset("AEFHKMNRWXkmnwx@#&%?*+=<>:._-~^")
"""Characters that nobody takes for a digit: these are measured."""
FAIRLY_CLEAR = CLEAR | frozenset("ehfpPLdvVt")
"""These are learned too. The others, from O and l to q, can be meant as digits: they are left out,
since a network that learned to refuse them would refuse people's digits with them.
"""
ROWS, SCRIBBLES = 6_000, 1_500
"""So many made marks are learned beside those by people."""


def read_nondigits(directory: Path | None = None) -> Part:
    """Divide the marks by writer, as the pen-drawn digits are; make the others of those digits.

    Says so where a part gets none of those that were drawn. Raises DataError.
    """
    drawn = _divided(directory)
    if note := told_of_empty(drawn, "letters and signs"):
        print(note, file=sys.stderr)
    learned = [drawing for drawing in drawn.train if drawing.label in FAIRLY_CLEAR]
    digits = split_by_writer(load_pen(directory)).train
    rows = marks.rows(digits, ROWS, seed=0) if digits else []
    made = [*rows, *marks.scribbles(SCRIBBLES, seed=0)]
    validation, test = (
        inked_drawings([drawing for drawing in part if drawing.label in CLEAR])
        for part in (drawn.validation, drawn.test)
    )
    writers = len({drawing.writer for drawing in learned})
    return Part(
        NO_IMAGES,
        NO_LABELS,
        [*learned, *made],
        validation,
        test,
        f"{len(learned)} letters and signs by {writers} writers, {len(made)} made marks",
        repeated=False,
    )


def unseen_nondigits(directory: Path | None = None) -> list[Drawing]:
    """Return the clear non-digits by the writers that are kept for the test. Raises DataError."""
    return [drawing for drawing in _divided(directory).test if drawing.label in CLEAR]


def _divided(directory: Path | None) -> WriterSplit:
    return split_by_writer(load_pen(directory, "nondigits"))


register(
    "nondigits",
    Source(
        "non-digits",
        "DIR",
        "folder of nondigits.jsonl(.gz), pen strokes, and of digits.jsonl(.gz), for rows of digits "
        "(without it: where the pen-drawn digits are)",
        read_nondigits,
        by_default=True,
        may_be_missing=True,
        along_with="pen",
    ),
)
