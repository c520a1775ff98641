"""The lines of ruled and squared paper are left out, and strokes are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nn.picture.ruled import without_rules

LEAST, BODY = 0.08, 0.25


def paper() -> NDArray[np.float32]:
    """Return a picture with a 1 that ends above and below the middle."""
    ink = np.zeros((160, 200), np.float32)
    ink[40:120, 98:104] = 1
    return ink


def ruled(ink: NDArray[np.float32], slope: float = 0, strength: float = 0.5) -> NDArray[np.float32]:
    """Return it on paper with four lines of two pixels."""
    down, across = np.mgrid[: ink.shape[0], : ink.shape[1]]
    on_line = (down - np.rint(slope * (across - 100)).astype(int) + 20) % 40 < 2
    return np.maximum(ink, on_line * np.float32(strength))


def left(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    return without_rules(ink, LEAST, BODY)


@pytest.mark.parametrize("strength", [0.12, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("slope", [-0.1, -0.03, 0.0, 0.06])
def test_ruled_lines_are_left_out_but_for_strokes_over_them(slope: float, strength: float) -> None:
    rest = left(ruled(paper(), slope, strength))
    assert rest[paper() == 1].min() >= min(strength, 1)
    assert rest[paper() == 0].max() == 0


def test_squared_paper_and_a_margin_are_left_out() -> None:
    ink = paper()
    squared = np.maximum(ruled(ink), np.roll(ruled(ink.T * 0).T, 15, axis=1))
    squared[:, 10:12] = 0.4
    assert np.array_equal(left(squared) > 0, ink > 0)


@pytest.mark.parametrize("fall", np.linspace(-0.04, 0.04, 9))
def test_a_narrow_margin_that_falls_between_two_slopes_is_left_out(fall: float) -> None:
    ink = ruled(paper())
    rows = np.arange(len(ink))
    ink[rows, np.rint(15.4 + fall * (rows - 80)).astype(int)] = 0.4
    assert np.array_equal(left(ink) > 0, paper() > 0)


def test_a_line_is_left_out_where_it_is_faint() -> None:
    ink = ruled(paper())
    ink *= np.where(paper() == 1, 1, np.linspace(0.4, 1, 200)).astype(np.float32)
    assert np.array_equal(left(ink) > 0, paper() > 0)


def test_what_was_written_along_a_line_stays() -> None:
    ink = ruled(paper(), strength=0.4)
    ink[60:62, 104:140] = 1  # a bar of two pixels, just on a line
    rest = left(ink)
    assert (rest[60:62, 98:140] == 1).all()
    assert rest[60:62, 142:].max() == 0


def test_a_single_line_is_left_out_if_nothing_else_is_on_the_rim() -> None:
    ink = paper()
    ink[75:77] = 0.5
    assert np.array_equal(left(ink) > 0, paper() > 0)
    assert without_rules(ink, LEAST, BODY, is_part=True) is ink
    ink[100:, 30:34] = 1
    assert left(ink) is ink


def test_bars_and_ones_of_digits_that_were_cut_out_tightly_stay() -> None:
    seven = np.zeros((160, 100), np.float32)
    seven[:3] = seven[:, -3:] = 1
    assert left(seven) is seven
    ones = np.zeros((160, 200), np.float32)
    ones[:, :3] = ones[:, 60:63] = 1  # beside a 7
    ones[:3, 120:] = ones[:, -3:] = 1
    assert left(ones) is ones


def test_pictures_of_few_pixels_stay_as_they_are() -> None:
    small = ruled(np.zeros((28, 28), np.float32))
    assert left(small) is small


def test_what_lies_along_the_border_is_no_line_of_the_paper() -> None:
    ink = paper()
    down, across = np.mgrid[:160, :200]
    ink[(down < across * 0.02) | (160 - down < (200 - across) * 0.03)] = 1  # a table
    assert left(ink) is ink


def test_thin_digits_with_a_narrow_margin_stay() -> None:
    ink = np.zeros((160, 200), np.float32)
    ink[8:152, 10:13] = ink[8:152, 60:63] = 1  # two 1s
    ink[8:11, 100:190] = ink[8:152, 187:190] = 1
    assert left(ink) is ink
    seven = np.zeros((160, 120), np.float32)
    seven[8:11, 6:114] = seven[8:152, 111:114] = 1
    assert left(seven) is seven


def squares(ink: NDArray[np.float32], strength: float = 0.5) -> NDArray[np.float32]:
    """Return it on squared paper that lies askew, with lines 20 pixels apart: some are hardly in
    the picture.
    """
    down, across = np.mgrid[: ink.shape[0], : ink.shape[1]]
    level = (down + 0.06 * across + 3) % 20 < 2
    upright = (across - 0.06 * down + 5) % 20 < 2
    return np.maximum(ink, (level | upright) * np.float32(strength))


def test_lines_that_a_corner_of_the_picture_hides_are_left_out() -> None:
    ink = paper()
    rest = left(squares(ink))
    assert (rest[ink == 1] == 1).all()
    assert rest[:, :95].max() == rest[:, 107:].max() == 0


def test_an_interrupted_line_is_left_out_where_others_are_equally_far_apart() -> None:
    ink = ruled(np.zeros((240, 200), np.float32))
    ink[100:102, 20:70] = ink[100:102, 150:180] = 0
    assert left(ink).max() == 0


def test_a_bar_between_lines_that_are_equally_far_apart_stays() -> None:
    ink = ruled(np.zeros((240, 200), np.float32))
    ink[110:112, 40:160] = 0.5
    rest = left(ink)
    assert (rest[110:112, 40:160] > 0).all()
    assert np.count_nonzero(rest) == 2 * 120
