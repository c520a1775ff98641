"""Augmentation: a seed gives its variants again, and a variant is still that digit."""

from __future__ import annotations

import numpy as np
import pytest

from nn.ink import PEN_WIDTH, ink
from tests.sample import drawings
from train.augment import (
    AUGMENTATIONS,
    HAND,
    Augmentation,
    far,
    hand,
    other_form,
    random_affine,
    stretched,
    vary_strokes,
    warp,
)
from train.augment.far import FAR, skipped


@pytest.fixture(scope="module")
def images():
    return np.stack([ink(drawing.strokes) for drawing in drawings()])


def test_one_seed_gives_one_variant_and_another_seed_another(images):
    first, again, other = (warp(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_warped_image_stays_between_black_and_white_and_keeps_about_its_ink(images):
    warped = warp(images, np.random.default_rng(3))
    assert warped.shape == images.shape
    assert warped.dtype == np.float32
    assert warped.min() >= 0
    assert warped.max() <= 1
    ratio = warped.sum(axis=(1, 2)) / (images.sum(axis=(1, 2)) / 255)
    assert ratio.min() > 0.6
    assert ratio.max() < 1.6


def test_warping_leaves_the_original_alone(images):
    before = images.copy()
    warp(images, np.random.default_rng(4))
    assert np.array_equal(images, before)


def test_a_white_image_shows_black_only_where_its_edge_moved_in():
    white = np.full((50, 28, 28), 255, np.uint8)
    warped = warp(white, np.random.default_rng(5))
    assert warped[:, 8:20, 8:20].min() > 0.99


def test_outside_of_an_image_all_is_black():
    white = np.full((1, 28, 28), 255, np.uint8)
    places = np.array([-9, -1, -0.5, 0, 27, 27.5, 28, 99], np.float32)[None, None]
    inside = np.full_like(places, 5)
    for x, y in ((places, inside), (inside, places)):
        assert hand._look_up(white, x, y).ravel().tolist() == [0, 0, 0.5, 1, 1, 0.5, 0, 0]


def test_varied_strokes_keep_their_number():
    rng = np.random.default_rng(6)
    for drawing in drawings():
        strokes = [np.array(stroke, np.float32) for stroke in drawing.strokes]
        varied, pen_width = vary_strokes(strokes, rng)
        assert len(varied) == len(strokes)
        assert all(1 <= len(new) <= len(old) for new, old in zip(varied, strokes, strict=True))
        assert 1.3 <= pen_width <= 5.0
        assert ink(varied, pen_width).any()


def test_a_pen_that_reports_few_points_keeps_both_ends_of_a_stroke():
    columns = np.array([0, 0.48, 0.49, 0.5, 0.51, 1], np.float32)  # the ends are far from the rest
    stroke = np.stack([columns, np.zeros(6, np.float32)], axis=1)
    counts = set()
    for seed in range(100):
        (varied,), _ = vary_strokes([stroke], np.random.default_rng(seed))
        counts.add(len(varied))
        assert varied[0, 0] < -0.25, seed
        assert varied[-1, 0] > 0.25, seed
    assert counts == {6, 4, 3}  # all of them, every second, every third or fourth and the last


def test_a_dot_can_be_varied():
    varied, pen_width = vary_strokes([np.array([[5, 5]], np.float32)], np.random.default_rng(7))
    assert ink(varied, pen_width).any()


def test_affine_maps_are_spread_around_the_identity():
    maps = random_affine(np.random.default_rng(8), 20_000, turn=0.1, slant=0.1, stretch=0.1)
    np.testing.assert_allclose(maps.mean(axis=0), np.eye(2), atol=0.02)
    assert np.linalg.det(maps).min() > 0  # nothing is mirrored


def spread_of_strokes(augmentation: Augmentation) -> list[float]:
    """Return by how many degrees an upright and a level line come out turned, as deviations."""
    rng = np.random.default_rng(16)
    upright = np.array([[0, -1], [0, 1]], np.float32)
    varied = [augmentation.strokes([upright, upright[:, ::-1]], rng)[0] for _ in range(1500)]
    ways = np.array([[stroke[-1] - stroke[0] for stroke in strokes] for strokes in varied])
    angles = np.arctan(ways[:, 0, 0] / ways[:, 0, 1]), np.arctan(ways[:, 1, 1] / ways[:, 1, 0])
    return [float(np.degrees(each).std()) for each in angles]


def spread_of_images(augmentation: Augmentation) -> list[float]:
    """Return the same of pictures of such lines: their ink's longer axis tells the angle."""
    rng = np.random.default_rng(17)
    upright = np.zeros((1500, 28, 28), np.uint8)
    upright[:, 6:22, 13:15] = 255
    y, x = np.mgrid[:28, :28]
    spreads = []
    for lines in (upright, upright.transpose(0, 2, 1)):
        inks = augmentation.images(lines, rng)
        inks = inks / inks.sum(axis=(1, 2), keepdims=True)
        dx = x - (inks * x).sum(axis=(1, 2), keepdims=True)
        dy = y - (inks * y).sum(axis=(1, 2), keepdims=True)
        both, difference = ((inks * each).sum(axis=(1, 2)) for each in (dx * dy, dy**2 - dx**2))
        along = difference if lines is upright else -difference
        spreads.append(float(np.degrees(np.arctan2(2 * both, along) / 2).std()))
    return spreads


def test_in_images_uprights_lean_and_in_strokes_level_lines_tilt(monkeypatch):
    """One matrix does both, but to points in rows the other way about: see `random_affine`."""
    assert spread_of_images(HAND) == pytest.approx([11.2, 7.9], rel=0.1)
    assert spread_of_strokes(HAND) == pytest.approx([6.0, 10.7], rel=0.1)
    for name, value in (("LEANING", 1), ("LOOSE", 0), ("SKIPPING", 0)):
        monkeypatch.setattr(far, name, value)
    assert spread_of_images(FAR) == pytest.approx([20.4, 14.2], rel=0.1)
    assert spread_of_strokes(FAR) == pytest.approx([13.1, 20.0], rel=0.1)


def test_far_hands_now_and_then_skip_but_keep_the_form(images):
    rng = np.random.default_rng(9)
    before = images.copy()
    varied = FAR.images(images, rng)
    assert np.array_equal(images, before)
    assert varied.shape == images.shape
    assert varied.dtype == np.float32
    assert varied.min() >= 0
    assert varied.max() <= 1
    broken = 0
    for drawing in drawings() * 20:
        strokes = [np.array(stroke, np.float32) for stroke in drawing.strokes]
        changed, pen_width = FAR.strokes(strokes, rng)
        broken += len(changed) - len(strokes)
        assert 0.6 <= pen_width <= 8.0
        assert ink(changed, pen_width).any()
    assert 0 < broken < 0.2 * 20 * len(drawings())  # now and then a pen skips


def test_far_hands_lean_loosen_their_strokes_and_take_thinner_and_wider_pens(monkeypatch):
    monkeypatch.setattr(far, "HAND", AUGMENTATIONS["none"])  # what is left is what they add
    monkeypatch.setattr(far, "SKIPPING", 0)
    cross = [np.array([[-1, 0], [1, 0]], np.float32), np.array([[0, -1], [0, 1]], np.float32)]
    rng = np.random.default_rng(14)
    alone = [FAR.strokes(cross[:1], rng)[0][0] for _ in range(4000)]
    leaning = [not np.array_equal(line, cross[0]) for line in alone]
    assert np.mean(leaning) == pytest.approx(0.25, abs=0.04)
    both = [FAR.strokes(cross, rng) for _ in range(4000)]
    apart = [np.abs((one + other).sum(axis=0)).max() > 1e-4 for (one, other), _ in both]
    assert np.mean(apart) == pytest.approx(0.25, abs=0.04)  # the middles no longer meet
    widths = np.array([width for _, width in both]) / PEN_WIDTH
    thinner, wider = widths[widths < 1], widths[widths > 1]
    assert len(thinner) / 4000 == pytest.approx(0.1, abs=0.02)
    assert (thinner.min(), thinner.max()) == pytest.approx((0.5, 0.8), abs=0.02)
    assert len(wider) / 4000 == pytest.approx(0.05, abs=0.02)
    assert (wider.min(), wider.max()) == pytest.approx((1.2, 1.6), abs=0.02)


def test_far_images_lean_more_and_have_thinner_and_wider_strokes(images, monkeypatch):
    many = np.tile(images, (4000 // len(images), 1, 1))
    monkeypatch.setattr(far, "warp", lambda images, rng, more: (images, more))
    changed, more = FAR.images(many, np.random.default_rng(15))
    pixels = (1, 2)
    less = (changed <= many).all(axis=pixels) & (changed < many).any(axis=pixels)
    added = (changed >= many).all(axis=pixels) & (changed > many).any(axis=pixels)
    assert less.mean() == pytest.approx(0.1, abs=0.02)
    assert added.mean() == pytest.approx(0.05, abs=0.02)
    assert (more != np.eye(2)).any(axis=(1, 2)).mean() == pytest.approx(0.25, abs=0.04)


def test_a_skipping_pen_leaves_a_gap_in_the_longest_stroke():
    line = np.stack([np.linspace(0, 1, 60), np.zeros(60)], axis=1).astype(np.float32)
    short = np.array([[0, 1], [0.1, 1]], np.float32)
    before, after, kept = skipped([line, short], np.random.default_rng(10))
    assert np.array_equal(kept, short)
    gap = after[0, 0] - before[-1, 0]
    assert 0.02 <= gap <= 0.126
    assert before[0, 0] == 0
    assert after[-1, 0] == 1


def test_loose_strokes_stay_near_where_they_were():
    cross = [np.array([[0, 0.5], [1, 0.5]], np.float32), np.array([[0.5, 0], [0.5, 1]], np.float32)]
    for seed in range(50):
        for before in cross:
            after = far._elsewhere(before, np.random.default_rng(seed))
            assert np.abs(after - before).max() < 0.35
            assert not np.array_equal(after, before)


def test_a_stretched_mark_keeps_its_form():
    square = [np.array([[0, 0], [2, 0], [2, 2]], np.float32), np.array([[1, 1]], np.float32)]
    first, second = stretched(square, np.random.default_rng(12))
    assert np.allclose(first[2] / 2, second[0])
    assert 0.4 < first[2, 0] / first[2, 1] < 2.5
    assert np.array_equal(square[0][2], [2, 2])


def test_some_zeros_get_a_slash_and_some_ones_a_serif():
    zero = [np.array([[0, 0], [1, 0], [1, 2], [0, 2], [0, 0]], np.float32)]
    rng = np.random.default_rng(13)
    for digit, share in ((0, 0.12), (1, 0.2), (2, 0.0)):
        forms = [other_form(zero, digit, rng) for _ in range(1000)]
        others = [form for form in forms if form is not zero]
        assert len(others) / 1000 == pytest.approx(share, abs=0.05)
        for form in others:
            *before, new = form
            assert len(before) == (digit == 0)
            if digit == 0:
                assert new[0, 0] > new[1, 0]  # from the right above to the left below
                assert new[0, 1] < new[1, 1]
            else:
                assert ink(form).any()
                assert new[0, 0] < new[1, 0]
                assert new[1, 1] < new[0, 1] < new[2, 1]


def test_a_dot_cannot_skip():
    dot = [np.array([[5, 5]], np.float32)]
    assert len(skipped(dot, np.random.default_rng(11))) == 1


def mixed(arrays) -> float:
    """Return one number that depends on every number of some arrays, and on their order."""
    numbers = np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
    return float(numbers @ np.cos(np.arange(len(numbers))))


@pytest.mark.parametrize(
    ("name", "of_strokes", "of_images"),
    [("hand", -36.358, -20.373), ("far", -120.135, 11.514), ("none", 352.108, -2.306)],
)
def test_what_the_shipped_weights_learned_from_is_what_is_made_today(
    name, of_strokes, of_images, images
):
    """To change these numbers is to change the recipe: then its weights have to be trained anew."""
    rng = np.random.default_rng(18)
    many = drawings() * 20
    strokes = [[np.array(stroke, np.float32) for stroke in drawing.strokes] for drawing in many]
    varied = [AUGMENTATIONS[name].strokes(each, rng) for each in strokes]
    found = mixed([array for new, pen_width in varied for array in (*new, pen_width)])
    assert found == pytest.approx(of_strokes, abs=0.002)
    found = mixed(AUGMENTATIONS[name].images(np.tile(images, (5, 1, 1)), rng))
    assert found == pytest.approx(of_images, abs=0.002)


def test_other_forms_are_made_as_the_shipped_weights_learned_them():
    rng = np.random.default_rng(19)
    zero = [np.array([[0, 0], [1, 0], [1, 2], [0, 2], [0, 0]], np.float32)]
    forms = [form for digit in (0, 1) * 200 for form in other_form(zero, digit, rng)]
    assert mixed(forms + stretched(zero, rng)) == pytest.approx(-10.328, abs=0.002)
