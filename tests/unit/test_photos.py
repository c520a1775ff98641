"""Photos as people take them: a sheet on a table, a shadow, squared paper, dust."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nn import Recognizer
from nn.dust import without_dust
from nn.sheet import sheet_in
from tests.sample import Strokes
from tests.unit.test_image import Picture, draw
from tests.unit.test_numbers import DOT, KINDS, placed


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def number(text: str, pen: float = 9) -> Picture:
    """Return a drawing of a number on white paper, its digits 100 high; ``.`` is a tap."""
    strokes: Strokes = []
    left = 60.0
    for symbol in text:
        kind = DOT if symbol == "." else KINDS[symbol].strokes
        strokes += placed(kind, left, 157 if symbol == "." else 60, 0 if symbol == "." else 100)
        left = max(x for stroke in strokes for x, _ in stroke) + 25
    return draw(strokes, size=400, pen=pen * 280 / 400)[: 220 * 400 // 280].copy()


def photo(picture: Picture, noise: float = 3) -> Picture:
    """Return what a camera makes of it: a little blur and noise."""
    grey = picture.astype(float)
    for axis in (0, 1):
        grey = (np.roll(grey, 1, axis) + 2 * grey + np.roll(grey, -1, axis)) / 4
    noisy = grey + np.random.default_rng(2).normal(0, noise, grey.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def on_table(sheet: Picture, table: int, sides: tuple[int, int, int, int]) -> Picture:
    """Return a sheet on a table of a grey that is seen so far above, below, left and right."""
    up, down, left, right = sides
    return np.pad(sheet, ((up, down), (left, right)), constant_values=table)


@pytest.mark.parametrize("table", [30, 90, 150])
@pytest.mark.parametrize("sides", [(60, 60, 60, 60), (60, 0, 80, 0), (40, 70, 0, 90)])
@pytest.mark.parametrize("text", ["7", "42", "3.5"])
def test_a_sheet_on_a_table_is_read(
    text: str, sides: tuple[int, int, int, int], table: int, recognizer: Recognizer
) -> None:
    picture = photo(on_table(number(text), table, sides))
    reading = recognizer.read_image(picture)
    assert reading.text == text
    left, top, right, bottom = reading.digits[0].box
    assert sides[2] < left < right < sides[2] + 250
    assert sides[0] < top < bottom < sides[0] + 300


def test_a_dark_sheet_on_a_light_table_is_read(recognizer: Recognizer) -> None:
    picture = photo(255 - on_table(number("42"), 60, (60, 60, 60, 60)))
    assert recognizer.read_image(picture).text == "42"


@pytest.mark.parametrize("side", [0, 1, 2, 3])
def test_beside_a_tables_edge_points_are_read(side: int, recognizer: Recognizer) -> None:
    picture = number("3.5")
    np.rot90(picture, side)[:16] = 60
    assert recognizer.read_image(photo(picture)).text == "3.5"


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("text", ["8", "42"])
def test_a_hands_shadow_is_no_digit(
    text: str, corner: tuple[int, int], recognizer: Recognizer
) -> None:
    picture = number(text).astype(float)
    height, width = picture.shape
    down, across = np.mgrid[:height, :width]
    down, across = (
        (size - 1 - places) if far else places
        for places, size, far in zip((down, across), (height, width), corner, strict=True)
    )
    picture[across / width + down / height < 0.9] *= 0.6
    assert recognizer.read_image(photo(picture.astype(np.uint8))).text == text


@pytest.mark.parametrize("digit", "0358")
def test_a_single_digit_on_squared_paper_is_read(digit: str, recognizer: Recognizer) -> None:
    picture = np.kron(number(digit), np.ones((2, 2), np.uint8)).astype(float)
    for first in range(2):
        picture[first::44] *= 0.68
        picture[:, first::44] *= 0.68
    assert recognizer.read_image(photo(picture.astype(np.uint8))).text == digit


def test_dust_is_no_point(recognizer: Recognizer) -> None:
    picture = number("42", pen=5)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        dusty = picture.copy()
        for _ in range(3):
            top, left = rng.integers(5, 50), rng.integers(5, 390)  # above the digits' feet
            dusty[top : top + 5, left : left + 5] = 20
        assert recognizer.read_image(dusty).text == "42", seed


def test_dust_counts_where_a_point_can_stand() -> None:
    ink = np.zeros((100, 200), np.float32)
    ink[10:90, 20:30] = ink[10:90, 120:130] = 1
    assert without_dust(ink) is ink

    def speck(top: int, left: int) -> NDArray[np.float32]:
        found = ink.copy()
        found[top : top + 3, left : left + 3] = 1
        return without_dust(found)

    assert speck(85, 70)[86, 71] == 1
    for top, left in ((20, 70), (85, 150), (85, 5)):
        assert np.array_equal(speck(top, left), ink)


def test_small_pieces_beyond_the_digits_are_crumbs_but_where_signs_stand() -> None:
    ink = np.zeros((100, 200), np.float32)
    ink[10:90, 60:75] = ink[10:90, 120:135] = 1

    def piece(top: int, left: int, height: int, width: int) -> bool:
        found = ink.copy()
        found[top : top + height, left : left + width] = 1
        return without_dust(found) is found

    assert not piece(80, 150, 10, 8)  # a point after all digits adds nothing
    assert not piece(20, 150, 20, 5)
    assert not piece(20, 30, 10, 8)
    assert piece(80, 40, 10, 8)  # .11
    assert piece(80, 95, 10, 8)  # 1.1
    assert piece(48, 20, 5, 20)  # -11
    assert piece(20, 150, 40, 5)  # too much ink


@pytest.mark.parametrize("place", [(20, 8), (60, 372), (20, 372)])
def test_what_is_left_of_a_neighbour_does_not_change_a_number(
    place: tuple[int, int], recognizer: Recognizer
) -> None:
    picture = number("42", pen=8)
    (top, left), height = place, 24
    picture[top : top + height, left : left + 9] = 20
    assert recognizer.read_image(picture).text == "42"


@pytest.mark.parametrize(
    ("box", "is_sheet"),
    [
        ((20, 20, 180, 130), True),
        ((0, 20, 180, 150), True),
        ((0, 0, 180, 150), False),  # three sides: rather the paper itself
        ((20, 20, 90, 70), False),  # too small
        ((0, 50, 200, 110), False),  # a broad stroke
    ],
)
def test_a_sheet_is_told_by_its_size(box: tuple[int, int, int, int], is_sheet: bool) -> None:
    left, top, right, bottom = box
    strong = np.zeros((150, 200), bool)
    strong[top:bottom, left:right] = True
    strong[top + 15 : top + 30, left + 20 : left + 30] = False  # what is written on it
    sheet = sheet_in(strong)
    assert (sheet is not None) == is_sheet
    if sheet is not None:
        assert sheet[top:bottom, left:right].all()
        assert sheet.sum() == (bottom - top) * (right - left)


def test_a_bold_digit_is_no_sheet(recognizer: Recognizer) -> None:
    bold = placed(KINDS["0"].strokes, 75, 60, 160)
    picture = draw(bold, pen=60)
    assert recognizer.read_image(picture).text == recognizer.read_image(255 - picture).text == "0"
