"""Frames and border lines are no digits, and digits are no frames."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nn import Recognizer
from nn.frame import without_frame
from nn.ink import ink
from tests.sample import drawings

SEVEN = next(sample for sample in drawings() if sample.label == "7")
ZERO = next(sample for sample in drawings() if sample.label == "0")


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def page(width: int = 240) -> NDArray[np.uint8]:
    """Return white paper with a 7 on it."""
    picture = np.full((200, width), 255, np.uint8)
    picture[30:170, 50:190] -= np.kron(ink(SEVEN.strokes), np.ones((5, 5), np.uint8))
    return picture


def framed(inset: int, line: int, grey: int) -> NDArray[np.uint8]:
    picture = page()
    inside = np.s_[inset + line : 200 - inset - line, inset + line : 240 - inset - line]
    kept = picture[inside].copy()
    picture[inset : 200 - inset, inset : 240 - inset] = grey
    picture[inside] = kept
    return picture


@pytest.mark.parametrize("inset", [0, 8])
@pytest.mark.parametrize("line", [1, 3, 6])
@pytest.mark.parametrize("grey", [0, 120])
@pytest.mark.parametrize("is_dark", [False, True])
def test_a_framed_digit_is_read_as_without_its_frame(
    inset: int, line: int, grey: int, is_dark: bool, recognizer: Recognizer
) -> None:
    picture = framed(inset, line, grey)
    (found,) = recognizer.read_image(255 - picture if is_dark else picture).digits
    (alone,) = recognizer.read_image(page()).digits
    assert found.digit == 7
    assert np.allclose(found.box, alone.box, atol=2)


@pytest.mark.parametrize("side", [0, 1, 2, 3])
def test_a_line_along_a_border_is_no_digit(side: int, recognizer: Recognizer) -> None:
    picture = page()
    np.rot90(picture, side)[:4] = 0
    assert recognizer.read_image(picture).text == "7"


def test_a_digit_around_something_is_no_frame() -> None:
    around = np.kron(ink(ZERO.strokes), np.ones((5, 5), np.uint8)).astype(np.float32) / 255
    around[65:75, 65:75] = 1
    assert without_frame(around) is around


def test_lines_that_fill_their_picture_are_digits() -> None:
    eleven = np.zeros((60, 40), np.float32)
    eleven[:, :5] = eleven[:, -5:] = 1
    assert without_frame(eleven) is eleven


def test_a_frame_about_nothing_stays() -> None:
    empty = np.ones((60, 40), np.float32)
    empty[3:-3, 3:-3] = 0
    assert without_frame(empty) is empty


def boxes(text: str, down: int = 0) -> NDArray[np.uint8]:
    """Return a printed form with a box for each digit, which stands so far below its middle."""
    digits = {sample.label: sample for sample in drawings()}
    picture = np.full((240, 200 * len(text) + 40), 255, np.uint8)
    for left in range(20, 20 + 200 * len(text), 200):
        picture[20:220, left : left + 203] = 60
        picture[23:217, left + 3 : left + 200] = 255
    for place, label in enumerate(text):
        top, left = 50 + down, 50 + 200 * place
        digit = np.kron(ink(digits[label].strokes), np.ones((5, 5), np.uint8))
        window = picture[top : top + 140, left : left + 140]
        np.minimum(window, 255 - digit, out=window)
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


@pytest.mark.parametrize("gap", [8, 5])
def test_a_1_that_ends_before_a_boxs_sides_is_no_side(gap: int) -> None:
    form = np.zeros((80, 160), np.float32)
    form[10:70, 10:154] = 1
    for left in (13, 60, 107):
        form[13:67, left : left + 44] = 0
    one = np.zeros_like(form)
    one[13 + gap : 67 - gap, 30:33] = 1
    touching = form + one
    touching[40, 85:107] = 1  # else they are a piece of their own
    rest = without_frame(touching)
    assert (rest[one == 1] == 1).all()
    assert rest[:13].max() == rest[67:].max() == 0


def test_boxes_that_a_digit_touches_are_not_left_out_with_it() -> None:
    form = np.zeros((60, 120), np.float32)
    form[5:55, 5:115] = 1
    for left in (8, 45, 82):
        form[8:52, left : left + 30] = 0
    digits = np.zeros_like(form)
    digits[20:40, [20, 95]] = 1
    assert np.array_equal(without_frame(form + digits), digits)
    touching = form + digits
    touching[8:40, 60] = 1
    assert without_frame(touching) is touching
