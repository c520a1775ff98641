"""Numbers below each other: what stands in which line, and what is one digit all the same."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from nn import Recognizer
from nn.ink import Box
from nn.layout import MOST_PARTS
from nn.lines import lines_of, read_lines
from nn.reading import Digit, Known, Reading
from tests.sample import Strokes
from tests.unit.test_image import draw
from tests.unit.test_numbers import DOT, KINDS, placed, row

RING: Strokes = [[[20 + 20 * np.cos(t / 3), 20 + 20 * np.sin(t / 3)] for t in range(20)]]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def number(digits: str, left: float = 0, top: float = 0, climbs: float = 0) -> Strokes:
    """Return a number, 100 high, whose upper left corner is at a place."""
    strokes = row([KINDS[digit] for digit in digits])
    return [[[x + left, y + top - climbs * x] for x, y in stroke] for stroke in strokes]


def on_paper(strokes: Strokes) -> Strokes:
    """Return a drawing that is to fill most of the tests' paper."""
    points = np.concatenate([np.array(stroke) for stroke in strokes])
    scale = 240 / np.ptp(points, axis=0).max()
    return [((np.array(s) - points.min(axis=0)) * scale + 20).tolist() for s in strokes]


@pytest.mark.parametrize("paper", [20, 60, 150])
@pytest.mark.parametrize("lines", [("12", "34"), ("2026", "47"), ("9", "58"), ("70", "6", "382")])
def test_numbers_below_each_other_are_read_line_by_line(
    lines: tuple[str, ...], paper: float, recognizer: Recognizer
) -> None:
    strokes: Strokes = []
    for place, digits in enumerate(lines):
        strokes += number(digits, 15 * place, place * (100 + paper))
    reading = recognizer.read(strokes)
    assert reading.text == "\n".join(lines)
    assert "".join(found.symbol for found in reading.digits) == "".join(lines)
    used = sorted(stroke for found in reading.digits for stroke in found.strokes)
    assert used == list(range(len(strokes)))  # each once, and by its number in the drawing
    if paper >= 60:
        picture = draw(on_paper(strokes), size=560, pen=4)
        assert recognizer.read_image(picture).text == "\n".join(lines)


@pytest.mark.parametrize("climbs", [-0.15, 0.15])
def test_lines_may_climb(climbs: float, recognizer: Recognizer) -> None:
    strokes = number("2026", climbs=climbs) + number("47", top=160, climbs=climbs)
    assert recognizer.read(strokes).text == "2026\n47"


def test_the_order_in_which_lines_are_drawn_makes_no_difference(recognizer: Recognizer) -> None:
    upper, lower = number("47"), number("30", top=150)
    assert recognizer.read(lower + upper).text == "47\n30"


@pytest.mark.parametrize("lines", ["52314", "7047", "2026471", "65 20 43 27", "412 703 586 240"])
def test_many_lines_are_no_row(lines: str, recognizer: Recognizer) -> None:
    """A column of digits, brought to the size of one, looks like a 1."""
    wanted = lines.split() if " " in lines else list(lines)
    strokes: Strokes = []
    for place, digits in enumerate(wanted):
        strokes += number(digits, top=135 * place)
    assert recognizer.read(strokes).text == "\n".join(wanted)
    picture = draw(on_paper(strokes), size=560, pen=4)
    assert recognizer.read_image(picture).text == "\n".join(wanted)


def test_a_page_of_letters_is_no_number(recognizer: Recognizer) -> None:
    letter: Strokes = [[[0, 100], [0, 0], [50, 60], [100, 0], [100, 100]]]  # an M
    page = [
        [[x * 0.5 + 80 * column, y * 0.5 + 75 * line] for x, y in letter[0]]
        for line in range(5)
        for column in range(6)
    ]
    assert recognizer.read(page).text.count("?") >= 5
    assert "?" in recognizer.read_image(draw(on_paper(page), size=560, pen=4)).text


def test_a_1_that_is_drawn_in_dashes_is_one_digit(recognizer: Recognizer) -> None:
    dashes: Strokes = [[[50, y + step] for step in range(0, 31, 5)] for y in (0, 40, 80)]
    assert recognizer.read(dashes).text == "1"


def test_digits_far_apart_are_one_line_in_whatever_order_they_come() -> None:
    below = [(float(x), 1.5, x + 0.6, 2.5) for x in (0, 1, 5, 10)]
    for lefts in permutations((0.0, 5.0, 10.0)):
        above = [(left, 0.0, left + 0.6, 1.0) for left in lefts]
        assert lines_of(above + below)[0] == [(0, 1, 2), (3, 4, 5, 6)]


def test_lines_that_climb_by_more_than_a_digit_are_no_row() -> None:
    digits = [(0.9 * i, -0.315 * i) for i in range(5)]
    boxes = [(x, y + top, x + 0.6, y + top + 1) for top in (0, 1.5) for x, y in digits]
    assert lines_of(boxes)[0] == [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]


def test_a_minus_goes_with_the_number_that_it_stands_before_though_another_is_no_farther() -> None:
    above = [(1.0, 0.0, 1.6, 1.0), (1.8, 0.0, 2.4, 1.0)]
    below = [(0.0, 1.6, 0.6, 2.6), (0.8, 1.6, 1.4, 2.6)]
    minus = (-0.5, 1.26, -0.1, 1.3)
    assert lines_of([*above, *below, minus])[0] == [(0, 1), (2, 3, 4)]


@pytest.mark.parametrize(
    ("lines", "strokes", "paper", "sure", "text"),
    [
        (2, 1, 0.7, 0.97, "8"),  # however far its rings are apart
        (2, 1, 0.7, 0.9, "1\n1"),
        (2, 2, 0.5, 0.97, "8"),
        (2, 2, 0.7, 0.97, "1\n1"),
        (3, 1, 0.1, 0.97, "8"),  # a stroke in dashes
        (3, 1, 0.3, 0.97, "1\n1\n1"),
    ],
)
def test_what_is_surely_one_digit_is_no_lines_but_for_much_paper_or_many_of_them(
    lines: int, strokes: int, paper: float, sure: float, text: str
) -> None:
    def told(text: str, sure: float) -> Reading:
        nothing = np.zeros(10, np.float32), (0.0, 0.0, 0.0, 0.0), np.zeros((28, 28), np.uint8)
        return Reading(text, (Digit(int(text), sure, *nothing, text),))

    boxes = [
        (0.9 * i, (1 + paper) * line, 0.9 * i + 0.6, (1 + paper) * line + 1)
        for line in range(lines)
        for i in range(strokes)
    ]
    read = read_lines(boxes, lambda p: told("8", sure) if len(p) == len(boxes) else told("1", 0.99))
    assert read.text == text


def test_a_sign_belongs_to_the_line_in_which_it_stands(recognizer: Recognizer) -> None:
    seven, five = placed(KINDS["7"].strokes, 0, 0, 100), placed(KINDS["5"].strokes, 110, 0, 100)
    point = placed(DOT, 85, 97, 0)
    minus: Strokes = [[[0, 190], [40, 191]]]
    strokes = [*seven, *point, *five, *minus, *number("42", 70, 140)]
    assert recognizer.read(strokes).text == "7.5\n-42"
    picture = draw(on_paper(strokes), size=560, pen=6)
    assert recognizer.read_image(picture).text == "7.5\n-42"


def test_a_digit_above_another_is_a_line(recognizer: Recognizer) -> None:
    four, two = placed(KINDS["4"].strokes, 0, 0, 100), placed(KINDS["2"].strokes, 5, 140, 100)
    assert recognizer.read(four + two).text == "4\n2"


def test_an_8_of_two_rings_that_do_not_touch_is_one_digit(recognizer: Recognizer) -> None:
    rings = placed(RING, 5, 0, 40) + placed(RING, 0, 50, 45)
    assert recognizer.read(rings).text == "8"
    beside = [[[x + 90, y] for x, y in stroke] for stroke in rings]
    assert recognizer.read(rings + beside).text == "88"


def test_rings_far_below_each_other_are_zeros(recognizer: Recognizer) -> None:
    rings = [placed(RING, x, y, 60)[0] for x in (0, 70) for y in (0, 110)]
    assert recognizer.read(rings).text == "00\n00"


def test_a_bar_above_a_5_is_no_line(recognizer: Recognizer) -> None:
    body = [[0, 0], [0, 35], [30, 30], [45, 55], [35, 80], [0, 85]]
    five: Strokes = [body, [[0, -8], [45, -12]]]
    assert recognizer.read(five).text == "5"


def test_a_colon_and_an_i_are_no_two_lines(recognizer: Recognizer) -> None:
    colon = placed(RING, 0, 0, 20) + placed(RING, 0, 70, 20)
    assert recognizer.read(colon).text == "?"
    i = [*placed(RING, 0, 0, 22), [[10, 40], [11, 70], [10, 100]]]
    assert "\n" not in recognizer.read(i).text


def test_a_row_that_climbs_steeply_is_one_line() -> None:
    boxes: list[Box] = [(80.0 * i, -110.0 * i, 80.0 * i + 60, -110.0 * i + 100) for i in range(4)]
    assert lines_of(boxes) == ([(0, 1, 2, 3)], 0.0)


def test_a_letter_in_one_line_spoils_no_other(recognizer: Recognizer) -> None:
    cross: Strokes = [[[200, 150], [260, 250]], [[260, 150], [200, 250]], [[190, 200], [270, 200]]]
    assert recognizer.read(number("123") + number("47", top=150) + cross).text == "123\n47?"


def test_a_drawing_that_grows_line_by_line_reads_as_one_that_is_read_at_once(
    recognizer: Recognizer,
) -> None:
    strokes = number("1203") + number("47", top=150)
    known: Known = {}
    for end in range(1, len(strokes) + 1):
        grown = recognizer.read(strokes[:end], known)
    assert grown.text == recognizer.read(strokes).text == "1203\n47"
    marks = len(known)
    recognizer.read(strokes, known)
    assert len(known) == marks  # what was seen of this drawing is kept, and nothing else


@pytest.mark.parametrize("boxes", [[], [(0, 0, 0, 0)], [(0, 0, 0, 0), (5, 9, 5, 9)]])
def test_what_has_no_height_is_one_line(boxes: list[Box]) -> None:
    assert lines_of(boxes) == ([tuple(range(len(boxes)))], 0.0)


def test_more_parts_than_any_number_has_are_one_line() -> None:
    boxes: list[Box] = [
        (i * 10.0, j * 15.0, i * 10 + 8.0, j * 15 + 10.0) for j in range(9) for i in range(11)
    ]
    assert len(lines_of(boxes[:MOST_PARTS])[0]) == 9
    assert len(lines_of(boxes)[0]) == 1


@pytest.mark.parametrize("gap", [4, 8, 12, 25])
@pytest.mark.parametrize("digit", "147")
def test_a_pen_that_skipped_makes_no_line(digit: str, gap: float, recognizer: Recognizer) -> None:
    (*before, last) = placed(KINDS[digit].strokes, 0, 0, 100)
    middle = len(last) // 2
    end = next(i for i in range(middle, len(last)) if math.dist(last[i], last[middle]) >= gap)
    skipped = [*before, last[: middle + 1], last[end:]]
    assert "\n" not in recognizer.read(skipped).text
