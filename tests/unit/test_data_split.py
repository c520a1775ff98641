"""The split by writer: nobody is in two parts, and nobody ever moves."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sample import write_pen
from train.data import Drawing, load_pen, places, split_by_writer
from train.data.split import writer_position
from train.sources.nondigits import read_nondigits
from train.sources.pen import read_pen


def by(*writers: str) -> list[Drawing]:
    return [Drawing(writer, "1", [np.zeros((1, 2), np.float32)]) for writer in writers]


names = st.lists(st.text())


@settings(deadline=None)
@given(writers=names)
def test_every_drawing_is_in_one_part_and_no_writer_in_two(writers: list[str]) -> None:
    parts = split_by_writer(by(*writers))
    assert Counter(d.writer for part in parts for d in part) == Counter(writers)
    sets = [{drawing.writer for drawing in part} for part in parts]
    assert sum(map(len, sets)) == len(set(writers))


@settings(deadline=None)
@given(writers=names, more=names)
def test_writers_who_come_later_move_nobody(writers: list[str], more: list[str]) -> None:
    alone = split_by_writer(by(*writers))
    together = split_by_writer(by(*more, *writers))
    for before, after in zip(alone, together, strict=True):
        assert {d.writer for d in before} <= {d.writer for d in after}


def test_places_are_the_same_on_every_machine() -> None:
    assert writer_position("syn/jwd") == pytest.approx(0.5209430306372518, abs=1e-12)
    assert writer_position("ann") == pytest.approx(0.14510855651600352, abs=1e-12)


def test_the_parts_are_about_as_large_as_asked_for() -> None:
    writers = [f"writer {i}" for i in range(4000)]
    parts = split_by_writer(by(*writers))
    assert [len(part) / 4000 for part in parts] == pytest.approx([0.7, 0.15, 0.15], abs=0.03)
    parts = split_by_writer(by(*writers), validation=0.5, test=0)
    assert [len(part) / 4000 for part in parts] == pytest.approx([0.5, 0.5, 0], abs=0.03)


@pytest.mark.parametrize(
    ("writers", "lacking"),
    [
        (["ann", "me"], "to choose by or to measure on"),
        (["maria"], "to learn from or to measure on"),
        (["user", "user"], "to learn from or to choose by"),
        (["ann", "maria"], "to measure on"),
    ],
)
def test_what_too_few_writers_drawings_are_not_there_for_is_told(
    writers: list[str], lacking: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        json.dumps({"writer": name, "label": "7", "strokes": [[[0, 0], [1, 1]]]})
        for name in writers
    ]
    for name, what in (("digits", "pen digits"), ("nondigits", "letters and signs")):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
        (read_pen if name == "digits" else read_nondigits)(tmp_path)
        said = capsys.readouterr().err
        assert said.startswith(f"None of the {len(writers)} {what} is there {lacking}: ")
        assert f"({', '.join(sorted(set(writers)))})" in said


def test_of_enough_writers_nothing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = read_pen(write_pen(tmp_path))
    assert len(part.drawings) > 0
    assert min(len(part.validation.labels), len(part.test.labels)) > 0
    assert capsys.readouterr().err == ""


def test_the_order_is_kept() -> None:
    writers = [f"writer {i}" for i in range(100)]
    for part in split_by_writer(by(*writers)):
        indices = [writers.index(drawing.writer) for drawing in part]
        assert indices == sorted(indices)


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0), (0.6, 0.6), (float("nan"), 0)])
def test_impossible_shares_are_refused(validation: float, test: float) -> None:
    with pytest.raises(ValueError, match="expected two shares of at least 0"):
        split_by_writer([], validation, test)


def found() -> bool:
    directories = places.data_directories("unipen")
    return any(
        (place / f"digits.jsonl{end}").is_file() for place in directories for end in (".gz", "")
    )


@pytest.mark.skipif(not found(), reason="the pen-drawn digits are not on this computer")
def test_each_part_of_the_pen_digits_has_every_digit_and_most_sites() -> None:
    drawings = load_pen()
    parts = split_by_writer(drawings)
    writers = [Counter(drawing.writer for drawing in part) for part in parts]
    total = sum(map(len, writers))
    assert [len(part) / total for part in writers] == pytest.approx([0.7, 0.15, 0.15], abs=0.04)
    sites = {drawing.writer.split("/")[0] for drawing in drawings}
    for part in parts:
        assert {drawing.label for drawing in part} == set("0123456789")
        assert len({drawing.writer.split("/")[0] for drawing in part}) >= len(sites) - 2
    for part in writers[1:]:
        assert max(part.values()) < part.total() / 6  # no single hand decides what is measured
