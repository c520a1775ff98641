"""Points that lie far apart are joined by curves, and corners stay corners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nn.curve import BETWEEN, FAR, MOST, rounded

PLACES = st.integers(-300, 300)


def _on_circle(count: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, count)
    return 100 * np.column_stack([np.cos(angle), np.sin(angle)])


def _from_straight(points: NDArray[np.float64], *corners: tuple[float, float]) -> float:
    """Return how far the farthest point is from the straight lines between corners."""
    ends = np.array(corners, float)
    along = np.linspace(0, 1, 201)[:, None, None]
    lines = (ends[:-1] + along * (ends[1:] - ends[:-1])).reshape(-1, 2)
    return float(np.hypot(*(points[:, None] - lines).T).min(axis=0).max())


def test_points_that_lie_close_stay_as_they_are() -> None:
    stroke = _on_circle(40)
    assert rounded(stroke) is stroke


@pytest.mark.parametrize("count", [7, 8, 10])
def test_few_points_on_a_circle_become_a_circle(count: int) -> None:
    stroke = _on_circle(count)
    way = rounded(stroke)[1 + len(BETWEEN) : -1 - len(BETWEEN)]  # it is straight at the two ends
    flat = 100 - np.hypot(*(stroke[:-1] + stroke[1:]).T / 2).min()  # at the middle of a chord
    assert np.abs(np.hypot(*way.T) - 100).max() < flat / 4


@pytest.mark.parametrize(
    "corners",
    [
        [(80, 70), (200, 70), (140, 220)],  # a 7
        [(100, 50), (100, 150), (180, 150)],  # a right angle
        [(0, 0), (100, 0)],
        [(0, 0), (0, 0), (50, 50)],
    ],
)
def test_corners_and_straight_lines_stay(corners: list[tuple[float, float]]) -> None:
    assert _from_straight(rounded(np.array(corners, float)), *corners) < 1


def test_a_pen_that_rests_changes_nothing() -> None:
    stroke = _on_circle(8)
    assert rounded(stroke.repeat(3, axis=0)).tolist() == rounded(stroke).tolist()
    assert len(rounded(np.zeros((5, 2)))) == 5


def test_a_scribble_of_many_far_points_is_left_alone() -> None:
    scribble = np.random.default_rng(0).uniform(0, 280, (4 * MOST, 2))
    assert rounded(scribble) is scribble


@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=30))
def test_the_curve_goes_through_all_points_and_no_step_is_far(
    points: list[tuple[int, int]],
) -> None:
    stroke = np.array(points, float)
    way = rounded(stroke)
    assert np.isfinite(way).all()
    places = iter(way.tolist())
    moved = [p for p, before in zip(points, [None, *points], strict=False) if p != before]
    assert all(any(tuple(found) == point for found in places) for point in moved)
    extent = max(np.ptp(stroke, axis=0))
    steps = np.hypot(*np.diff(way, axis=0).T)
    if len(moved) > 2:
        assert steps.max(initial=0) <= FAR * extent * 1.5
    assert (way >= stroke.min(axis=0) - extent / 4).all()
    assert (way <= stroke.max(axis=0) + extent / 4).all()


@given(st.floats(1e-100, 1e6), st.floats(-1e3, 1e3))
def test_neither_scale_nor_place_matters(scale: float, shift: float) -> None:
    stroke = _on_circle(8)
    moved = rounded(stroke * scale + shift * scale)
    assert np.allclose(moved / scale - shift, rounded(stroke), atol=1e-6)
