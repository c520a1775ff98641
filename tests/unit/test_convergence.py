"""Gradient descent comes down by as much as its gradients promise: no more, no less.

Along a path the loss falls by the integral of its gradient, so what training has gained must be the
sum of gradient times step. A gradient that is wrong by one part in a hundred still trains a network
well, and no test of accuracy would notice; here its sum is wrong by that hundredth.
"""

from __future__ import annotations

import numpy as np
import pytest

from nn.layers import BatchNorm, Conv2D, Dense, Flatten, GlobalAvgPool2D, MaxPool2D, ReLU
from nn.losses import softmax_cross_entropy
from nn.model import Sequential

STEPS, TOLERANCE = 100, 0.003
LENGTH = 0.0006
"""Of a step: short, because at the kinks of ReLU and of the maximum the sum is only about right."""
RNG = np.random.default_rng(3)
IMAGES = RNG.standard_normal((24, 12, 12, 1))
LABELS = RNG.integers(0, 5, 24)


def network() -> Sequential:
    """Return a network of every kind of layer, in float64."""
    rng = np.random.default_rng(0)
    model = Sequential(
        [
            *(Conv2D(1, 4, 5, stride=2, rng=rng), BatchNorm(4), ReLU()),
            *(Conv2D(4, 6, rng=rng), ReLU(), MaxPool2D()),
            *(Conv2D(6, 8, rng=rng), BatchNorm(8), ReLU(), GlobalAvgPool2D()),
            *(Dense(8, 9, rng), ReLU(), Flatten(), Dense(9, 5, rng)),
        ]
    )
    for layer in model.layers:
        layer.params = {name: array.astype(np.float64) for name, array in layer.params.items()}
        layer.buffers = {name: array.astype(np.float64) for name, array in layer.buffers.items()}
    return model


def gained_and_promised(model: Sequential, index: int, name: str) -> tuple[float, float]:
    """Train one array of one layer; return how far the loss fell, and should have by the gradients.

    The sum is taken by the trapezoid rule, whose error shrinks with the square of the step.
    """
    array, losses, promised = model.layers[index].params[name], [], 0.0
    grad_before = step = np.zeros_like(array)
    for _ in range(STEPS):
        loss, grad_out = softmax_cross_entropy(model.forward(IMAGES, training=True), LABELS)
        model.backward(grad_out)
        grad = model.layers[index].grads[name].copy()
        promised -= float((step * (grad_before + grad)).sum() / 2)
        losses.append(loss)
        step, grad_before = -LENGTH * grad / np.linalg.norm(grad), grad
        array += step
    return losses[0] - losses[-1], promised


def is_taken_off(model: Sequential, index: int, name: str) -> bool:
    """Tell whether a BatchNorm right behind takes off whatever this bias is."""
    return name == "bias" and isinstance(model.layers[index + 1], BatchNorm)


LEARNED = [
    (index, name)
    for index, layer in enumerate(network().layers[:-1])
    for name in layer.params
    if not is_taken_off(network(), index, name)
] + [(13, "weight"), (13, "bias")]


@pytest.mark.parametrize(("index", "name"), LEARNED)
def test_training_gains_what_its_gradients_promise(index, name):
    gained, promised = gained_and_promised(network(), index, name)
    assert gained > 0.001
    assert promised == pytest.approx(gained, rel=TOLERANCE)


@pytest.mark.parametrize(("index", "name"), LEARNED)
def test_a_gradient_wrong_by_one_percent_is_noticed(index, name):
    model = network()
    layer = model.layers[index]
    backward = layer.backward

    def wrong(grad_out):
        grad_in = backward(grad_out)
        layer.grads[name] = layer.grads[name] * 1.01
        return grad_in

    layer.backward = wrong
    gained, promised = gained_and_promised(model, index, name)
    assert promised != pytest.approx(gained, rel=2 * TOLERANCE)


@pytest.mark.parametrize("index", range(1, 14))
def test_a_gradient_of_an_input_wrong_by_one_percent_is_noticed(index):
    """The layers before it are those that learn from it: the nearest one with weights shows it."""
    model = network()
    layer = model.layers[index]
    backward = layer.backward
    layer.backward = lambda grad_out: backward(grad_out) * 1.01
    before = max(place for place, name in LEARNED if place < index and name in ("weight", "gamma"))
    name = "weight" if "weight" in model.layers[before].params else "gamma"
    gained, promised = gained_and_promised(model, before, name)
    assert promised != pytest.approx(gained, rel=2 * TOLERANCE)
