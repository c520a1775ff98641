"""The learning rate: one rise and fall, or two or three with restarts between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from train.augment import AUGMENTATIONS
from train.batches import Batches
from train.config import Config
from train.data import Drawing
from train.examples import NO_IMAGES, NO_LABELS, Examples
from train.schedule import at, cycles, without_effect


def test_without_a_restart_there_is_one_cycle():
    for restart_after in (0, 5, 9):
        (only,) = cycles(Config(epochs=5, restart_after=restart_after), 7)
        assert (only.first, only.last, only.highest) == (0, 35, 0.1)


def test_the_rate_rises_from_almost_nothing_in_a_twentieth_of_the_way():
    (only,) = cycles(Config(epochs=20, restart_after=0, learning_rate=0.2), 10)
    rates = np.array([only.learning_rate(step) for step in range(200)])
    assert 0 < rates[0] < 0.1 * rates.max()
    assert rates.argmax() == 10
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[10] == pytest.approx(0.2)
    assert rates[105] == pytest.approx(0.1)  # half of it in the middle of the fall


def test_after_the_restart_the_rate_rises_to_half_and_falls_again():
    run = cycles(Config(epochs=30, restart_after=20, learning_rate=0.2), 10)
    rates = np.array([at(run, step).learning_rate(step) for step in range(300)])
    assert rates[:200].max() == pytest.approx(0.2, rel=0.1)
    assert rates[199] < 1e-3 * rates.max()
    assert rates[200:].max() == pytest.approx(0.1, rel=0.2)
    assert rates[299] < 1e-3 * rates.max()
    assert (rates >= 0).all()


def test_at_the_end_the_rate_rises_to_half_once_more():
    run = cycles(Config(epochs=30, restart_after=10, finish=5, learning_rate=0.2), 10)
    shorter = cycles(Config(epochs=25, restart_after=10, finish=0, learning_rate=0.2), 10)
    rates = np.array([at(run, step).learning_rate(step) for step in range(300)])
    assert rates[:250].tolist() == [at(shorter, s).learning_rate(s) for s in range(250)]
    assert rates[249] < 1e-3 * rates.max()
    assert rates[250:].max() == pytest.approx(0.1, rel=0.2)


def test_a_run_too_short_for_a_third_cycle_has_two():
    assert len(cycles(Config(epochs=30, restart_after=20, finish=10), 10)) == 2
    assert len(cycles(Config(epochs=30, restart_after=20, finish=9), 10)) == 3


@pytest.mark.parametrize(
    ("settings", "idle"),
    [
        ({}, ""),
        ({"epochs": 141}, ""),
        ({"epochs": 140}, "--finish 90"),
        ({"epochs": 140, "finish": 0}, ""),
        ({"epochs": 4}, ""),  # a trial, not a wish
        ({"epochs": 4, "restart_after": 4}, "--restart-after 4, --finish 90"),
        ({"epochs": 4, "restart_after": 2}, "--finish 90"),
        ({"epochs": 4, "restart_after": 2, "finish": 1}, ""),
        ({"epochs": 4, "restart_after": 0, "finish": 2}, "--finish 2"),
        ({"epochs": 4, "restart_after": 0, "finish": 0}, ""),
        (
            {"epochs": 4, "sharpness_radius": 0.2},
            "--restart-after 50, --finish 90, --sharpness-radius 0.2",
        ),
    ],
)
def test_settings_of_a_cycle_that_is_left_out_are_told(settings: dict[str, Any], idle: str) -> None:
    config = Config(**settings)
    assert without_effect(config).partition(". ")[0] == (
        f"Without effect in this run: {idle}" if idle else ""
    )
    asked = 1 + (config.restart_after > 0) + (config.finish > 0)
    assert bool(idle) == (len(cycles(config, 3)) < asked and settings != {"epochs": 4})


def test_the_first_part_of_a_longer_run_is_the_shorter_run():
    short = cycles(Config(epochs=4, restart_after=0), 10)
    long = cycles(Config(epochs=7, restart_after=4), 10)
    for step in range(40):
        assert at(long, step).learning_rate(step) == at(short, step).learning_rate(step)


def test_after_the_restart_examples_are_varied_in_the_later_way():
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    examples = Examples(images, np.zeros(40, np.uint8), (), AUGMENTATIONS["hand"])
    batches = Batches(examples, 10, seed=0)  # four steps an epoch
    batches.follow(cycles(Config(epochs=4, restart_after=2), 4), 0.25, AUGMENTATIONS["none"])
    plain = {image.tobytes() for image in (images[..., None] * np.float32(1 / 255))}
    unvaried = [sum(one.tobytes() in plain for one in batches.make(step)[0]) for step in range(16)]
    assert unvaried[:7] == [0] * 7  # the hand varies every one, until the cycle settles
    assert unvaried[8:] == [10] * 8


@pytest.mark.parametrize(("first", "restart_after"), [(0, 0), (20, 20)])
def test_towards_a_cycles_end_up_to_half_come_as_they_were_written(
    first: int, restart_after: int
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (600, 28, 28), np.uint8)
    hand = AUGMENTATIONS["hand"]
    batches = Batches(Examples(images, np.zeros(600, np.uint8), (), hand), 600, seed=0)
    epochs = first + 40
    batches.follow(cycles(Config(epochs=epochs, restart_after=restart_after), 1), 0.5, hand)
    plain = {image.tobytes() for image in (images[..., None] * np.float32(1 / 255))}
    for step, share in ((0, 0), (19, 0), (20, 0), (25, 0.125), (30, 0.25), (39, 0.475)):
        unvaried = sum(one.tobytes() in plain for one in batches.make(first + step)[0]) / 600
        assert unvaried == pytest.approx(share, abs=0.06 if share else 0), step


def test_at_the_end_some_zeros_have_a_slash():
    circle = np.stack([np.cos(np.linspace(0, 7, 40)), np.sin(np.linspace(0, 7, 40))], axis=1)
    zeros = [Drawing("a", "0", [circle.astype(np.float32)])] * 80
    examples = Examples(NO_IMAGES, NO_LABELS, zeros, AUGMENTATIONS["none"])
    batches = Batches(examples, 40, seed=0)  # two steps an epoch
    none = AUGMENTATIONS["none"]
    batches.follow(cycles(Config(epochs=9, restart_after=3, finish=3), 2), 0.0, none)
    plain = examples.batch(np.arange(1), np.random.default_rng(0))[0][0]
    changed = [sum((one != plain).any() for one in batches.make(step)[0]) for step in range(18)]
    assert changed[:12] == [0] * 12
    assert 0 < sum(changed[12:]) < 0.3 * 6 * 40
