"""Marks that are no digits: which are learned, and the ones that are made."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from nn.ink import ink
from nn.numbers import NO_DIGIT
from tests.sample import drawings
from train.data import Drawing, marks
from train.sources.nondigits import CLEAR, FAIRLY_CLEAR, PAIRS, SCRIBBLES, read_nondigits

DIGITS = [
    Drawing("a", sample.label, [np.array(stroke, np.float32) for stroke in sample.strokes])
    for sample in drawings()
]


def test_look_alikes_are_never_taught_as_no_digit() -> None:
    assert not set("0123456789OolISsZzbqgBG|/") & FAIRLY_CLEAR
    assert set("AEFHKMNRWXkmnwx@#&%?*+=<>") <= CLEAR


def test_pairs_are_two_digits_with_a_gap_between_them() -> None:
    for pair in marks.pairs(DIGITS, 50, seed=1):
        assert len(pair.label) == 2
        edges = sorted((float(s[:, 0].min()), float(s[:, 0].max())) for s in pair.strokes)
        reach = [max(right for _, right in edges[: k + 1]) for k in range(len(edges) - 1)]
        gaps = [left - right for (left, _), right in zip(edges[1:], reach, strict=True)]
        assert max(gaps) >= 0.08


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
    assert len(part.drawings) - len(drawn) == PAIRS + SCRIBBLES
    held_out = [*part.validation.writers, *part.test.writers]
    assert not {drawing.writer for drawing in drawn} & set(held_out)
    assert (part.validation.labels == NO_DIGIT).all()
