"""Photos that are composed to measure reading with a table, a shadow or lines in them."""

from __future__ import annotations

import numpy as np
import pytest

from nn import Recognizer
from nn.image import Picture
from nn.picture.paper import EDGE
from nn.picture.pieces import numbered
from tests.unit.test_evaluation import DIGITS
from train.compose import share_read_whole
from train.photos import OBSTACLES, PAPER, SIZE, photos


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_photos_with_obstacles_are_mostly_read(obstacle: str) -> None:
    taken = photos(DIGITS, obstacle, 20, seed=3)
    assert {len(photo.text) for photo in taken} == {2, 3, 4}
    assert all(photo.pixels.shape == SIZE[::-1] for photo in taken)
    assert all(photo.pixels.dtype == np.uint8 for photo in taken)
    for photo in taken:
        ink = Picture(photo.pixels).ink
        assert ink is not None
        of_pixel, boxes = numbered(ink > 0)
        assert all((ink[of_pixel == piece] > EDGE).any() for piece in range(len(boxes)))
    assert share_read_whole(Recognizer.load(), taken) >= 0.7


def test_photos_are_the_same_each_time_and_differ_by_seed_and_obstacle() -> None:
    def first(obstacle: str, seed: int) -> bytes:
        return photos(DIGITS, obstacle, 1, seed)[0].pixels.tobytes()

    kinds = list(OBSTACLES)
    assert first(kinds[0], 1) == first(kinds[0], 1)
    assert len({first(kind, seed) for kind in kinds for seed in (1, 2)}) == 2 * len(kinds)


def test_a_table_is_darker_than_paper_and_covers_a_part_of_the_photo() -> None:
    for obstacle, least, most in (
        ("with a table all around", 0.3, 0.8),
        ("with a table at an edge", 0.03, 0.4),
    ):
        dark = [np.mean(photo.pixels < PAPER * 0.6) for photo in photos(DIGITS, obstacle, 10)]
        assert all(least <= share <= most for share in dark), (obstacle, dark)


def test_without_drawings_there_are_no_photos() -> None:
    assert photos([], "with a finger", 3) == []
