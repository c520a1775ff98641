"""Marks that are no digits: which are learned, and the ones that are made."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from nn.ink import ink
from nn.numbers import NO_DIGIT, SEVERAL
from tests.sample import drawings
from train.data import Drawing, marks
from train.examples import class_of
from train.sources.nondigits import CLEAR, FAIRLY_CLEAR, ROWS, SCRIBBLES, read_nondigits

DIGITS = [
    Drawing("a", sample.label, [np.array(stroke, np.float32) for stroke in sample.strokes])
    for sample in drawings()
]


def test_look_alikes_are_never_taught_as_no_digit() -> None:
    assert not set("0123456789OolISsZzbqgBG|/") & FAIRLY_CLEAR
    assert set("AEFHKMNRWXkmnwx@#&%?*+=<>") <= CLEAR


def test_rows_are_two_or_three_digits_that_may_touch() -> None:
    gaps, lengths = [], set()
    for row in marks.rows([digit for digit in DIGITS if len(digit.strokes) == 1], 200, seed=1):
        assert len(row.strokes) == len(row.label)
        assert class_of(row) == SEVERAL
        lengths.add(len(row.label))
        edges = [(float(s[:, 0].min()), float(s[:, 0].max())) for s in row.strokes]
        for (start, right), (left, end) in pairwise(edges):
            gaps.append(left - right)
            # Of a thin one no more than half is overlapped: else it would be inside the other.
            assert left - right >= -0.5 * min(right - start, end - left) - 1e-5
    assert lengths == {2, 3}
    assert -0.12 <= min(gaps) < -0.05
    assert 0.4 < max(gaps) <= 0.6
    assert 0.25 < np.mean(np.array(gaps) < 0) < 0.55


def test_made_marks_are_the_same_each_time_and_never_blank() -> None:
    first, second = marks.scribbles(60, seed=3), marks.scribbles(60, seed=3)
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))
        assert all(np.isfinite(stroke).all() for stroke in one.strokes)
        assert ink(one.strokes).any()


def test_marks_are_divided_by_writer_and_labelled_as_no_digit(tmp_path: Path) -> None:
    def write(name: str, labels: str) -> None:
        lines = [
            {
                "writer": f"w{i % 20}",
                "label": labels[i % len(labels)],
                "strokes": [[[0, 0], [9, i]]],
            }
            for i in range(120)
        ]
        text = "\n".join(json.dumps(line) for line in lines)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    write("digits", "0123456789")
    write("nondigits", "AxO?")
    part = read_nondigits(tmp_path)
    drawn = [drawing for drawing in part.drawings if drawing.writer != marks.WRITER]
    assert {drawing.label for drawing in drawn} == {"A", "x", "?"}
    assert len(part.drawings) - len(drawn) == ROWS + SCRIBBLES
    held_out = [*part.validation.writers, *part.test.writers]
    assert not {drawing.writer for drawing in drawn} & set(held_out)
    assert (part.validation.labels == NO_DIGIT).all()
