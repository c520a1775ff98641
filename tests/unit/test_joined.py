"""Digits drawn in one stroke: the stroke is cut, and what lies between two digits is left out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import Recognizer
from nn.cuts import Slices, likely_digits, slice_runs
from nn.ink import bounding_box
from nn.joined import MOST_PIECES, MOST_RUNS, pieces_of, runs_of
from nn.layout import Mark
from nn.reading import Known
from tests.sample import in_one_stroke
from tests.unit.test_numbers import KINDS, placed

SCRIBBLE = np.random.default_rng(1).uniform(0, 100, (60, 2))
coordinates = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3))


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize("gap", [10, 30])
@pytest.mark.parametrize("number", ["23", "32", "20", "38", "633", "202"])
def test_a_number_in_one_stroke_is_read_whole(
    number: str, gap: float, recognizer: Recognizer
) -> None:
    reading = recognizer.read(in_one_stroke(number, gap))
    assert reading.text == number
    assert [found.strokes for found in reading.digits] == [(0,)] * len(number)
    assert all(a.box[0] < b.box[0] and a.box[2] < b.box[2] for a, b in pairwise(reading.digits))


def test_such_a_stroke_may_stand_beside_others(recognizer: Recognizer) -> None:
    joined = in_one_stroke("23")
    right = max(x for x, _ in joined[0])
    before, after = (
        placed(KINDS[digit].strokes, left, 70, 100)
        for digit, left in (("8", -90), ("4", right + 30))
    )
    reading = recognizer.read([*before, *joined, *after])
    assert reading.text == "8234"
    mine = range(len(before) + 1, len(before) + 1 + len(after))
    strokes = [*range(len(before))], [len(before)], [len(before)], [*mine]
    assert [found.strokes for found in reading.digits] == [tuple(each) for each in strokes]


def test_what_is_known_of_such_a_stroke_is_not_looked_at_again(recognizer: Recognizer) -> None:
    known: Known = {}
    first = recognizer.read(in_one_stroke("23"), known)
    before = set(known)
    again = recognizer.read(in_one_stroke("23"), known)
    assert again.text == first.text == "23"
    assert set(known) == before
    for one, other in zip(first.digits, again.digits, strict=True):
        assert one.image is other.image  # the one that was seen then


@pytest.mark.parametrize("digit", sorted(KINDS))
def test_a_single_digit_is_not_cut(digit: str, recognizer: Recognizer) -> None:
    reading = recognizer.read(KINDS[digit].strokes)
    assert reading.text == digit


def test_a_zigzag_is_no_number(recognizer: Recognizer) -> None:
    zigzag = [[20.0 * i, 100.0 * (i % 2)] for i in range(9)]
    assert recognizer.read([zigzag]).text == "?"


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=40))
def test_pieces_are_the_whole_stroke_one_after_the_other(points: list[tuple[float, float]]) -> None:
    stroke = np.array(points, float)
    pieces = pieces_of(stroke)
    assert len(pieces) <= MOST_PIECES
    for a, b in pairwise(pieces):
        assert (a[-1] == b[0]).all()
    if pieces:
        assert (pieces[0][0] == stroke[0]).all()
        assert np.allclose(pieces[-1][-1], stroke[-1])
        digits, links = runs_of(pieces, [bounding_box([piece]) for piece in pieces])
        assert len(digits) <= MOST_RUNS
        assert all(0 <= first < last <= len(pieces) for first, last in digits)
        assert all(0 < first < last < len(pieces) for first, last in links)


@pytest.mark.parametrize(
    "stroke", [[[5, 5]], [[5, 5], [5, 5]], [[0, 0], [90, 0]], [[0, 0], [0, 1], [1e6, 0]]]
)
def test_dots_level_lines_and_endless_ones_are_not_cut(stroke: list[list[float]]) -> None:
    assert pieces_of(np.array(stroke, float)) == []


def test_a_scribble_is_not_cut() -> None:
    assert pieces_of(SCRIBBLE) == []


def test_every_digit_that_is_looked_at_is_part_of_a_way_through_the_stroke() -> None:
    (stroke,) = in_one_stroke("633")
    pieces = pieces_of(np.array(stroke))
    digits, links = runs_of(pieces, [bounding_box([piece]) for piece in pieces])

    def follow(place: int, end: int, step: int) -> bool:
        sides = [run[::step] for run in (*digits, *links)]
        reached = {place}
        for _ in pieces:
            reached |= {to for start, to in sides if start in reached}
        return end in reached

    assert digits
    for first, last in digits:
        assert follow(first, 0, -1)
        assert follow(last, len(pieces), 1)


def marks(*lefts: float) -> list[Mark]:
    """Return slices a unit wide and three high."""
    return [Mark((place,), (left, 0, left + 1, 3)) for place, left in enumerate(lefts)]


def test_the_likeliest_digits_are_found() -> None:
    slices = marks(0, 1, 2, 3)
    digits = slice_runs(slices)
    likely = dict.fromkeys(digits, 0.05) | {(0, 2): 0.9, (2, 4): 0.9}
    found = likely_digits(Slices(slices, digits), likely)
    assert [mark.parts for mark in found] == [(0, 1), (2, 3)]
    assert [mark.box for mark in found] == [(0, 0, 2, 3), (2, 0, 4, 3)]


def test_a_link_belongs_to_no_digit() -> None:
    slices = marks(0, 1, 2)
    digits = [(0, 1), (1, 2), (2, 3), (1, 3)]
    likely = dict.fromkeys(digits, 0.0) | {(0, 1): 0.9, (2, 3): 0.9}
    assert likely_digits(Slices(slices, digits), likely) == []
    found = likely_digits(Slices(slices, digits, [(1, 2)]), likely)
    assert [mark.parts for mark in found] == [(0,), (2,)]


def test_a_later_digit_stands_farther_to_the_right() -> None:
    likely = {(0, 1): 0.9, (1, 2): 0.9}
    assert likely_digits(Slices(marks(0, 2), [*likely]), likely)
    assert likely_digits(Slices(marks(2, 0), [*likely]), likely) == []


def test_unlikely_digits_are_none() -> None:
    likely = {(0, 1): 0.9, (1, 2): 0.3}
    assert likely_digits(Slices(marks(0, 2), [*likely]), likely) == []
    likely[1, 2] = 0.6
    assert likely_digits(Slices(marks(0, 2), [*likely]), likely)
    assert likely_digits(Slices(marks(0, 2), [*likely], least=0.8), likely) == []
