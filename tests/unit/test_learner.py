"""What a run ends with: not its last weights but an average that follows them."""

from __future__ import annotations

import numpy as np
import pytest

from nn.layers import BatchNorm, Dense, Flatten
from nn.model import Sequential
from train.checkpoint import State
from train.config import Config
from train.learner import Learner
from train.parallel import DataParallel
from train.schedule import cycles

RNG = np.random.default_rng(6)
IMAGES = RNG.random((8, 2, 2, 1), np.float32)
LABELS = RNG.integers(0, 3, 8)


@pytest.mark.parametrize(
    ("averaging", "shares"),
    [
        (0.0, [1, 1, 1, 1]),  # no memory: the last weights themselves
        (0.2, [10 / 11, 10 / 12, 0.8, 0.8]),  # 3/13 would be a longer memory than it may have
        (0.999, [10 / 11, 10 / 12, 10 / 13, 10 / 14]),  # it has hardly begun to remember
    ],
)
def test_the_average_goes_so_large_a_share_of_the_way_to_each_steps_weights(
    averaging: float, shares: list[float]
) -> None:
    network = Sequential([Flatten(), Dense(4, 3, np.random.default_rng(7))])
    config = Config(epochs=9, averaging=averaging, threads=1, learning_rate=0.5)
    learner = Learner(config, cycles(config, 1), State(), network)
    weight = learner.model.layers[-1].params["weight"]
    average = weight.astype(np.float64)
    for share in shares:
        learner.learn(IMAGES, LABELS)
        average = (1 - share) * average + share * weight
        result = learner.result().layers[-1].params["weight"]
        np.testing.assert_allclose(result, average, atol=1e-6)
        assert np.array_equal(learner.snapshot().averaged["1.weight"], result)
        assert np.allclose(result, weight, atol=1e-4) == (share == 1)
    learner.close()


def test_moving_averages_are_the_mean_over_the_threads_shares():
    model, inputs = Sequential([BatchNorm(2)]), np.arange(6, dtype=np.float32).reshape(3, 2)
    gradients = DataParallel(model, 2)  # two rows, and one
    mean, variance = 0.0, 1.0
    for _ in range(2):  # each goes on from the mean over all
        gradients.loss_and_gradients(inputs, np.zeros(3, np.uint8))
        mean = 0.9 * mean + 0.1 * inputs.mean(axis=0)
        assert model.layers[0].buffers["mean"] == pytest.approx(mean)
        # The first share's variance, unbiased, is 2; that of a single row is 0.
        variance = 0.9 * variance + 0.1 * 2 * 2 / 3
        assert model.layers[0].buffers["variance"] == pytest.approx([variance, variance])
    gradients.close()


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_together_find_the_loss_and_the_gradient_that_one_finds(threads: int) -> None:
    found = []
    for count in (1, threads):
        model = Sequential([Flatten(), Dense(4, 3, np.random.default_rng(7))])
        gradients = DataParallel(model, count)
        loss = gradients.loss_and_gradients(IMAGES, LABELS)
        gradients.close()
        found.append([loss, *(grad for _, _, grad in model.parameters())])
    for alone, together in zip(*found, strict=True):
        np.testing.assert_allclose(together, alone, atol=1e-6)
