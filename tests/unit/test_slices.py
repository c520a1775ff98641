"""Pieces of ink in which digits touch: where they are cut, and what is read then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from nn import Recognizer
from nn.cuts import Slices, slice_runs
from nn.image import Picture
from nn.ink import Box
from nn.layout import Mark, Parts
from nn.numbers import MOST_CUT, NO_DIGIT, SEVERAL, read_row
from nn.picture.slices import MOST, columns_to_cut
from nn.row import Row
from tests.sample import sample_images
from tests.unit.test_numbers import looks_like
from train.compose import JOINED, pictures, share_read_whole


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def test_ink_is_cut_down_the_columns_that_hold_least() -> None:
    ink = np.ones((25, 100), np.float32)
    ink[:, [31, 64]] = 0
    assert {31, 64} <= set(columns_to_cut(ink))


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=300), elements=st.just(1)))
def test_places_to_cut_ascend_within_the_ink_and_are_not_too_many(ink: NDArray[np.float32]) -> None:
    columns = columns_to_cut(ink)
    assert len(columns) < MOST
    assert columns == sorted(set(columns))
    assert all(0 < column < ink.shape[1] for column in columns)


def test_digits_that_touch_in_a_picture_are_read_one_by_one(recognizer: Recognizer) -> None:
    touching = pictures(*sample_images(85, seed=3), count=60, gaps=JOINED)
    assert share_read_whole(recognizer, touching) >= 0.75
    assert share_read_whole(recognizer, pictures(*sample_images(85, seed=3), count=60)) >= 0.95


def test_a_picture_is_read_alike_in_any_size(recognizer: Recognizer) -> None:
    compared = 0
    for text, pixels in pictures(*sample_images(85, seed=3), count=12, gaps=(-1, 0)):
        large = np.kron(pixels, np.ones((5, 5), np.uint8))
        if recognizer.read_image(pixels).text == text:
            compared += 1
            assert recognizer.read_image(large).text == text
    assert compared >= 6


class Cutting(Row):
    """Marks that look like several digits, each of which falls into four slices."""

    def __init__(self, answers: dict[Parts, int]) -> None:
        super().__init__([])
        self.look, self.cut_ones, self.slices = looks_like(answers), list[Parts](), 100

    def cut(self, parts: Parts, several: float) -> Slices:
        assert several == pytest.approx(0.99, abs=0.01)
        self.cut_ones.append(parts)
        self.slices += 4
        boxes = [(25.0 * i, 0.0, 25.0 * i + 25, 100.0) for i in range(4)]
        slices = [Mark((self.slices - 4 + i,), box) for i, box in enumerate(boxes)]
        return Slices(slices, slice_runs(slices))

    def text(self, boxes: list[Box]) -> str:
        self.boxes = boxes
        return "".join(found.symbol for found in read_row(self, self.look, 0.5))


ROW: list[Box] = [(0.0, 0.0, 100.0, 100.0)]


def test_the_slices_that_look_like_digits_together_are_the_digits() -> None:
    assert Cutting({(0,): SEVERAL, (100, 101, 102): 4, (103,): 2}).text(ROW) == "42"
    assert Cutting({(0,): SEVERAL, (100,): 1, (101, 102, 103): 0}).text(ROW) == "10"


def test_what_was_cut_is_not_put_together_again() -> None:
    halves = {(100, 101): 1, (102, 103): 1}
    assert Cutting({(0,): SEVERAL, **halves, (100, 101, 102, 103): SEVERAL}).text(ROW) == "11"


def test_only_what_looks_like_several_digits_is_cut() -> None:
    for answer, text in ((7, "7"), (NO_DIGIT, "?")):
        one = Cutting({(0,): answer, (100, 101): 1, (102, 103): 1})
        assert one.text(ROW) == text
        assert not one.cut_ones


def test_a_mark_longer_than_any_digit_is_cut_whatever_it_looks_like() -> None:
    """Brought to 20 pixels, a number of many digits that touch is but a line."""
    long: list[Box] = [(0.0, 0.0, 400.0, 100.0)]
    assert Cutting({(0,): NO_DIGIT, (100, 101): 1, (102, 103): 2}).text(long) == "12"


def test_slices_that_look_little_like_digits_leave_the_mark_whole() -> None:
    several = Cutting({(0,): SEVERAL, (100, 101): 1})
    assert several.text(ROW) == "?"
    assert several.cut_ones == [(0,)]


def test_what_looks_like_several_but_cannot_be_cut_is_a_question_mark() -> None:
    row = read_row(Row(ROW), looks_like({(0,): SEVERAL}), 0.5)
    assert [(found.symbol, found.parts) for found in row] == [("?", (0,))]


def test_no_more_marks_of_a_row_are_cut_than_there_is_time_for() -> None:
    row: list[Box] = [(200.0 * i, 0.0, 200.0 * i + 100, 100.0) for i in range(MOST_CUT + 3)]
    many = Cutting({(i,): SEVERAL for i in range(len(row))})
    assert "?" in many.text(row)
    assert len(many.cut_ones) == MOST_CUT


@pytest.mark.parametrize(("height", "is_cut"), [(4, False), (20, True)])
def test_a_dash_is_no_row_of_digits_that_touch(height: int, is_cut: bool) -> None:
    pixels = np.zeros((60, 100), np.uint8)
    pixels[20:24, 10:90] = 255
    pixels[20 : 20 + height, 10:14] = 255  # a stem makes more of it
    picture = Picture(pixels)
    assert picture.ink is not None
    assert bool(picture.cut(picture.ink > 0)) == is_cut
