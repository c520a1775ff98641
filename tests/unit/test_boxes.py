"""The sides of a form's boxes are left out, whatever touches them, and digits are no boxes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nn import Recognizer
from nn.ink import ink
from nn.picture.boxes import without_boxes
from tests.sample import drawings

LEAST, BODY = 0.08, 0.25


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def write(label: str, picture: NDArray[np.uint8], left: int, top: int) -> None:
    """Write a digit of 140 pixels into a picture."""
    strokes = next(sample.strokes for sample in drawings() if sample.label == label)
    window = picture[top : top + 140, left : left + 140]
    np.minimum(window, 255 - np.kron(ink(strokes), np.ones((5, 5), np.uint8)), out=window)


def boxes(text: str, down: int = 0) -> NDArray[np.uint8]:
    """Return a printed form with a box for each digit, or blank, which stands so far below its
    middle.
    """
    picture = np.full((240, 200 * len(text) + 40), 255, np.uint8)
    for left in range(20, 20 + 200 * len(text), 200):
        picture[20:220, left : left + 203] = 60
        picture[23:217, left + 3 : left + 200] = 255
    for place, label in enumerate(text):
        if label != " ":
            write(label, picture, 50 + 200 * place, 50 + down)
    return picture


@pytest.mark.parametrize("degrees", [-3, 0, 3])
@pytest.mark.parametrize("text", ["70", "358", "4062"])
def test_digits_in_boxes_are_read(text: str, degrees: float, recognizer: Recognizer) -> None:
    form = Image.fromarray(np.pad(boxes(text), 60, constant_values=255))
    askew = form.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    assert recognizer.read_image(np.asarray(askew)).text == text


@pytest.mark.parametrize("down", [-45, 40])
@pytest.mark.parametrize("text", ["358", "4062"])
def test_digits_that_touch_their_boxes_are_read(
    text: str, down: int, recognizer: Recognizer
) -> None:
    form = np.pad(boxes(text, down), 60, constant_values=255)
    assert recognizer.read_image(form).text == text


@pytest.mark.parametrize("apart", [20, 50])
def test_digits_in_boxes_apart_are_read(apart: int, recognizer: Recognizer) -> None:
    form = np.full((360, 4 * (200 + apart) + 100), 255, np.uint8)
    for place, digit in enumerate("4062"):
        left = 50 + place * (200 + apart)
        form[60:300, left : left + 240] = np.minimum(form[60:300, left : left + 240], boxes(digit))
    assert recognizer.read_image(form).text == "4062"


def test_a_number_in_a_table_is_read(recognizer: Recognizer) -> None:
    rows = [boxes(text)[20:220] for text in ("   ", "358", "   ")]
    table = np.pad(np.concatenate([*rows, boxes("   ")[20:23]]), 60, constant_values=255)
    assert recognizer.read_image(table).text == "358"


def test_a_number_that_touches_its_frame_is_read(recognizer: Recognizer) -> None:
    form = np.full((320, 700), 255, np.uint8)
    form[60:263, 50:650] = 60
    form[63:260, 53:647] = 255
    for place, label in enumerate("358"):
        write(label, form, 90 + 180 * place, 53)
    assert recognizer.read_image(form).text == "358"


def hollow(cells: list[int], high: int = 50) -> NDArray[np.float32]:
    """Return a picture with boxes of so many pixels, lines of two pixels included."""
    form = np.zeros((high + 40, sum(cells) + 42), np.float32)
    form[20 : 20 + high, 20 : 22 + sum(cells)] = 1
    left = 22
    for wide in cells:
        form[22 : 18 + high, left : left + wide - 2] = 0
        left += wide
    return form


@pytest.mark.parametrize("gap", [8, 5])
def test_a_1_that_ends_before_a_boxs_sides_is_no_side(gap: int) -> None:
    form = hollow([50, 50, 50])
    one = np.zeros_like(form)
    one[22 + gap : 68 - gap, 45:48] = 1
    touching = form + one
    touching[40, 48:70] = 1  # else it is a piece of its own
    rest = without_boxes(touching, LEAST, BODY)
    assert (rest[one == 1] == 1).all()
    assert rest[:22].max() == rest[68:].max() == 0


def test_a_stroke_over_a_side_stays_whole() -> None:
    form = hollow([50, 50])
    stroke = np.zeros_like(form)
    stroke[40:43, 50:90] = stroke[30:60, 50:53] = 1
    rest = without_boxes(np.maximum(form, stroke), LEAST, BODY)
    assert (rest[stroke == 1] == 1).all()
    assert rest[stroke == 0].max() == 0


@pytest.mark.parametrize("strength", [0.15, 0.4, 1.0])
def test_faint_sides_are_left_out_too(strength: float) -> None:
    form = hollow([50, 50, 50]) * np.float32(strength)
    digit = np.zeros_like(form)
    digit[30:60, 40:44] = digit[30:60, 140:144] = 1
    rest = without_boxes(np.maximum(form, digit), LEAST, BODY)
    assert np.array_equal(rest, digit)


def test_an_empty_box_may_be_a_0_and_stays() -> None:
    zero = hollow([40])
    assert without_boxes(zero, LEAST, BODY) is zero


def test_an_8_with_corners_stays() -> None:
    eight = np.rot90(hollow([30, 30], 32)).copy()
    assert without_boxes(eight, LEAST, BODY) is eight


def test_an_empty_box_beside_one_in_use_is_left_out() -> None:
    form = np.concatenate([hollow([50]), hollow([50])], axis=1)
    digit = np.zeros_like(form)
    digit[30:60, 40:44] = 1
    assert np.array_equal(without_boxes(form + digit, LEAST, BODY), digit)


def test_a_sheet_is_no_box() -> None:
    sheet = np.zeros((120, 160), np.float32)
    sheet[20:100, 30:130] = 1
    sheet[50:70, 60:64] = 0
    assert without_boxes(sheet, LEAST, BODY) is sheet


def test_rules_that_a_digit_joins_are_no_box() -> None:
    ruled = np.zeros((120, 200), np.float32)
    ruled[[30, 31, 80, 81]] = 0.5
    ruled[30:82, 60:62] = ruled[30:82, 130:132] = ruled[40:70, 95:99] = 1
    assert without_boxes(ruled, LEAST, BODY) is ruled


def test_a_blank_picture_has_no_boxes() -> None:
    blank = np.zeros((40, 60), np.float32)
    assert without_boxes(blank, LEAST, BODY) is blank
