"""The optimizers: their formulas step by step, and that they go downhill."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nn.layers import Array
from nn.optim import SGD, Adam

Optimizer = SGD | Adam


def test_sgd_without_momentum_is_plain_gradient_descent() -> None:
    parameter = np.array([1.0, -2.0], np.float32)
    SGD(learning_rate=0.5, momentum=0).step([("p", parameter, np.array([2.0, 4.0], np.float32))])
    assert parameter.tolist() == [0, -4]


def test_sgd_looks_ahead_along_its_velocity() -> None:
    parameter, optimizer = np.array([0.0]), SGD(learning_rate=1, momentum=0.5)
    optimizer.step([("p", parameter, np.array([1.0]))])  # v = 1: p -= 1 + 0.5 * 1
    assert parameter.tolist() == [-1.5]
    optimizer.step([("p", parameter, np.array([2.0]))])  # v = 2.5: p -= 2 + 0.5 * 2.5
    assert parameter.tolist() == [-4.75]


def test_adams_first_step_has_the_learning_rates_size_whatever_the_gradients() -> None:
    parameter = np.zeros(3)
    Adam(learning_rate=0.1).step([("p", parameter, np.array([1e-3, -5.0, 1e3]))])
    assert np.allclose(parameter, [-0.1, 0.1, -0.1], rtol=1e-4)


@pytest.mark.parametrize("optimizer", [SGD(0.5, weight_decay=0.1), Adam(0.5, weight_decay=0.1)])
def test_decay_shrinks_weights_and_leaves_biases(optimizer: Optimizer) -> None:
    weight, bias = np.full((2, 2), 8.0), np.full(2, 8.0)
    optimizer.step([("w", weight, np.zeros((2, 2))), ("b", bias, np.zeros(2))])
    assert np.allclose(weight, 8 * (1 - 0.5 * 0.1))
    assert bias.tolist() == [8, 8]


@pytest.mark.parametrize("make", [lambda: SGD(0.1, 0.9, 0.01), lambda: Adam(0.1, weight_decay=0.1)])
def test_float32_parameters_are_changed_in_place_and_gradients_are_not(
    make: Callable[[], Optimizer],
) -> None:
    rng = np.random.default_rng(1)
    parameter, grad = (rng.standard_normal((3, 2), dtype=np.float32) for _ in range(2))
    before, grad_before, optimizer = parameter.copy(), grad.copy(), make()
    for _ in range(2):
        optimizer.step([("p", parameter, grad)])
    assert parameter.dtype == np.float32
    assert not np.array_equal(parameter, before)
    assert np.array_equal(grad, grad_before)
    assert all(
        array.dtype == np.float32 for name, array in optimizer.state.items() if "p" in name[:1]
    )


@pytest.mark.parametrize("make", [lambda: SGD(0.02, 0.9), lambda: Adam(0.3)])
def test_the_bottom_of_a_narrow_valley_is_found(make: Callable[[], Optimizer]) -> None:
    steepness, bottom = np.array([1.0, 30.0]), np.array([3.0, -1.0])
    parameter, optimizer = np.zeros(2), make()
    for _ in range(500):
        optimizer.step([("p", parameter, steepness * (parameter - bottom))])
    assert np.allclose(parameter, bottom, atol=1e-3)


@pytest.mark.parametrize("make", [lambda: SGD(0.1, 0.9, 0.01), lambda: Adam(0.1, weight_decay=0.1)])
def test_its_state_is_all_that_an_optimizer_needs_to_go_on(make: Callable[[], Optimizer]) -> None:
    rng = np.random.default_rng(2)
    gradients = rng.standard_normal((6, 4, 3))

    def descend(optimizer: Optimizer, parameter: Array, steps: slice) -> Array:
        for grad in gradients[steps]:
            optimizer.step([("p", parameter, grad)])
        return parameter

    whole = descend(make(), np.ones((4, 3)), slice(0, 6))
    first, second = make(), make()
    half = descend(first, np.ones((4, 3)), slice(0, 3))
    second.state = {name: array.copy() for name, array in first.state.items()}
    assert np.array_equal(descend(second, half, slice(3, 6)), whole)
