"""Gradients from the worst point nearby, and steps that take them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from nn.layers import BatchNorm, Conv2D, Dense, Flatten
from nn.losses import softmax_cross_entropy
from nn.model import Sequential
from train.checkpoint import State
from train.config import Config
from train.learner import Learner
from train.parallel import DataParallel
from train.schedule import cycles
from train.sharpness import sharpness_aware

Floats = NDArray[np.float32]
RNG = np.random.default_rng(4)
IMAGES: Floats = RNG.random((16, 8, 8, 1), np.float32)
LABELS = RNG.integers(0, 3, 16)


def network() -> Sequential:
    rng = np.random.default_rng(5)
    return Sequential(
        [Conv2D(1, 4, 3, rng=rng), BatchNorm(4), Flatten(), Dense(8 * 8 * 4, 3, rng=rng)]
    )


def backpropagate(model: Sequential) -> float:
    loss, grad = softmax_cross_entropy(model.forward(IMAGES, training=True), LABELS)
    model.backward(grad)
    return loss


def test_the_gradients_are_those_at_so_great_a_distance_uphill() -> None:
    model, other = network(), network()
    loss = sharpness_aware(model, 0.3, lambda: backpropagate(model))
    assert loss == backpropagate(other)
    grads = [grad.copy() for _, _, grad in other.parameters()]
    length = np.sqrt(sum(float((grad**2).sum()) for grad in grads))
    for (_, parameter, _), grad in zip(other.parameters(), grads, strict=True):
        parameter += np.float32(0.3 / length) * grad
    assert backpropagate(other) > loss
    for (_, _, ours), (_, _, theirs) in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_that_lasts_is_changed_by_the_look_around(threads: int) -> None:
    model, plain = network(), network()
    for each in (model, plain):
        parallel = DataParallel(each, threads)
        for _ in range(2):  # what a thread kept of the first would show in the second
            one_pass = partial(parallel.loss_and_gradients, IMAGES, LABELS)
            sharpness_aware(each, 0.3, one_pass) if each is model else one_pass()
        parallel.close()
    for name, array in plain.arrays().items():
        assert np.array_equal(model.arrays()[name], array), name


def test_only_the_last_cycle_of_a_run_looks_around() -> None:
    config = Config(epochs=6, restart_after=2, finish=2, sharpness_radius=0.2, threads=1)
    assert [cycle.radius for cycle in cycles(config, 5)] == [0, 0, 0.2]
    assert [cycle.radius for cycle in cycles(Config(epochs=2, restart_after=0), 5)] == [0]


def test_a_step_of_the_last_cycle_is_another_one() -> None:
    taken = []
    for radius in (0.0, 0.2):
        config = Config(epochs=3, restart_after=1, finish=1, sharpness_radius=radius, threads=1)
        learner = Learner(config, cycles(config, 1), State(), network(), 3)
        weight = learner.model.layers[-1].params["weight"]
        for _ in range(3):
            taken.append(weight.copy())
            learner.learn(IMAGES, LABELS)
        taken.append(weight.copy())
        learner.close()
    plain, aware = taken[:4], taken[4:]
    assert all(map(np.array_equal, plain[:3], aware[:3]))
    assert not np.array_equal(plain[3], aware[3])
