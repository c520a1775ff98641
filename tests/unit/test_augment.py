"""Augmentation: a seed gives its variants again, and a variant is still that digit."""

from __future__ import annotations

import numpy as np
import pytest

from nn.ink import ink
from tests.sample import drawings
from train.augment import random_affine, vary_strokes, warp


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


def test_varied_strokes_keep_their_number_and_their_ends():
    rng = np.random.default_rng(6)
    for drawing in drawings():
        strokes = [np.array(stroke, np.float32) for stroke in drawing.strokes]
        varied, pen_width = vary_strokes(strokes, rng)
        assert len(varied) == len(strokes)
        assert all(1 <= len(new) <= len(old) for new, old in zip(varied, strokes, strict=True))
        assert 1.3 <= pen_width <= 5.0
        assert ink(varied, pen_width).any()


def test_a_dot_can_be_varied():
    varied, pen_width = vary_strokes([np.array([[5, 5]], np.float32)], np.random.default_rng(7))
    assert ink(varied, pen_width).any()


def test_affine_maps_are_spread_around_the_identity():
    maps = random_affine(np.random.default_rng(8), 20_000, turn=0.1, slant=0.1, stretch=0.1)
    np.testing.assert_allclose(maps.mean(axis=0), np.eye(2), atol=0.02)
    assert np.linalg.det(maps).min() > 0  # nothing is mirrored
