"""Photos as people take them: a sheet on a table, a shadow, squared paper, dust."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nn import Recognizer
from nn.picture.dust import without_dust
from nn.picture.paper import EDGE, STRONG, find_ink, with_strong
from nn.picture.pieces import numbered
from nn.picture.rim import from_beyond
from nn.picture.sheet import sheet_in
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


def test_a_sheet_is_found_though_light_falls_unevenly_on_it_and_on_the_table(
    recognizer: Recognizer,
) -> None:
    picture = on_table(number("42"), 150, (90, 180, 150, 190)).astype(float)
    light = np.linspace(0.68, 0.94, picture.shape[0])[:, None]
    assert recognizer.read_image(photo((picture * light).astype(np.uint8), noise=2)).text == "42"


@pytest.mark.parametrize("table", [30, 150])
@pytest.mark.parametrize("degrees", [-12, 0, 12])
@pytest.mark.parametrize("text", ["7", "42"])
def test_a_note_that_lies_askew_on_a_wide_table_is_read(
    text: str, degrees: float, table: int, recognizer: Recognizer
) -> None:
    note = Image.fromarray(on_table(number(text), table, (180, 180, 200, 200)))
    askew = note.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=table)
    assert recognizer.read_image(photo(np.asarray(askew))).text == text


@pytest.mark.parametrize("table", [30, 150])
@pytest.mark.parametrize("text", ["7", "42", "06"])
def test_a_table_beyond_the_edges_of_a_sheet_that_lies_askew_is_no_digit(
    text: str, table: int, recognizer: Recognizer
) -> None:
    sheet = Image.fromarray(np.pad(number(text), 60, constant_values=255))
    askew = sheet.rotate(3, Image.Resampling.BICUBIC, fillcolor=table)
    assert recognizer.read_image(photo(np.asarray(askew))).text == text


@pytest.mark.parametrize("table", [30, 150])
@pytest.mark.parametrize("degrees", [-12, -5, 3, 8])
@pytest.mark.parametrize("text", ["7", "42"])
def test_a_sheet_whose_corners_alone_reach_the_border_is_read(
    text: str, degrees: float, table: int, recognizer: Recognizer
) -> None:
    sheet = Image.fromarray(np.pad(number(text), 40, constant_values=255))
    askew = sheet.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=table)
    assert recognizer.read_image(photo(np.asarray(askew))).text == text


@pytest.mark.parametrize("side", [0, 1, 2, 3])
def test_a_finger_at_the_border_is_no_digit(side: int, recognizer: Recognizer) -> None:
    picture = np.pad(number("42"), 50, constant_values=255)
    seen = np.rot90(picture, side)
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
    seen[(np.abs(x - seen.shape[1] // 2) < 30) & (y < 20)] = 130
    seen[np.hypot(x - seen.shape[1] // 2, y - 20) < 30] = 130
    assert recognizer.read_image(photo(picture)).text == "42"


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("reach", [10, 16, 22])
def test_the_tip_of_a_finger_is_no_sign(side: int, reach: int, recognizer: Recognizer) -> None:
    picture = np.pad(number("42"), 50, constant_values=255)
    seen = np.rot90(picture, side)
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
    seen[np.hypot(x - seen.shape[1] // 3, y + 30 - reach) < 30] = 90
    assert recognizer.read_image(photo(picture)).text == "42"


def test_what_is_thick_or_lies_along_a_border_was_not_written() -> None:
    inked = np.zeros((150, 200), bool)
    inked[50:100, 90:95] = True  # a 1

    def beyond(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_] | None:
        seen = inked.copy()
        seen[top:bottom, left:right] = True
        return from_beyond(seen)

    for place in ((60, 80, 180, 200), (0, 40, 0, 5), (145, 150, 20, 180)):
        top, bottom, left, right = place
        found = beyond(*place)
        assert found is not None, place
        assert found[top:bottom, left:right].all(), place
        assert found.sum() == (bottom - top) * (right - left), place
    assert beyond(0, 50, 130, 136) is None  # a digit that the border cuts
    assert beyond(0, 6, 130, 140) is not None  # a finger's tip
    joined = np.zeros_like(inked)
    joined[40:42, 20:150] = joined[100:102, 80:] = True  # lines of the paper, one through a 1
    joined[60:120, 90:104] = True
    assert from_beyond(joined) is None
    inked[10:140, 90:95] = True
    assert beyond(0, 40, 0, 5) is None  # digits that fill the picture: perhaps a 7's bar


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


def test_soft_glare_on_a_board_is_no_ink(recognizer: Recognizer) -> None:
    ink = Image.new("L", (256, 192))
    ImageDraw.Draw(ink).line([(40, 50), (90, 50), (60, 140)], fill=90, width=4)
    y, x = np.mgrid[:192, :256]
    glare = 26 * np.exp(-((x - 180) ** 2 + (y - 70) ** 2) / (2 * 30**2))
    board = (200 + glare - np.asarray(ink)).astype(np.uint8)
    assert recognizer.read_image(board).text == "7"


@pytest.mark.parametrize("depth", [0.35, 0.5])
@pytest.mark.parametrize("left", [60, 180, 300])
@pytest.mark.parametrize("text", ["42", "35"])
def test_a_shadow_that_comes_from_below_is_no_digit(
    text: str, left: int, depth: float, recognizer: Recognizer
) -> None:
    picture = np.pad(number(text).astype(float), 40, constant_values=255)
    height = picture.shape[0]
    down, across = np.mgrid[:height, : picture.shape[1]]
    top = 130 + (across - left - 50) ** 2 / 25  # it is round, and reaches up into the digits
    picture[(down > top) & (np.abs(across - left - 50) < 55)] *= 1 - depth
    assert recognizer.read_image(photo(picture.astype(np.uint8))).text == text


@pytest.mark.parametrize("wide", [0.4, 0.7, 1.0])
@pytest.mark.parametrize("text", ["42", "35"])
def test_the_tip_of_a_shadow_is_no_sign(text: str, wide: float, recognizer: Recognizer) -> None:
    picture = np.pad(number(text).astype(float), 40, constant_values=255)
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    picture[np.abs(across - 60) < wide * (down - 190)] *= 0.5
    assert recognizer.read_image(photo(picture.astype(np.uint8))).text == text


@pytest.mark.parametrize("side", [0, 1, 3])
@pytest.mark.parametrize("depth", [0.3, 0.55])
@pytest.mark.parametrize("reach", [0.45, 0.75])
@pytest.mark.parametrize("text", ["42", "35"])
def test_digits_in_a_dark_shadow_and_on_its_edge_are_read(
    text: str, reach: float, depth: float, side: int, recognizer: Recognizer
) -> None:
    picture = np.pad(number(text).astype(float), 40, constant_values=255)
    seen = np.rot90(picture, side)  # it comes from one side and narrows to its tip
    down, across = np.mgrid[: seen.shape[0], : seen.shape[1]]
    far = down / seen.shape[0]
    seen[(np.abs(across / seen.shape[1] - 0.45) < 0.28 * (1.1 - far)) & (far < reach)] *= 1 - depth
    large = Image.fromarray(picture.astype(np.uint8))
    large = large.resize((2 * large.width, 2 * large.height), Image.Resampling.BICUBIC)
    assert recognizer.read_image(photo(np.asarray(large))).text == text


@pytest.mark.parametrize("slope", [-0.04, 0.0, 0.03])
@pytest.mark.parametrize("text", ["6", "42", "35"])
def test_ruled_lines_as_strong_as_a_pencils_are_no_ink(
    text: str, slope: float, recognizer: Recognizer
) -> None:
    picture = np.pad(number(text), 60, constant_values=255)
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    grey = 235 - (255 - picture.astype(float)) * 0.4
    grey[(down + slope * across + 20) % 90 < 3] = 150
    assert recognizer.read_image(photo(grey.astype(np.uint8))).text == text


def test_nothing_faint_is_left_where_ruled_lines_were() -> None:
    grey = np.full((150, 200), 0.9, np.float32)
    for below, level in enumerate((0.5, 0.8, 0.84, 0.85)):  # a line with a soft edge
        grey[20 + below : 150 : 30] = level
    grey[60:100, 90:94] = 0.4
    ink = find_ink(grey)
    assert ink is not None
    of_pixel, boxes = numbered(ink > 0)
    assert len(boxes) == 1
    assert ink[of_pixel == 0].max() > STRONG


def test_what_is_nowhere_strong_is_left_out_and_the_soft_edge_of_what_is_stays() -> None:
    ink = np.zeros((20, 40), np.float32)
    ink[5:15, 5:15] = 0.2
    ink[8:12, 8:12] = 1
    ink[5:15, 25:35] = STRONG
    left = with_strong(ink)
    assert np.array_equal(left[:, :20], ink[:, :20])
    assert not left[:, 20:].any()
    assert np.array_equal(with_strong(ink, STRONG - 0.1), ink)


def test_each_piece_that_is_found_has_ink_that_counts() -> None:
    for seed in range(600):
        rng = np.random.default_rng(seed)
        grey = np.full((60, 80), rng.uniform(0.2, 0.95), np.float32)
        for _ in range(rng.integers(1, 7)):  # boxes and shades at random, some over the rim
            top, left = (max(0, place) for place in rng.integers(-15, (55, 75)))
            window = grey[top : top + rng.integers(2, 50), left : left + rng.integers(2, 50)]
            window *= rng.uniform(0.4, 0.9) if rng.random() < 0.5 else 0
            if not window.any():
                window += rng.uniform(0, 1)
        grey += rng.normal(0, 0.005, grey.shape).astype(np.float32) * (seed % 2)
        ink = find_ink(grey.clip(0, 1))
        if ink is not None:
            of_pixel, boxes = numbered(ink > 0)
            assert len(boxes), seed
            assert all((ink[of_pixel == piece] > EDGE).any() for piece in range(len(boxes))), seed


@pytest.mark.parametrize("digit", "0358")
def test_a_single_digit_on_squared_paper_is_read(digit: str, recognizer: Recognizer) -> None:
    picture = np.kron(number(digit), np.ones((2, 2), np.uint8)).astype(float)
    for first in range(2):
        picture[first::44] *= 0.68
        picture[:, first::44] *= 0.68
    assert recognizer.read_image(photo(picture.astype(np.uint8))).text == digit


@pytest.mark.parametrize("slope", [-0.06, 0.02])
@pytest.mark.parametrize("text", ["42", "35"])
def test_a_number_on_narrow_squares_is_read(
    text: str, slope: float, recognizer: Recognizer
) -> None:
    picture = np.pad(number(text), ((150, 230), (100, 300)), constant_values=255)
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    grey = 235 - (255 - picture.astype(float)) * 0.5
    on_line = ((down + slope * across) % 24 < 4) | ((across - slope * down + 8) % 24 < 4)
    grey = np.where(on_line, np.minimum(grey, 150), grey)
    assert recognizer.read_image(photo(photo(grey.astype(np.uint8)))).text == text


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
        ((0, 0, 180, 150), True),  # most of the picture: the table is seen at one side alone
        ((0, 0, 90, 150), False),  # three sides, and less than half: rather a table
        ((20, 20, 90, 90), True),
        ((20, 20, 55, 55), False),  # too small
        ((0, 50, 200, 110), False),  # a broad stroke
        ((10, 50, 190, 105), True),  # a receipt
        ((10, 50, 190, 90), False),  # a stroke
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


@pytest.mark.parametrize("text", ["6", "35"])
def test_a_band_of_light_is_no_sheet(text: str, recognizer: Recognizer) -> None:
    picture = np.pad(number(text, pen=4), ((40, 40), (200, 0)), constant_values=255)
    grey = picture * 0.82
    grey[:260, :220] += 14
    grey[200:208, 80:100] -= 14  # blocks that strong compression leaves
    assert recognizer.read_image(grey.astype(np.uint8)).text == text


def test_a_sheet_has_four_corners() -> None:
    down, across = np.mgrid[-75:75, -100:100]
    assert sheet_in(np.abs(across + 0.2 * down) + np.abs(down - 0.2 * across) < 60) is not None
    assert sheet_in(np.hypot(across, down) < 60) is None


def test_a_bold_digit_is_no_sheet(recognizer: Recognizer) -> None:
    bold = placed(KINDS["0"].strokes, 75, 60, 160)
    picture = draw(bold, pen=60)
    assert recognizer.read_image(picture).text == recognizer.read_image(255 - picture).text == "0"
