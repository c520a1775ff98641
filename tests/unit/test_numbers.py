"""Whole numbers: which strokes are one mark, and what a row of marks says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nn import Recognizer
from nn.ink import Box, ink
from nn.layout import Parts
from nn.numbers import DIGITS, NO_DIGIT, SEVERAL, read_row
from nn.reading import Known
from nn.row import Row
from tests.sample import Sample, Strokes, drawings
from tests.unit.test_image import draw

KINDS = {sample.label: sample for sample in reversed(drawings())}  # the first of each digit
DOT: Strokes = [[[0.0, 0.0]]]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def placed(strokes: Strokes, left: float, top: float, height: float) -> Strokes:
    """Return a drawing with its box's corner at a place and of a height."""
    points = np.concatenate([np.array(stroke, float) for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = height / max(high[1] - low[1], 1e-9)
    return [((np.array(s, float) - low) * scale + (left, top)).tolist() for s in strokes]


def width_of(strokes: Strokes) -> float:
    columns = [x for stroke in strokes for x, _ in stroke]
    return max(columns) - min(columns)


def row(samples: Sequence[Sample], gap: float = 0.3) -> Strokes:
    """Return digits beside each other, 100 high."""
    strokes: Strokes = []
    left = 0.0
    for sample in samples:
        moved = placed(sample.strokes, left, 0, 100)
        strokes += moved
        left += width_of(moved) + gap * 100
    return strokes


def looks_like(answers: dict[Parts, int]) -> Any:
    """Return a look that finds the named parts to be a class, and all else to be no digit."""

    def look(marks: list[Parts]) -> NDArray[np.float32]:
        seen = np.full((len(marks), SEVERAL + 1), 0.001, np.float32)
        for place, parts in enumerate(marks):
            seen[place, answers.get(parts, NO_DIGIT)] = 0.99
        return seen

    return look


def text(boxes: list[Box], answers: dict[Parts, int]) -> str:
    return "".join(found.symbol for found in read_row(Row(boxes), looks_like(answers), 0.5))


@pytest.mark.parametrize("gap", [0.06, 0.15, 0.3, 0.6])
@pytest.mark.parametrize("number", ["10", "47", "2026", "938", "11", "5064"])
def test_a_number_is_read_whole(number: str, gap: float, recognizer: Recognizer) -> None:
    reading = recognizer.read(row([KINDS[digit] for digit in number], gap))
    assert reading.text == number
    assert [found.digit for found in reading.digits] == [int(digit) for digit in number]


@pytest.mark.parametrize("gap", [-0.05, 0.0])
@pytest.mark.parametrize("number", ["47", "2026", "938", "5064"])
def test_digits_that_touch_are_read(number: str, gap: float, recognizer: Recognizer) -> None:
    assert recognizer.read(row([KINDS[digit] for digit in number], gap)).text == number


def test_numbers_of_the_projects_drawings_are_read_whole(recognizer: Recognizer) -> None:
    rng = np.random.default_rng(5)
    samples = drawings()
    wrong = []
    for _ in range(120):
        chosen = [samples[i] for i in rng.integers(0, len(samples), rng.integers(2, 5))]
        expected = "".join(sample.label for sample in chosen)
        read = recognizer.read(row(chosen, rng.uniform(0.15, 0.6))).text
        if read != expected:
            wrong.append((expected, read))
    assert len(wrong) <= 3, wrong


def test_every_drawing_of_the_project_is_one_digit(recognizer: Recognizer) -> None:
    counts = [len(recognizer.read(sample.strokes).digits) for sample in drawings()]
    assert sum(count != 1 for count in counts) == 0


def test_a_marks_strokes_box_and_picture_are_its_own(recognizer: Recognizer) -> None:
    number = row([KINDS["4"], KINDS["7"]])
    first, second = recognizer.read([[], *number]).digits  # an empty stroke is no mark
    assert sorted(first.strokes + second.strokes) == list(range(1, len(number) + 1))
    for found in (first, second):
        own = [number[index - 1] for index in found.strokes]
        points = np.concatenate([np.array(stroke) for stroke in own])
        assert found.box == (*points.min(axis=0), *points.max(axis=0))
        assert np.array_equal(found.image, ink(own))
    assert first.box[2] < second.box[0]


def test_the_order_of_drawing_does_not_matter(recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "305"])
    assert recognizer.read(number[::-1]).text == recognizer.read(number).text == "305"


@pytest.mark.parametrize("factor", [1e-3, 1, 1e4])
def test_the_scale_of_a_number_does_not_matter(factor: float, recognizer: Recognizer) -> None:
    number = row([KINDS[digit] for digit in "62"])
    scaled = [(np.array(stroke) * factor + 7 * factor).tolist() for stroke in number]
    assert recognizer.read(scaled).text == "62"


def test_a_decimal_point_stands_on_the_line(recognizer: Recognizer) -> None:
    three, five = placed(KINDS["3"].strokes, 0, 0, 100), placed(KINDS["5"].strokes, 120, 0, 100)
    point = [[[92.0, 96.0], [94.0, 98.0]]]
    reading = recognizer.read([*three, *point, *five])
    assert reading.text == "3.5"
    assert [found.symbol for found in reading.digits] == ["3", ".", "5"]
    assert reading.digits[1].digit is None


def test_a_point_may_be_a_tap_below_what_leans_over_it(recognizer: Recognizer) -> None:
    seven = [[[0.0, 3.0], [60.0, 0.0], [35.0, 45.0], [20.0, 100.0]]]
    five = placed(KINDS["5"].strokes, 90, 0, 100)
    assert recognizer.read([*seven, [[42.0, 97.0]], *five]).text == "7.5"


def test_a_tap_near_a_digit_is_a_point_although_the_digit_looks_the_same_with_it(
    recognizer: Recognizer,
) -> None:
    three, five = placed(KINDS["3"].strokes, 0, 0, 100), placed(KINDS["5"].strokes, 100, 0, 100)
    right = max(x for stroke in three for x, _ in stroke)
    assert recognizer.read([*three, [[right + 8, 98.0]], *five]).text == "3.5"


@pytest.mark.parametrize("dot", [[[1.0, 1.0]], [[4.0, 4.5]], [[0.0, 0.0], [1.0, 1.0], [0.5, 2.0]]])
@pytest.mark.parametrize("digit", "1479")
def test_a_pen_that_bounces_at_a_digits_foot_draws_no_point(
    digit: str, dot: list[list[float]], recognizer: Recognizer
) -> None:
    strokes = placed(KINDS[digit].strokes, 100, 0, 100)
    x, y = strokes[-1][-1]
    bounced = [[x + right, y + down] for right, down in dot]
    after = placed(KINDS["2"].strokes, 200, 0, 100)
    assert recognizer.read([*strokes, bounced, *after]).text == f"{digit}2"
    assert recognizer.read([*strokes, *after, bounced]).text == f"{digit}2"


def test_a_point_may_tremble(recognizer: Recognizer) -> None:
    tap = [[150.0, 96.0], [151.0, 97.0], [150.5, 95.5], [152.0, 96.5], [151.0, 97.5]]
    three, five = placed(KINDS["3"].strokes, 80, 0, 100), placed(KINDS["5"].strokes, 180, 0, 100)
    assert recognizer.read([*three, tap, *five]).text == "3.5"


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_point_is_one_in_a_row_that_climbs(slope: float, recognizer: Recognizer) -> None:
    strokes: Strokes = []
    for place, digit in enumerate("47"):
        strokes += placed(KINDS[digit].strokes, 100 * place, 100 * slope * place, 100)
    strokes.append([[200.0, 200 * slope + 96]])
    strokes += placed(KINDS["5"].strokes, 240, 240 * slope, 100)
    assert recognizer.read(strokes).text == "47.5"


@pytest.mark.parametrize("slope", [-0.15, -0.1, 0.09, 0.14, 0.2])
def test_a_point_below_what_leans_over_it_is_one_in_a_row_that_climbs(
    slope: float, recognizer: Recognizer
) -> None:
    strokes: Strokes = []
    left = 0.0
    for digit in "27.37.2026":
        if digit == ".":
            strokes.append([[left - 35.0, 97.0 + slope * left]])  # below the digit before it
        else:
            digits = placed(KINDS[digit].strokes, left, slope * left, 100)
            strokes += digits
            left += width_of(digits) + 25
    assert recognizer.read(strokes).text == "27.37.2026"


@pytest.mark.parametrize("pitch", [10.0, 16.0, 28.0])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_lines_beside_each_other_are_ones(count: int, pitch: float, recognizer: Recognizer) -> None:
    lines = [
        [[pitch * i + i % 2, 0.0], [pitch * i, 50.0], [pitch * i, 100.0]] for i in range(count)
    ]
    assert recognizer.read(lines).text == "1" * count


@pytest.mark.parametrize("lean", [-0.9, -0.6, -0.3, 0.3, 0.6])
@pytest.mark.parametrize("pitch", [25, 40, 60])
def test_lines_that_lean_over_each_other_are_ones(
    lean: float, pitch: float, recognizer: Recognizer
) -> None:
    lines = [[[pitch * i, 0], [pitch * i + lean * 100, 100 + i]] for i in range(3)]
    assert recognizer.read(lines).text == "111"


@pytest.mark.parametrize("digit", "0235689")
def test_a_low_digit_is_no_point(digit: str, recognizer: Recognizer) -> None:
    seven, low = placed(KINDS["7"].strokes, 0, 0, 100), placed(KINDS[digit].strokes, 100, 69, 31)
    assert recognizer.read([*seven, *low]).text == "7" + digit


def test_a_1_that_was_gone_over_is_one(recognizer: Recognizer) -> None:
    lines = [[[0.0, 0.0], [2.0, 100.0]], [[4.0, 2.0], [6.0, 98.0]]]
    assert recognizer.read([*lines, *placed(KINDS["7"].strokes, 40, 0, 100)]).text == "17"


def test_a_speck_beside_a_digit_is_no_digit(recognizer: Recognizer) -> None:
    speck = [[[150.0, 40.0], [153.0, 43.0], [150.0, 45.0], [148.0, 42.0]]]
    three = placed(KINDS["3"].strokes, 0, 0, 100)
    assert recognizer.read([*three, *speck]).text == "3?"


@pytest.mark.parametrize("tilt", [0.0, 3.0])
def test_a_minus_sign_may_stand_near_and_be_flat(tilt: float, recognizer: Recognizer) -> None:
    minus = [[[0.0, 52.0], [20.0, 52.0 + tilt], [40.0, 52.0 + 2 * tilt]]]
    assert recognizer.read([*minus, *placed(KINDS["8"].strokes, 52, 0, 100)]).text == "-8"


def test_a_minus_sign_stands_before_a_number(recognizer: Recognizer) -> None:
    minus = [[[0.0, 52.0], [20.0, 50.0], [40.0, 51.0]]]
    number = [*placed(KINDS["8"].strokes, 70, 0, 100), *placed(KINDS["2"].strokes, 160, 5, 95)]
    assert recognizer.read([*minus, *number]).text == "-82"


@pytest.mark.parametrize("places", [((0, 0), (220, 200)), ((0, 200), (220, 0))])
def test_what_stands_in_other_rows_and_columns_is_no_point(
    places: tuple[tuple[int, int], ...], recognizer: Recognizer
) -> None:
    strokes: Strokes = []
    for number, (left, top) in zip(("47", "25"), places, strict=True):
        for index, digit in enumerate(number):
            strokes += placed(KINDS[digit].strokes, left + 60 * index, top, 36)
    assert recognizer.read(strokes).text == "4725"


def test_a_row_may_climb(recognizer: Recognizer) -> None:
    digits = [placed(KINDS[d].strokes, 50 * i, -22 * i, 36) for i, d in enumerate("4750" * 3)]
    assert recognizer.read([stroke for digit in digits for stroke in digit]).text == "4750" * 3


@pytest.mark.parametrize("count", [97, 3000])
def test_hundreds_of_strokes_are_one_mark(count: int, recognizer: Recognizer) -> None:
    hatched = [[[float(i), 0.0], [float(i), 50.0]] for i in range(count)]
    assert len(recognizer.read(hatched).digits) == 1


def test_a_picture_of_a_number_is_read_from_left_to_right(recognizer: Recognizer) -> None:
    page = np.full((200, 500), 255, np.uint8)
    for place, digit in enumerate("470"):
        image = np.kron(ink(KINDS[digit].strokes), np.ones((5, 5), np.uint8))
        left = 20 + 150 * place
        page[30:170, left : left + 140] -= image
    reading = recognizer.read_image(page)
    assert reading.text == "470"
    for place, found in enumerate(reading.digits):
        assert 20 + 150 * place <= found.box[0] < found.box[2] <= 20 + 150 * place + 140
        assert found.strokes == ()


def test_a_speck_in_a_picture_is_no_part_of_the_digit_beside_it(recognizer: Recognizer) -> None:
    page = np.full((300, 500), 255, np.uint8)
    page[60:140, 60:72] = 0
    alone = recognizer.read_image(page)
    page[134:140, 260:266] = 0
    specked = recognizer.read_image(page)
    assert alone.text == specked.text == "1"
    assert alone.digits[0].box == specked.digits[0].box


@pytest.mark.parametrize("side", [1200, 3600])
def test_a_small_number_in_a_large_picture_is_read_where_it_stands(
    side: int, recognizer: Recognizer
) -> None:
    page = np.full((side, side), 255, np.uint8)
    for place, digit in enumerate("470"):
        image = np.kron(ink(KINDS[digit].strokes), np.ones((2, 2), np.uint8))
        page[300:356, 100 + 56 * place : 156 + 56 * place] -= image
    reading = recognizer.read_image(page)
    assert reading.text == "470"
    for place, found in enumerate(reading.digits):
        left, top, right, bottom = found.box
        assert 100 + 56 * place <= left < right <= 156 + 56 * place
        assert 300 <= top < bottom <= 356


@pytest.mark.parametrize("pen", [8, 13])
@pytest.mark.parametrize("length", [30, 60])
def test_a_dash_in_a_picture_is_a_minus_and_not_a_row_of_ones(
    pen: int, length: float, recognizer: Recognizer
) -> None:
    minus = [[[20.0, 142.0], [20 + length, 140.0]]]
    three = placed(KINDS["3"].strokes, 120, 90, 100)
    assert recognizer.read_image(draw([*minus, *three], pen=pen)).text == "-3"
    assert recognizer.read_image(draw(minus, pen=pen)).text == "?"


@pytest.mark.parametrize("pen", [8, 13])
def test_a_dot_of_the_pen_in_a_picture_is_a_point(pen: int, recognizer: Recognizer) -> None:
    three, five = placed(KINDS["3"].strokes, 20, 90, 100), placed(KINDS["5"].strokes, 150, 90, 100)
    assert recognizer.read_image(draw([*three, [[125.0, 188.0]], *five], pen=pen)).text == "3.5"


# How marks are put together, with a network that answers as told.


def test_what_lies_over_each_other_is_one_mark() -> None:
    boxes: list[Box] = [(0, 0, 50, 60), (30, 20, 35, 100)]  # an open 4
    assert text(boxes, {(0, 1): 4}) == "4"


def test_of_two_near_marks_the_network_decides() -> None:
    boxes: list[Box] = [(0, 0, 30, 100), (35, 0, 65, 100)]
    assert text(boxes, {(0,): 1, (1,): 1, (0, 1): SEVERAL}) == "11"
    assert text(boxes, {(0, 1): 4}) == "4"


def test_of_two_that_overlap_the_network_decides() -> None:
    boxes: list[Box] = [(0, 0, 40, 100), (35, 0, 75, 100)]
    digits = {(0,): 1, (1,): 2}
    assert text(boxes, digits | {(0, 1): SEVERAL}) == "12"
    assert text(boxes, digits) == "?"  # a K, say: neither a digit nor two
    assert text(boxes, digits | {(0, 1): 4}) == "4"


def test_two_near_lines_are_ones_although_they_look_like_no_digit_unless_they_overlap() -> None:
    ones = {(0,): 1, (1,): 1}
    assert text([(0, 0, 5, 100), (7, 0, 12, 100)], ones) == "11"
    assert text([(0, 0, 5, 100), (7, 0, 12, 100)], ones | {(0, 1): 1}) == "11"  # or like a thick 1
    assert text([(0, 0, 25, 100), (14, 0, 39, 100)], ones) == "11"
    assert text([(0, 0, 25, 100), (12, 0, 37, 100)], ones) == "?"


def test_what_is_rather_no_digit_than_two_is_two_if_each_is_likely() -> None:
    """Few people mean to draw what is none."""

    def look(marks: list[Parts]) -> NDArray[np.float32]:
        seen = np.zeros((len(marks), SEVERAL + 1), np.float32)
        for place, parts in enumerate(marks):
            if len(parts) == 1:
                seen[place, [parts[0] + 2, NO_DIGIT]] = 0.9, 0.1
            else:
                seen[place, [NO_DIGIT, SEVERAL]] = 0.65, 0.35
        return seen

    boxes: list[Box] = [(0, 0, 30, 100), (40, 0, 70, 100)]
    assert [found.symbol for found in read_row(Row(boxes), look, 0.5)] == ["2", "3"]


@pytest.mark.parametrize(
    ("low", "none", "goes_on", "expected"),
    [
        (100, 0.1, False, "23"),
        (50, 0.1, False, "9"),  # not beside each other, but a ring and its stem
        (100, 0.6, False, "?"),  # rather no digit: an R, say
        (100, 0.1, True, "9"),
    ],
)
def test_two_sure_digits_that_look_rather_like_one_are_two(
    low: float, none: float, goes_on: bool, expected: str
) -> None:
    def look(marks: list[Parts]) -> NDArray[np.float32]:
        seen = np.zeros((len(marks), SEVERAL + 1), np.float32)
        for place, parts in enumerate(marks):
            if len(parts) == 1:
                seen[place, parts[0] + 2] = 1
            else:
                seen[place, [9, NO_DIGIT, SEVERAL]] = 0.9 - none, none, 0.1
        return seen

    class Touching(Row):
        def goes_on(self, part: int) -> bool:
            return goes_on

    boxes: list[Box] = [(0, 0, 40, low), (38, 0, 78, 100)]
    found = read_row(Touching(boxes), look, 0.5)
    assert "".join(each.symbol for each in found) == expected


def test_what_lies_over_each_other_is_taken_apart_if_it_looks_like_several() -> None:
    boxes: list[Box] = [(0, 0, 50, 100), (40, 0, 42, 100)]
    answers = {(0,): 0, (1,): 1}
    assert text(boxes, answers) == "?"
    assert text(boxes, answers | {(0, 1): SEVERAL}) == "01"


def test_what_lies_deep_in_another_mark_is_no_digit_of_its_own() -> None:
    boxes: list[Box] = [(0, 0, 100, 100), (45, 0, 55, 100), (120, 0, 160, 100)]
    answers = {(0,): 0, (1,): 1, (2,): 2, (0, 1): SEVERAL}
    assert text(boxes, answers) == "?2"


def test_so_many_strokes_over_each_other_are_not_taken_apart() -> None:
    boxes: list[Box] = [(0, 0, 50, 100)] * 13
    assert text(boxes, {tuple(range(13)): SEVERAL}) == "?"


def test_a_network_that_knows_no_rows_reads_digits_apart() -> None:
    def look(marks: list[Parts]) -> NDArray[np.float32]:
        return np.eye(DIGITS, dtype=np.float32)[[parts[0] for parts in marks]]

    boxes: list[Box] = [(0, 0, 30, 100), (60, 0, 90, 100), (75, 0, 78, 90)]
    assert [found.symbol for found in read_row(Row(boxes), look, 0.5)] == ["0", "1"]


def test_marks_above_each_other_are_no_number(recognizer: Recognizer) -> None:
    colon = [[[100.0, 100.0], [103.0, 102.0]], [[101.0, 180.0], [104.0, 181.0], [102.0, 183.0]]]
    assert recognizer.read(colon).text == "?"


def test_two_lines_beside_each_other_are_11_even_if_their_ink_is_one() -> None:
    boxes: list[Box] = [(0, 0, 3, 100), (8, 2, 11, 99)]
    assert text(boxes, {(0,): 1, (1,): 1, (0, 1): 1}) == "11"
    flag_and_stem: list[Box] = [(0, 0, 20, 30), (20, 0, 23, 100)]
    assert text(flag_and_stem, {(0,): 1, (1,): 1, (0, 1): 1}) == "1"


def test_marks_far_apart_are_never_one() -> None:
    boxes: list[Box] = [(0, 0, 30, 100), (65, 0, 95, 100)]
    assert text(boxes, {(0, 1): 4}) == "??"


def test_the_bar_of_a_5_may_reach_far_beyond_it(recognizer: Recognizer) -> None:
    body = [[45, 0], [20, 35], [55, 45], [60, 75], [35, 100], [0, 92]]
    assert recognizer.read([body, [[45, 0], [100, -4], [165, -8]]]).text == "5"


def test_what_is_no_digit_is_a_question_mark() -> None:
    assert text([(0, 0, 50, 100)], {}) == "?"
    assert text([(0, 0, 50, 100), (100, 0, 150, 100)], {(1,): 3}) == "?3"


def test_a_dash_or_a_dot_alone_is_no_sign() -> None:
    assert text([(0, 0, 60, 2)], {}) == "?"
    assert text([(5, 5, 5, 5)], {}) == "?"


def test_a_flat_mark_as_high_as_the_row_is_no_minus() -> None:
    assert text([(0, 0, 300, 100), (350, 0, 400, 100)], {(1,): 3}) == "?3"
    assert text([(0, 45, 60, 55), (120, 0, 170, 100)], {(1,): 3}) == "-3"


def test_nothing_is_read_as_nothing() -> None:
    assert read_row(Row([]), looks_like({}), 0.5) == []


@given(
    st.lists(
        st.tuples(
            *(st.floats(-1e9, 1e9) for _ in range(2)), *(st.floats(0, 1e9) for _ in range(2))
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 2**32 - 1),
)
def test_every_stroke_is_in_exactly_one_mark(corners: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def look(marks: list[Parts]) -> NDArray[np.float32]:
        return rng.dirichlet(np.ones(SEVERAL + 1), len(marks)).astype(np.float32)

    boxes = [(left, top, left + wide, top + high) for left, top, wide, high in corners]
    found = read_row(Row(boxes), look, 0.5)
    assert sorted(part for mark in found for part in mark.parts) == list(range(len(boxes)))


@pytest.mark.parametrize(
    "strokes",
    [
        [[(5, 5)]],
        [[(5, 5), (5, 5)]],
        [[(0, 0), (50, 4), (100, -3)]],
        [[(100, 7), (0, 0)]],
    ],
)
def test_a_lone_dot_or_dash_is_no_digit(recognizer: Recognizer, strokes: Any) -> None:
    reading = recognizer.read(strokes)
    assert reading.text == "?"
    assert reading.digits[0].digit is None


def test_a_mark_that_did_not_change_is_looked_at_once(recognizer: Recognizer) -> None:
    looked: list[int] = []

    class Counting(Recognizer):
        def classify(
            self, images: NDArray[np.uint8], temperature: float = 1.0
        ) -> NDArray[np.float32]:
            looked.append(len(images))
            return super().classify(images, temperature)

    counting = Counting(recognizer.model, recognizer.metadata)
    four, seven, one = (placed(KINDS[d].strokes, 200 * i, 0, 100) for i, d in enumerate("471"))
    known: Known = {}
    for strokes, text, new in (
        ([*four], "4", [1]),
        ([*four, *seven], "47", [1]),
        ([*four, *seven], "47", []),
        ([*seven], "7", []),
        ([*seven, *one], "71", [1]),
        ([*four, *seven], "47", [1]),  # forgotten in the meantime
        ([], "", []),
    ):
        looked.clear()
        found, anew = counting.read(strokes, known), recognizer.read(strokes)
        assert looked == new
        assert found.text == anew.text == text
        for mine, its in zip(found.digits, anew.digits, strict=True):
            np.testing.assert_allclose(mine.probabilities, its.probabilities, atol=1e-5)
            np.testing.assert_array_equal(mine.image, its.image)
            assert (mine.box, mine.strokes, mine.symbol) == (its.box, its.strokes, its.symbol)
    assert known == {}
