"""Skipping pens: a stroke that goes on where the one before it stopped is part of it."""

from __future__ import annotations

import numpy as np
import pytest

from nn import Recognizer
from nn.ink import Points, bounding_box
from nn.mend import mended
from tests.sample import drawings


def whole(strokes: list[Points]) -> list[Points]:
    return mended(strokes, [bounding_box([stroke]) for stroke in strokes])


def line(*corners: tuple[float, float]) -> Points:
    return np.array(corners, np.float64)


@pytest.mark.parametrize(
    ("strokes", "expected"),
    [
        ([line((0, 0), (0, 40)), line((0, 50), (0, 100))], 1),  # a skip in a 1
        ([line((0, 0), (0, 40)), line((2, 50), (4, 100))], 1),
        ([line((0, 0), (0, 40)), line((0, 80), (0, 100))], 2),  # too far
        ([line((0, 0), (0, 100)), line((10, 0), (10, 100))], 2),  # 11
        ([line((0, 0), (50, 0)), line((0, 10), (50, 10))], 2),  # =
        ([line((0, 0), (0, 100)), line((-30, 50), (30, 50))], 2),  # +
        ([line((0, 0), (0, 40)), line((0, 100), (0, 50))], 2),  # the other way
        ([line((0, 0), (0, 80)), line((0, 90))], 2),  # a dot has no direction
        ([line((0, 0), (0, 50)), line((0, 50), (50, 50))], 2),  # the very place, but no gap
        # In a curve the pen turns farther: this way at both ends, not one way and then the other.
        ([line((0, 0), (0, 60)), line((14, 74), (60, 74))], 1),
        ([line((0, 0), (0, 60)), line((8, 74), (8, 120), (-30, 120))], 1),
        ([line((0, 0), (0, 60)), line((16, 74), (-30, 100))], 2),
        ([line((0, 0), (0, 60)), line((18, 68), (18, 120))], 2),
        # A tap trembles in some direction: it is what the pen wrote last only if it is very near.
        ([line((0, 0), (0, 80)), line((0, 85), (0, 89))], 1),
        ([line((0, 0), (0, 80)), line((0, 92), (0, 96))], 2),
        ([], 0),
    ],
)
def test_only_what_goes_on_in_its_direction_is_mended(strokes: list[Points], expected: int) -> None:
    found = whole(strokes)
    assert len(found) == expected
    if strokes:
        assert np.array_equal(np.concatenate(found), np.concatenate(strokes))


def test_a_mended_zero_is_read() -> None:
    angle = np.linspace(0, 2 * np.pi, 60) - np.pi / 2
    ring = np.stack([60 * np.cos(angle), 80 * np.sin(angle)], axis=1) + 100
    for at in range(10, 46, 5):
        parts = [ring[:at].tolist(), ring[at + 4 :].tolist()]
        assert Recognizer.load().read(parts).text == "0", at


@pytest.mark.parametrize("place", range(3))
def test_the_rest_of_a_slanted_1_is_no_point(place: int) -> None:
    """It lies left of where the stroke began, and low."""

    def leaning(left: float, begin: float, end: float) -> list[list[float]]:
        return [[left + 30 * (1 - t), 100 * t] for t in (begin, (begin + end) / 2, end)]

    strokes = []
    for digit in range(3):
        pieces = [(0.0, 0.6), (0.7, 1.0)] if digit == place else [(0.0, 1.0)]
        strokes += [leaning(60 * digit, *piece) for piece in pieces]
    assert Recognizer.load().read(strokes).text == "111"


@pytest.mark.parametrize("gap", range(4, 12, 2))
def test_two_arcs_that_the_pen_skipped_between_are_one_zero(gap: int) -> None:
    angle = np.linspace(0, 2 * np.pi, 80) - np.pi / 2
    ring = np.stack([45 * np.cos(angle), 80 * np.sin(angle)], axis=1) + 100
    right, left = ring[3 : 40 - gap // 2], ring[40 + gap // 2 : 79]
    assert left[:, 0].max() < right[:, 0].min()  # beside each other, as digits are
    assert Recognizer.load().read([right.tolist(), left.tolist()]).text == "0"


def test_the_projects_drawings_are_left_as_they_are() -> None:
    for sample in drawings():
        strokes = [np.array(stroke, np.float64) for stroke in sample.strokes]
        assert len(whole(strokes)) == len(strokes)
