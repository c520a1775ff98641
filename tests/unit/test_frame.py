"""Frames and border lines are no digits, and digits are no frames."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nn import Recognizer
from nn.ink import ink
from nn.picture.frame import without_frame
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


@pytest.mark.parametrize("line", [2, 5])
@pytest.mark.parametrize("is_dark", [False, True])
def test_a_digit_in_a_ring_is_read_as_without_it(
    line: int, is_dark: bool, recognizer: Recognizer
) -> None:
    picture = np.pad(page(), 40, constant_values=255)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    picture[abs(np.hypot(x - 160, y - 140) - 118) < line / 2] = 0
    assert recognizer.read_image(255 - picture if is_dark else picture).text == "7"
