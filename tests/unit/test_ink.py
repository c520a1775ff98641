"""Drawing to pixels: only a drawing's shape counts, and malformed strokes are named by place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nn import Recognizer
from nn.ink import (
    MAX_COORDINATE,
    MAX_DABS,
    StrokesError,
    _centre,
    _dabs,
    bounding_box,
    ink,
    parse_strokes,
)
from tests.sample import Strokes, drawings

SAMPLES = drawings()
GREY_LEVELS = 3  # of 255: as far apart as rounding may bring two inkings of one shape


def changed(strokes: Strokes, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Strokes:
    return [change(np.array(stroke, float)).tolist() for stroke in strokes]


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """How far two images are apart at most, in grey levels."""
    return int(np.abs(one.astype(int) - other).max())


def resampled(stroke: NDArray[Any], n: int) -> NDArray[Any]:
    """The same line with `n` points, as a faster or slower device would report it."""
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    places = np.union1d(np.linspace(0, along[-1], n), along)
    return np.stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


def unlike(change: Callable[[NDArray[Any]], NDArray[Any]], levels: int = GREY_LEVELS) -> list[str]:
    """Name the drawings whose picture changes by more than `levels` when their strokes change."""
    return [
        f"{sample.label} {sample.style}"
        for sample in SAMPLES
        if apart(ink(changed(sample.strokes, change)), ink(sample.strokes)) > levels
    ]


def test_the_picture_has_mnists_form() -> None:
    middle = np.arange(28) + 0.5
    for sample in SAMPLES:
        image = ink(sample.strokes)
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert image.max() == 255
        sides = [np.ptp(np.flatnonzero((image > 127).any(axis))) + 1 for axis in (0, 1)]
        assert max(sides) == pytest.approx(20, abs=1), sample
        weights = image / image.sum()
        centre = weights.sum(0) @ middle, weights.sum(1) @ middle
        assert centre == pytest.approx((14, 14), abs=1), sample


@pytest.mark.parametrize("scale", [0.3, 3, 1e-3, 1e5])
def test_size_does_not_count(scale: float) -> None:
    assert unlike(lambda points: points * scale) == []


@pytest.mark.parametrize("shift", [(500, 0), (-137.25, 41.5), (1e5, -1e5)])
def test_place_does_not_count(shift: tuple[float, float]) -> None:
    assert unlike(lambda points: points + shift) == []


def test_how_often_the_device_reports_does_not_count() -> None:
    # The dabs lie at other places along the same line, so edges differ a little.
    assert unlike(lambda points: resampled(points, 500), levels=24) == []


def test_the_direction_of_strokes_does_not_count() -> None:
    assert unlike(lambda points: points[::-1]) == []


def test_the_order_of_strokes_does_not_count() -> None:
    for sample in SAMPLES:
        assert apart(ink(sample.strokes[::-1]), ink(sample.strokes)) <= GREY_LEVELS, sample


def test_lists_tuples_and_arrays_of_any_kind_are_inked_alike() -> None:
    strokes = SAMPLES[0].strokes
    expected = ink(strokes)
    for same in (
        tuple(tuple(map(tuple, stroke)) for stroke in strokes),
        [np.array(stroke) for stroke in strokes],
        [np.array(stroke, np.float32) for stroke in strokes],
        [np.array(stroke, np.uint16) for stroke in strokes],
        [[np.array(point) for point in stroke] for stroke in strokes],
    ):
        np.testing.assert_array_equal(ink(same), expected)


def test_a_wider_pen_leaves_more_ink_in_the_same_box() -> None:
    for sample in SAMPLES:
        thin, thick = (ink(sample.strokes, pen_width=width) for width in (1.5, 3.5))
        assert thick.sum() > thin.sum()


@pytest.mark.parametrize("strokes", [[], [[]], [[], []], (), np.empty((0, 4, 2))])
def test_nothing_drawn_is_black(strokes: Any) -> None:
    assert not ink(strokes).any()


def test_empty_strokes_are_left_out() -> None:
    strokes = SAMPLES[0].strokes
    np.testing.assert_array_equal(ink([[], *strokes, []]), ink(strokes))


@pytest.mark.parametrize("dot", [[[5, 5]], [[5, 5], [5, 5]], [[-1e8, 1e8]], [[0, 0]] * 1000])
def test_a_dot_is_a_dot_in_the_middle(dot: list[list[float]]) -> None:
    image = ink([dot])
    inked = np.argwhere(image > 127)
    assert 1 <= len(inked) <= 16
    np.testing.assert_allclose(inked.mean(0), 13.5, atol=0.5)


@pytest.mark.parametrize("end", [(100, 0), (0, 100), (100, 100), (100, 1e-9)])
def test_a_straight_line_spans_the_box(end: tuple[float, float]) -> None:
    inked = np.argwhere(ink([[(0, 0), end]]) > 127)
    spans = np.ptp(inked, axis=0) + 1
    assert max(spans) == pytest.approx(20, abs=1)
    assert min(spans) <= 3 or end == (100, 100)


def test_what_is_heavy_at_one_end_stays_in_the_picture() -> None:
    turns = np.linspace(0, 300, 900)
    blot = np.stack([10 + 8 * np.cos(turns), 100 + 8 * np.sin(turns)], axis=1)
    drawn = ink([blot.tolist(), [[10, 100], [300, 100]]]) > 0
    columns = np.flatnonzero(drawn.any(axis=0))
    assert (columns[0], columns[-1]) == (8, 27)  # 20 pixels of ink, their edges soft


def test_a_stroke_of_ten_thousand_points_is_inked_like_its_shape() -> None:
    turns = np.linspace(0, 2 * math.pi, 10_000)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    assert apart(ink([circle]), ink([circle[::100]])) <= 24


def test_a_scribble_of_any_length_takes_so_many_dabs_at_most() -> None:
    places = np.random.default_rng(0).random((20_000, 2))
    for strokes in ([places], np.split(places, 50)):
        dabs = _dabs(strokes, bounding_box(strokes), 17.5)
        assert MAX_DABS / 2 < len(dabs) <= MAX_DABS + 2 * len(strokes)


def test_the_last_of_very_many_strokes_is_inked_too() -> None:
    ticks = [[[0, y / 10], [0, y / 10 + 0.1]] for y in range(999)]
    picture = ink([*ticks, [[100, 0], [100, 100]]])
    assert picture[14, 14:].max() == 255


def test_many_strokes_make_one_picture() -> None:
    strokes = [[[x, y], [x + 1, y + 1]] for x in range(30) for y in range(30)]
    assert ink(strokes).shape == (28, 28)


coordinate = st.floats(-MAX_COORDINATE, MAX_COORDINATE) | st.integers(-1000, 1000)
stroke = st.lists(st.tuples(coordinate, coordinate), max_size=12)


@settings(max_examples=200, deadline=None)
@given(strokes=st.lists(stroke, max_size=5))
def test_any_finite_strokes_give_a_picture(strokes: Any) -> None:
    image = ink(strokes)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.any() == any(strokes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("x"), inner),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(value=json_values)
def test_whatever_json_holds_is_inked_or_refused_by_place(value: Any) -> None:
    message = "strokes"
    try:
        ink(value)
    except StrokesError as error:
        message = str(error)
    assert message.startswith("strokes")
    assert len(message) < 200


@pytest.mark.parametrize(
    ("strokes", "place"),
    [
        (None, "strokes: expected a list of strokes, got NoneType"),
        ("12", "strokes: expected a list of strokes, got str '12'"),
        ({"strokes": []}, "strokes: expected a list of strokes, got dict"),
        (7, "strokes: expected a list of strokes, got int 7"),
        ([7], "strokes[0]: expected a list of [x, y] points, got int 7"),
        (["ab"], "strokes[0]: expected a list of [x, y] points, got str 'ab'"),
        ([[1, 2]], "strokes[0][0]: expected two finite numbers"),
        ([[[[1, 2]]]], "strokes[0][0]: expected two finite numbers"),
        ([[[0, 0]], [[0, 0], [1, 2, 3]]], "strokes[1][1]: expected two finite numbers"),
        ([[[0, 0], [1]]], "strokes[0][1]: expected two finite numbers"),
        ([[[0, 0], []]], "strokes[0][1]: expected two finite numbers"),
        ([[[0, None]]], "strokes[0][0]: expected two finite numbers"),
        ([[["0", "1"]]], "strokes[0][0]: expected two finite numbers"),
        ([[[True, False]]], "strokes[0][0]: expected two finite numbers"),
        ([[{"x": 1, "y": 2}]], "strokes[0][0]: expected two finite numbers"),
        ([[[1 + 2j, 0]]], "strokes[0][0]: expected two finite numbers"),
        ([[[0, 0]] * 5 + [[0, math.nan]]], "strokes[0][5]: expected two finite numbers"),
        ([[], [], [[math.inf, 0]]], "strokes[2][0]: expected two finite numbers"),
        ([[[0, 0], [1e30, 0]]], "strokes[0][1]: expected two finite numbers"),
        ([[[0, -1e30]]], "strokes[0][0]: expected two finite numbers"),
        ([[[10**400, 0]]], "strokes[0][0]: expected two finite numbers"),
        ([np.full((3, 2), np.nan)], "strokes[0][0]: expected two finite numbers"),
        ([np.zeros((3, 3))], "strokes[0][0]: expected two finite numbers"),
    ],
)
def test_malformed_strokes_are_named_by_place(strokes: Any, place: str) -> None:
    with pytest.raises(StrokesError) as caught:
        parse_strokes(strokes)
    assert str(caught.value).startswith(place)
    assert isinstance(caught.value, ValueError)


def test_the_bounding_box_is_in_the_drawings_own_units() -> None:
    assert bounding_box(parse_strokes([[[3, 4], [10, 2]], [[5, 9.5]]])) == (3, 2, 10, 9.5)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize("scale", [0.3, 3])
def test_a_drawing_moved_and_scaled_is_read_alike(recognizer: Recognizer, scale: float) -> None:
    shift = (91, -17)
    for sample in SAMPLES:
        (first,) = recognizer.read(sample.strokes).digits
        (second,) = recognizer.read(
            changed(sample.strokes, lambda points: points * scale + shift)
        ).digits
        assert second.digit == first.digit, sample
        np.testing.assert_allclose(second.probabilities, first.probabilities, atol=0.02)
        np.testing.assert_allclose(second.box, np.array(first.box) * scale + (*shift, *shift))


@pytest.mark.parametrize(("pen", "side"), [(1 / 28, 280), (1 / 20, 700), (1 / 14, 280)])
def test_another_pen_on_another_canvas_is_read_alike(
    recognizer: Recognizer, pen: float, side: int
) -> None:
    differently = [
        f"{sample.label} {sample.style}"
        for sample in SAMPLES
        if "small" not in sample.style  # they are no larger than the wide pens
        and recognizer.read_image(canvas(sample.strokes, side, pen)).text
        != recognizer.read(sample.strokes).text
    ]
    assert len(differently) <= 2, differently


def canvas(strokes: Strokes, side: int, pen: float) -> NDArray[np.uint8]:
    """The drawing in black on a white square canvas, `pen` being the pen's share of its side."""
    fine = 2 * side  # shrunk afterwards, for soft edges
    image = Image.new("L", (fine, fine), 255)
    draw = ImageDraw.Draw(image)
    radius = pen * fine / 2
    for stroke in strokes:
        points = [(x * fine / 280, y * fine / 280) for x, y in stroke]
        draw.line(points, fill=0, width=round(2 * radius), joint="curve")
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


@pytest.mark.parametrize("width", [0, -1, 20, float("nan")])
def test_a_pen_as_wide_as_the_ink_is_long_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="expected a pen_width between 0 and 20"):
        ink(SAMPLES[0].strokes, width)


@pytest.mark.parametrize("width", [0.4, 1.0, 2.5, 3.0, 7.0])
def test_a_pixels_grey_is_what_the_nearest_dab_leaves_on_it(width: float) -> None:
    """As `_stamp` has it, but with the distance of every dab to every pixel."""
    for sample in SAMPLES[::7]:
        strokes = parse_strokes(sample.strokes)
        dabs = _centre(_dabs(strokes, bounding_box(strokes), 20 - width), width / 2)
        middles = np.arange(28, dtype=np.float32) + np.float32(0.5)
        squares = (middles - dabs[:, :, None]) ** 2
        nearest = np.sqrt((squares[:, 1, :, None] + squares[:, 0, None, :]).min(axis=0))
        grey = np.clip(width / 2 + 0.5 - nearest, 0, 1) * 255 + 0.5
        np.testing.assert_array_equal(ink(sample.strokes, width), grey.astype(np.uint8))
