"""The pen that skips: what it draws is the same digit, with a gap now and then."""

from __future__ import annotations

import numpy as np

from tests.sample import drawings
from train.augment import AUGMENTATIONS
from train.augment.skipping import SKIPPING, _interrupted

SKIPS = AUGMENTATIONS["skipping"]


def test_a_skip_takes_at_most_an_eighth_of_the_longest_stroke() -> None:
    line = np.stack([np.linspace(0, 1, 50), np.zeros(50)], axis=1).astype(np.float32)
    for seed in range(50):
        before, after = _interrupted([line], np.random.default_rng(seed))
        gap = float(after[0, 0] - before[-1, 0])
        assert 0.02 - 1e-6 <= gap <= 0.125 + 1e-6
        assert before[0, 0] == 0
        assert after[-1, 0] == 1


def test_a_dot_is_not_cut() -> None:
    dot = np.zeros((3, 2), np.float32)
    (kept,) = _interrupted([dot], np.random.default_rng(0))
    assert np.array_equal(kept, dot)


def test_about_the_promised_share_is_interrupted() -> None:
    rng = np.random.default_rng(0)
    sample = next(s for s in drawings() if len(s.strokes) == 1)
    strokes = [np.array(stroke, np.float32) for stroke in sample.strokes]
    cut = sum(len(SKIPS.strokes(strokes, rng)[0]) > 1 for _ in range(600))
    assert abs(cut / 600 - SKIPPING) < 0.05
