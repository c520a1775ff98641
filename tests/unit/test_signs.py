"""Points, commas, minus signs and lines, as people in a hurry set them beside digits."""

from __future__ import annotations

import math

import pytest

from nn import Recognizer
from nn.cuts import Slices
from nn.layout import Mark, Parts
from nn.numbers import SEVERAL, read_row
from nn.row import Row
from tests.sample import Strokes
from tests.unit.test_image import draw
from tests.unit.test_numbers import DOT, KINDS, looks_like, placed, row, width_of

COMMA: Strokes = [[[3, 0], [4, 3], [3, 9], [0, 14]]]
CORNERS = [[-30, -25], [190, -20], [188, 125], [-28, 122]]
FRAME: Strokes = [[CORNERS[side], CORNERS[(side + 1) % 4]] for side in range(4)]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def ring(strokes: Strokes) -> Strokes:
    """Return a ring about a drawing that is 100 high and begins at 0."""
    right = max(x for stroke in strokes for x, _ in stroke)
    turn = [t / 8 for t in range(-12, 40)]
    return [[[right / 2 + 75 * math.cos(t), 50 + 80 * math.sin(t)] for t in turn]]


@pytest.mark.parametrize("apart", [0.0, 1.0, 4.0, 8.0])
def test_a_point_may_be_tapped_twice(apart: float, recognizer: Recognizer) -> None:
    seven, five = placed(KINDS["7"].strokes, 0, 0, 100), placed(KINDS["5"].strokes, 110, 0, 100)
    taps = [*placed(DOT, 80, 97, 0), *placed(DOT, 80 + apart, 96, 0)]
    assert recognizer.read([*seven, *taps, *five]).text == "7.5"


@pytest.mark.parametrize("height", [15, 22, 28])
@pytest.mark.parametrize("number", ["75", "20", "94", "63"])
def test_a_comma_is_a_point(number: str, height: float, recognizer: Recognizer) -> None:
    first, second = (KINDS[digit].strokes for digit in number)
    foot = max(x for s in placed(first, 0, 0, 100) for x, y in s if y > 70)
    comma = placed(COMMA, foot + 12, 94, height)
    strokes = [*placed(first, 0, 0, 100), *comma, *placed(second, 130, 0, 100)]
    assert recognizer.read(strokes).text == ".".join(number)


def test_a_foot_is_no_comma(recognizer: Recognizer) -> None:
    stem: Strokes = [[[22, 0], [39, 0], [39, 100]], [[22, 2], [0, 22]]]
    foot: Strokes = [[[0, 94], [8, 90], [17, 89]]]
    assert recognizer.read(stem + foot).text == recognizer.read(stem).text == "1"


def test_a_question_mark_is_no_7_and_a_point(recognizer: Recognizer) -> None:
    hook = [[0, 18], [8, 4], [25, 0], [40, 8], [42, 22], [30, 38], [20, 50], [19, 68]]
    assert recognizer.read([hook, [[20, 96], [21, 97]]]).text == "?"


@pytest.mark.parametrize("dots", [(0.0, 0.0), (5.0, -3.0), (12.0, 0.0), (-4.0, 16.0)])
@pytest.mark.parametrize("gap", [12, 22, 40])
@pytest.mark.parametrize("number", ["75", "20", "94", "63"])
def test_a_colon_is_no_point_and_no_part_of_a_digit(
    number: str, gap: float, dots: tuple[float, float], recognizer: Recognizer
) -> None:
    first, second = (placed(KINDS[digit].strokes, 0, 0, 100) for digit in number)
    high, aside = dots
    left = width_of(first) + gap
    upper: Strokes = [[[left, 40.0], [left + 1, 40.0 + high]]]
    lower: Strokes = [[[left + aside, 85.0], [left + aside, 86.0]]]
    moved = placed(second, left + gap + max(aside, 0), 0, 100)
    for colon in (upper + lower, lower + upper):
        assert recognizer.read([*first, *colon, *moved]).text == "?".join(number)


def test_two_points_above_each_other_are_a_colon_in_a_picture(recognizer: Recognizer) -> None:
    three, five = placed(KINDS["3"].strokes, 20, 90, 100), placed(KINDS["5"].strokes, 160, 90, 100)
    dots = placed(DOT, 128, 130, 0) + placed(DOT, 125, 175, 0)
    assert recognizer.read_image(draw([*three, *dots, *five], pen=6)).text == "3?5"


def test_points_in_two_lines_are_no_colon(recognizer: Recognizer) -> None:
    lines = [
        stroke
        for top in (0, 150)
        for stroke in [
            *placed(KINDS["3"].strokes, 0, top, 100),
            *placed(DOT, 75, top + 98, 0),
            *placed(KINDS["5"].strokes, 100, top, 100),
        ]
    ]
    assert recognizer.read(lines).text == "3.5\n3.5"


@pytest.mark.parametrize("height", [25, 40, 52])
@pytest.mark.parametrize("raised", "012345678")
@pytest.mark.parametrize("number", ["37", "2"])
def test_a_small_digit_or_ring_that_stands_high_is_no_further_digit(
    number: str, raised: str, height: float, recognizer: Recognizer
) -> None:
    digits = row([KINDS[digit] for digit in number])
    right = max(x for stroke in digits for x, _ in stroke)
    power = placed(KINDS[raised].strokes, right + 22, -5, height)
    reading = recognizer.read(digits + power)
    assert reading.text == number + "?"
    assert not reading.digits[-1].several
    more = placed(KINDS["5"].strokes, right + 22 + width_of(power) + 15, 0, height)
    assert recognizer.read(digits + power + more).text == number + "??"


@pytest.mark.parametrize("top", [-30, 60])
def test_a_digit_as_high_as_the_others_or_a_low_one_is_not_raised(
    top: float, recognizer: Recognizer
) -> None:
    three, height = placed(KINDS["3"].strokes, 0, 0, 100), 80 if top < 0 else 50
    five = placed(KINDS["5"].strokes, 90, top, height)
    assert recognizer.read([*three, *five]).text == "35"


def slashed(first: str, second: str, line: list[list[float]]) -> Strokes:
    """Return two numbers, 100 high, with a line between them that begins at 0."""
    before, after = (row([KINDS[digit] for digit in number]) for number in (first, second))
    left = width_of(before) + 25
    wide = max(x for x, _ in line)
    aside = [[[x + left + wide + 25, y] for x, y in stroke] for stroke in after]
    return [*before, [[x + left, y] for x, y in line], *aside]


@pytest.mark.parametrize("wide", [35, 60, 90])
@pytest.mark.parametrize("numbers", [("3", "4"), ("20", "5"), ("7", "25")])
def test_a_line_that_leans_and_reaches_beyond_both_digits_is_no_1(
    numbers: tuple[str, str], wide: float, recognizer: Recognizer
) -> None:
    slash = [[wide, -9.0], [wide / 2, 50.0], [0.0, 109.0]]
    for line in (slash, slash[::-1]):
        reading = recognizer.read(slashed(*numbers, line))
        assert reading.text == "?".join(numbers)
        assert not any(found.several for found in reading.digits)


@pytest.mark.parametrize("line", [(60, 0, 100), (45, -15, 100), (45, 0, 115), (10, -9, 109)])
def test_a_1_may_lean_or_reach_beyond_the_digits_beside_it(
    line: tuple[float, float, float], recognizer: Recognizer
) -> None:
    wide, top, bottom = line
    one = [[wide, top], [wide / 2, (top + bottom) / 2], [0.0, bottom]]
    assert recognizer.read(slashed("3", "4", one)).text == "314"


@pytest.mark.parametrize("middle", [15, 25, 50, 75, 85])
def test_a_minus_sign_may_stand_high_or_low(middle: float, recognizer: Recognizer) -> None:
    number = row([KINDS["5"], KINDS["3"]])
    minus = [[[-60, middle], [-40, middle + 1], [-20, middle - 1]]]
    assert recognizer.read(minus + number).text == "-53"


@pytest.mark.parametrize("gap", [10, 4, 0, -6])
@pytest.mark.parametrize("number", ["53", "27", "14"])
def test_a_minus_sign_may_touch_the_first_digit(
    number: str, gap: float, recognizer: Recognizer
) -> None:
    digits = row([KINDS[digit] for digit in number])
    left = min(x for stroke in digits for x, _ in stroke)
    minus = [[[left - gap - 40, 52], [left - gap - 20, 50], [left - gap, 51]]]
    assert recognizer.read(minus + digits).text == f"-{number}"


@pytest.mark.parametrize("lean", [-0.36, -0.18, 0.18, 0.36])
@pytest.mark.parametrize("number", ["53-27", "40-9", "8-35-0"])
def test_a_minus_sign_stands_between_digits_that_lean_over_it(
    number: str, lean: float, recognizer: Recognizer
) -> None:
    strokes: Strokes = []
    right = 0.0
    for symbol in number:
        minus = symbol == "-"
        own = [[[0, 0], [20, 1], [40, -1]]] if minus else KINDS[symbol].strokes
        strokes += placed(own, right + 18, 50 if minus else 0, 2 if minus else 100)
        right = max(x for stroke in strokes for x, _ in stroke)
    leaning = [[[x - lean * y, y] for x, y in stroke] for stroke in strokes]
    assert recognizer.read(leaning).text == number
    shrunk = [[[0.4 * x + 30, 0.4 * y + 100] for x, y in stroke] for stroke in leaning]
    assert recognizer.read_image(draw(shrunk, size=560, pen=3)).text == number


@pytest.mark.parametrize("slope", [-0.25, 0.25])
def test_a_row_that_climbs_may_begin_with_a_minus_sign(
    slope: float, recognizer: Recognizer
) -> None:
    flat = [[[-60, 50], [-40, 51], [-20, 49]], *row([KINDS["5"], KINDS["3"]])]
    climbing = [[[x, y + slope * x] for x, y in stroke] for stroke in flat]
    assert recognizer.read(climbing).text == "-53"


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.5, 2.0), (-2.0, 5.0)])
@pytest.mark.parametrize("lean", [0.0, 12.0])
def test_a_1_that_was_gone_over_is_one(
    lean: float, shift: tuple[float, float], recognizer: Recognizer
) -> None:
    line = [[50.0 + lean, 0.0], [50.0, 100.0]]
    again = [[x + shift[0], y + shift[1]] for x, y in line]
    assert recognizer.read([line, again]).text == "1"


def test_a_point_that_was_drawn_before_what_leans_over_it_stands_before_it(
    recognizer: Recognizer,
) -> None:
    five, seven = placed(KINDS["5"].strokes, 0, 0, 100), placed(KINDS["7"].strokes, 70, 0, 100)
    point = placed(DOT, 78, 97, 0)
    assert recognizer.read([*five, *point, *seven]).text == "5.7"
    assert recognizer.read([*five, *seven, *point]).text == "57."


@pytest.mark.parametrize("digit", "0235789")
def test_a_ring_about_a_single_digit_is_no_0(digit: str, recognizer: Recognizer) -> None:
    strokes = placed(KINDS[digit].strokes, 0, 0, 100)
    reading = recognizer.read(strokes + ring(strokes))
    assert reading.text == digit
    assert reading.digits[0].strokes == tuple(range(len(strokes)))


@pytest.mark.parametrize("number", ["47", "11", "1"])
def test_a_frame_may_be_four_lines(number: str, recognizer: Recognizer) -> None:
    strokes = row([KINDS[digit] for digit in number])
    assert recognizer.read(strokes + FRAME).text == number
    assert recognizer.read(FRAME + strokes).text == number


def test_three_lines_about_a_digit_are_no_frame(recognizer: Recognizer) -> None:
    strokes = row([KINDS["4"], KINDS["7"]])
    assert recognizer.read(strokes + FRAME[:3]).text != "47"


@pytest.mark.parametrize("pen", [3, 5])
def test_a_dot_of_a_thin_pen_in_a_picture_is_a_point(pen: int, recognizer: Recognizer) -> None:
    three, five = placed(KINDS["3"].strokes, 20, 90, 100), placed(KINDS["5"].strokes, 160, 90, 100)
    pixels = draw([*three, *placed(DOT, 125, 188, 0), *five], pen=pen)
    assert recognizer.read_image(pixels).text == "3.5"


def test_a_bar_is_never_cut_into_digits() -> None:
    class Cut(Row):
        def cut(self, parts: Parts, several: float) -> Slices:
            bottom = self.boxes[parts[0]][3]
            left, right = (100.0, 0.0, 120.0, bottom), (120.0, 0.0, 140.0, bottom)
            return Slices([Mark((2,), left), Mark((3,), right)], [(0, 1), (1, 2)])

    look = looks_like({(0,): 5, (1,): SEVERAL, (2,): 1, (3,): 1})
    digit = (0.0, 0.0, 60.0, 100.0)
    low, high = (100.0, 0.0, 140.0, 18.0), (100.0, 0.0, 140.0, 90.0)
    assert "".join(found.symbol for found in read_row(Cut([digit, low]), look, 0.5)) == "5?"
    assert "".join(found.symbol for found in read_row(Cut([digit, high]), look, 0.5)) == "511"


FOUR: Strokes = [[[30, 0], [0, 62], [1, 64]], [[42, 30], [40, 100]], [[0, 64], [55, 62]]]
"""Its bar is drawn last."""


@pytest.mark.parametrize("gap", [18, 22, 26])
def test_a_minus_sign_in_line_with_the_bar_of_a_4_is_not_its_end(
    gap: float, recognizer: Recognizer
) -> None:
    minus = [[[55 + gap, 61], [70 + gap, 60], [85 + gap, 60]]]
    three = placed(KINDS["3"].strokes, 105 + gap, 0, 100)
    assert recognizer.read([*FOUR, *minus, *three]).text == "4-3"


@pytest.mark.parametrize("down", [-4, 0, 4])
def test_a_minus_sign_may_stand_high_beside_one_digit(down: float, recognizer: Recognizer) -> None:
    """A 1 that stands low in its row, or the bar of a 5, is not all that tells how high it is."""
    three, one = placed(KINDS["3"].strokes, 0, 0, 100), [[[92, 20 + down], [91, 116 + down]]]
    minus = [[[102, 41], [112, 42], [124, 42]]]
    seven = placed(KINDS["7"].strokes, 140, 0, 100)
    assert recognizer.read([*three, *one, *minus, *seven]).text == "31-7"


@pytest.mark.parametrize("gap", [18, 20, 25])
def test_a_1_near_a_plus_sign_is_no_part_of_it(gap: float, recognizer: Recognizer) -> None:
    one: Strokes = [[[0, 0], [0, 100]]]
    plus = [[[gap, 50], [gap + 40, 50]], [[gap + 20, 30], [gap + 20, 70]]]
    three = placed(KINDS["3"].strokes, gap + 80, 0, 100)
    assert recognizer.read([*one, *plus, *three]).text == "1?3"


@pytest.mark.parametrize("gap", [18, 20, 25])
def test_a_1_near_an_open_4_is_no_part_of_it(gap: float, recognizer: Recognizer) -> None:
    one: Strokes = [[[0, 0], [0, 100]]]
    four = [[[gap + 3, 30], [gap, 60], [gap + 40, 62]], [[gap + 47, 12], [gap + 47, 100]]]
    assert recognizer.read([*one, *four]).text == "14"
