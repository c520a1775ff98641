"""A line under a number, a ring or frame about it, or a touch beside it is not read with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nn import Recognizer
from nn.aside import astray, enclosing, strokes_aside, surrounding, underlining
from nn.ink import Box, bounding_box
from nn.layout import Parts
from nn.reading import Known
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
STRUCK_TAILS: Strokes = [[[-9.0, 88.0], [168.0, 92.0]]]
CORNERS: Strokes = [[[-20, -15], [-22, 119], [180, 116]], [[-19, -16], [178, -20], [181, 118]]]
LID: Strokes = [[[-20, -15], [-22, 119], [180, 116], [181, -14]], [[-24, -17], [183, -18]]]
FRAME: Strokes = [[[-20, -18], [180, -15], [182, 117], [-18, 120], [-20, -18]]]


SIDES: list[Box] = [
    (-20, -20, -18, 130),
    (120, -18, 123, 131),
    (-20, -20, 121, -19),
    (-21, 130, 122, 132),
    (0, 0, 90, 100),
]


ABOUT = [
    *(LINE, STRUCK_TAILS, RING, LARGE_RING, FRAME, CORNERS, LID),
    *(LINE + LOWER_LINE, LINE + RING),
    *([[touch]] for touch in ([70, -90], [30, 210], [-140, 60], [320, 40])),
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize("about", ABOUT)
def test_what_underlines_or_surrounds_a_number_is_left_out(
    about: Strokes, recognizer: Recognizer
) -> None:
    number = row([KINDS[digit] for digit in "47"])
    alone, found = recognizer.read(number), recognizer.read(number + about)
    assert found.text == alone.text == "47"
    assert [mark.strokes for mark in found.digits] == [mark.strokes for mark in alone.digits]


@pytest.mark.parametrize("touch", [[212, 10], [232, 30], [-60, 40]])
def test_a_touch_beside_a_number_spoils_it_not(touch: list[float], recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "47"])
    assert recognizer.read([*number, [touch]]).text == "47"
    assert recognizer.read([[touch], *number]).text == "47"


def test_a_touch_beside_a_single_mark_may_be_a_letters_dot(recognizer: Recognizer) -> None:
    for letter in (
        row([KINDS["3"]]),
        [[[0.0, 0.0], [0.0, 100.0]], [[60.0, 0.0], [0.0, 50.0], [60.0, 100.0]]],
    ):
        assert "?" in recognizer.read([*letter, [[105.0, 20.0]]]).text


def test_it_may_be_drawn_first(recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "47"])
    reading = recognizer.read(LINE + number)
    assert reading.text == "47"
    assert sorted(stroke for mark in reading.digits for stroke in mark.strokes) == [1, 2, 3]


def test_marks_are_remembered_with_and_without_it(recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "47"])
    looked: list[int] = []

    class Counting(Recognizer):
        def classify(self, images: np.ndarray, temperature: float = 1.0) -> np.ndarray:
            looked.append(len(images))
            return super().classify(images, temperature)

    known: Known = {}
    counting = Counting(recognizer.model, recognizer.metadata)
    first = counting.read(number + LINE, known)
    looked.clear()
    assert counting.read(number + LINE, known).text == first.text == "47"
    assert looked == []


@pytest.mark.parametrize(("below", "is_apart"), [(0, False), (5, False), (10, True), (30, True)])
def test_a_line_under_a_single_digit_may_be_its_foot(below: float, is_apart: bool) -> None:
    boxes = [(0.0, 0.0, 20.0, 100.0), (-15.0, 100.0 + below, 35.0, 102.0 + below)]
    assert underlining(boxes) == ((1,) if is_apart else ())


@pytest.mark.parametrize("digit", "01234568")  # an underlined 7 is a 2 whose pen skipped
def test_a_single_digit_may_be_underlined(digit: str, recognizer: Recognizer) -> None:
    line: Strokes = [[[-10, 118], [90, 120]]]
    assert recognizer.read(row([KINDS[digit]]) + line).text == digit


def test_a_line_well_below_a_number_is_left_out_whatever_that_looks_like_with_it() -> None:
    boxes = [(0.0, 0.0, 60.0, 100.0), (80.0, 0.0, 140.0, 100.0), (-10.0, 115.0, 150.0, 117.0)]
    assert strokes_aside(boxes, "33") == strokes_aside(boxes, "3?") == (2,)
    assert strokes_aside([*boxes[:2], (-10.0, 104.0, 150.0, 106.0)], "33") == ()


def test_a_line_below_a_single_digit_is_left_out_only_where_it_cannot_be_read_with_it() -> None:
    boxes = [(0.0, 0.0, 60.0, 100.0), (-10.0, 115.0, 70.0, 117.0)]
    assert strokes_aside(boxes, "2") == ()
    assert strokes_aside(boxes, "?") == (1,)


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
        ([*SIDES[:3], (-20, 200, 130, 202), SIDES[4]], (3,)),  # its foot is far off: a line
        ([*SIDES[:3], (-20, 130, 50, 132), SIDES[4]], ()),  # its foot is too short
        (SIDES[:4], ()),  # an empty frame
        ([(0, 0, 90, 100)] * 95 + [(-20, -20, 120, 130)], (95,)),
        ([(0, 0, 90, 100)] * 96 + [(-20, -20, 120, 130)], ()),  # a scribble: not looked into
    ],
)
def test_what_is_aside_is_told_by_its_box(boxes: list[Box], expected: Parts) -> None:
    assert (surrounding(boxes) or underlining(boxes)) == expected


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(0, 0, 90, 100), (120, 0, 200, 100), (50, 160, 51, 161)], (2,)),
        ([(0, 0, 90, 100), (50, 160, 51, 161), (50, 190, 51, 191)], (1, 2)),
        ([(0, 0, 90, 100), (120, 0, 200, 100), (50, 140, 51, 141)], ()),  # not far below
        ([(0, 0, 90, 100), (120, 0, 200, 100), (290, 95, 291, 96)], ()),  # a point it may be
        ([(0, 0, 90, 100), (120, 0, 200, 100), (310, 95, 311, 96)], (2,)),
        ([(0, 0, 90, 100), (120, 0, 200, 100), (50, 160, 60, 170)], ()),  # too large
        ([(0, 0, 1, 1), (50, 160, 51, 161)], ()),  # dots alone
    ],
)
def test_a_touch_is_small_and_far_from_the_number(boxes: list[Box], expected: Parts) -> None:
    assert astray(boxes) == expected


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(-20, -20, 120, 118), (0, 0, 90, 100), (-18, -21, 121, 119)], (0, 2)),
        ([(-20, -20, 120, 118), (0, 0, 90, 100), (-18, -21, 60, 119)], ()),  # too short a lid
        ([(-20, -20, 120, 118), (0, 0, 130, 100), (-18, -21, 121, 119)], ()),  # it reaches out
        ([(-20, -20, 120, 418), (0, 0, 90, 100), (-18, -21, 121, 419)], ()),  # mostly empty
        ([(-20, -20, 120, 118), (-18, -21, 121, 119)], ()),  # empty
    ],
)
def test_a_frame_may_have_two_strokes(boxes: list[Box], expected: Parts) -> None:
    assert enclosing(boxes) == expected


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


def test_one_line_in_a_ring_is_its_slash_and_in_a_frame_of_four_lines_a_1(
    recognizer: Recognizer,
) -> None:
    line: Strokes = [[[80, 20], [80, 80]]]
    assert recognizer.read(line + RING).text == "0"
    lines = [[[left, top], [right, bottom]] for left, top, right, bottom in SIDES[:4]]
    assert recognizer.read([[[50, 20], [50, 80]], *lines]).text == "1"
