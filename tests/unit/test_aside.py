"""A line under a number, or a ring or frame about it, is no part of what is read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nn import Recognizer
from nn.aside import strokes_aside, surrounding, underlining
from nn.ink import Box, bounding_box
from nn.layout import Parts
from nn.recognizer import Known
from tests.sample import Strokes
from tests.unit.test_numbers import KINDS, row

LINE: Strokes = [[[-8.0, 118.0], [60.0, 115.0], [170.0, 121.0]]]
LOWER_LINE: Strokes = [[[-4.0, 131.0], [166.0, 134.0]]]
RING: Strokes = [
    [[80 + 130 * math.cos(t / 6), 50 + 85 * math.sin(t / 6)] for t in range(-3, 36)],
]
LARGE_RING: Strokes = [
    [[80 + 250 * math.cos(t / 6), 60 + 150 * math.sin(t / 6)] for t in range(-3, 36)],
]
FRAME: Strokes = [[[-20, -18], [180, -15], [182, 117], [-18, 120], [-20, -18]]]


SIDES: list[Box] = [
    (-20, -20, -18, 130),
    (120, -18, 123, 131),
    (-20, -20, 121, -19),
    (-21, 130, 122, 132),
    (0, 0, 90, 100),
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize("about", [LINE, RING, LARGE_RING, FRAME, LINE + LOWER_LINE, LINE + RING])
def test_what_underlines_or_surrounds_a_number_is_left_out(
    about: Strokes, recognizer: Recognizer
) -> None:
    number = row([KINDS[digit] for digit in "47"])
    alone, found = recognizer.read(number), recognizer.read(number + about)
    assert found.text == alone.text == "47"
    assert [mark.strokes for mark in found.digits] == [mark.strokes for mark in alone.digits]


def test_it_may_be_drawn_first(recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "47"])
    reading = recognizer.read(LINE + number)
    assert reading.text == "47"
    assert sorted(stroke for mark in reading.digits for stroke in mark.strokes) == [1, 2, 3]


def test_marks_are_remembered_with_and_without_it(recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "47"])
    looked: list[int] = []

    class Counting(Recognizer):
        def classify(self, images: np.ndarray) -> np.ndarray:
            looked.append(len(images))
            return super().classify(images)

    known: Known = {}
    counting = Counting(recognizer.model, recognizer.metadata)
    first = counting.read(number + LINE, known)
    looked.clear()
    assert counting.read(number + LINE, known).text == first.text == "47"
    assert looked == []


def test_a_digit_under_which_is_a_line_alone_keeps_its_foot(recognizer: Recognizer) -> None:
    boxes = [(0.0, 0.0, 20.0, 100.0), (-15.0, 100.0, 35.0, 102.0)]
    assert not underlining(boxes)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(0, 0, 300, 100)], ()),
        ([(0, 0, 90, 100), (120, 0, 200, 100), (0, 110, 200, 112)], (2,)),
        ([(0, 0, 90, 100), (120, 0, 200, 100), (0, 110, 90, 112)], ()),  # under one of them
        ([(0, 0, 90, 100), (120, 0, 200, 100), (0, 50, 200, 55)], ()),  # through them
        ([(0, 0, 90, 100), (-20, -20, 120, 130)], (1,)),
        ([(40, 40, 60, 60), (0, 0, 100, 100)], ()),  # a dot in a large 0
        (SIDES, (0, 1, 2, 3)),
        ([*SIDES[:3], (-20, 200, 130, 202), SIDES[4]], ()),  # its foot is far off
        ([*SIDES[:3], (-20, 130, 50, 132), SIDES[4]], ()),  # its foot is too short
        (SIDES[:4], ()),  # an empty frame
        ([(0, 0, 90, 100)] * 95 + [(-20, -20, 120, 130)], (95,)),
        ([(0, 0, 90, 100)] * 96 + [(-20, -20, 120, 130)], ()),  # a scribble: not looked into
    ],
)
def test_what_is_aside_is_told_by_its_box(boxes: list[Box], expected: Parts) -> None:
    assert (surrounding(boxes) or underlining(boxes)) == expected


def test_letters_with_a_line_under_them_are_no_number(recognizer: Recognizer) -> None:
    cross: Strokes = [[[0, 0], [90, 100]], [[90, 0], [0, 100]]]
    fork: Strokes = [[[120, 0], [120, 100]], [[120, 50], [190, 0]], [[120, 50], [190, 100]]]
    letters = cross + fork
    assert "?" in recognizer.read(letters).text
    line: Strokes = [[[-5, 120], [195, 121]]]
    assert underlining([bounding_box([np.array(s, float)]) for s in letters + line]) == (5,)
    assert "?" in recognizer.read(letters + line).text


@pytest.mark.parametrize(
    ("text", "aside"), [("8", ()), ("6", ()), ("0", (0,)), ("?", (0,)), ("1?", (0,))]
)
def test_only_what_looks_like_a_0_or_like_nothing_may_be_a_digit_in_a_ring(
    text: str, aside: Parts
) -> None:
    boxes = [(0, 0, 60, 100), (20, 10, 50, 80)]  # an interrupted 8 has such pieces too
    assert strokes_aside(boxes, text) == aside
    assert strokes_aside(SIDES, text) == (0, 1, 2, 3)
