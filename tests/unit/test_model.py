"""The whole network: the chain rule through all layers, and folding batch normalization away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nn.layers import (
    Array,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
    ReLU,
)
from nn.losses import softmax_cross_entropy
from nn.model import Sequential, fold_batchnorm
from nn.optim import SGD, Adam
from tests.unit.gradients import in_float64, numerical_gradient, scale_gradient


def small_network(rng: np.random.Generator) -> Sequential:
    """Return a network of all kinds of layer, for images ``(n, 8, 9, 1)`` and 4 classes."""
    layers: list[Layer] = [
        *(Conv2D(1, 3, size=3, stride=2, rng=rng), BatchNorm(3), ReLU()),
        *(Conv2D(3, 4, rng=rng), BatchNorm(4), ReLU(), MaxPool2D()),
        *(Conv2D(4, 5, rng=rng), GlobalAvgPool2D(), Flatten()),
        *(Dense(5, 6, rng), BatchNorm(6), ReLU(), Dense(6, 4, rng)),
    ]
    return Sequential([in_float64(layer) for layer in layers])


@pytest.fixture
def network() -> Sequential:
    return small_network(np.random.default_rng(7))


def images_and_labels(seed: int = 8) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 8, 9, 1)), rng.integers(0, 4, 6)


def loss_of(network: Sequential, images: Array, labels: Array) -> float:
    return softmax_cross_entropy(network.forward(images, training=True), labels)[0]


def backward(network: Sequential, images: Array, labels: Array) -> Array:
    _, grad = softmax_cross_entropy(network.forward(images, training=True), labels)
    return network.backward(grad)


def test_gradients_of_a_whole_network_match_central_differences(network: Sequential) -> None:
    images, labels = images_and_labels()
    found = {"input": (backward(network, images, labels), images)}
    found |= {name: (grad, parameter) for name, parameter, grad in network.parameters()}
    for name, (gradient, array) in found.items():
        expected = numerical_gradient(lambda: loss_of(network, images, labels), array)
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7, err_msg=name)


def promised_share(network: Sequential, name: str, steps: int = 20) -> float:
    """Descend along one parameter; return the loss's fall over the fall that its gradients promise.

    The promise is the gradient integrated along the way, by the trapezoidal rule. The share is 1 up
    to the square of the step, so it shows a gradient that is wrong by a constant factor. That the
    loss converges does not show it: the path is the same, only walked at another speed.
    """
    images, labels = images_and_labels()
    before = loss_of(network, images, labels)
    promise, last_grad, last_move = 0.0, None, None
    for _ in range(steps + 1):
        backward(network, images, labels)
        parameter, grad = next((p, g.copy()) for n, p, g in network.parameters() if n == name)
        if last_grad is not None:
            promise += float((last_move * (last_grad + grad) / 2).sum())
        last_grad, last_move = grad, -1e-5 * grad / np.sqrt((grad**2).mean())
        parameter += last_move
    parameter -= last_move
    return (loss_of(network, images, labels) - before) / promise


# A bias before BatchNorm is taken off again by its mean: its gradient is 0, and nothing to descend.
DESCENDED = [
    *("0.weight", "1.gamma", "1.beta", "3.weight", "4.gamma", "4.beta", "7.weight"),
    *("10.weight", "11.gamma", "11.beta", "13.weight", "13.bias"),
]


@pytest.mark.parametrize("name", DESCENDED)
def test_the_loss_falls_by_as_much_as_the_gradients_promise(network: Sequential, name: str) -> None:
    assert promised_share(network, name) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", DESCENDED)
def test_a_descent_by_a_gradient_wrong_by_one_percent_is_noticed(
    network: Sequential, name: str
) -> None:
    index, parameter = name.split(".")
    scale_gradient(network.layers[int(index)], parameter, 1.01)
    assert promised_share(network, name) != pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("index", range(3, 14))
def test_a_descent_through_a_layer_wrong_by_one_percent_is_noticed(
    network: Sequential, index: int
) -> None:
    scale_gradient(network.layers[index], "input", 1.01)
    assert promised_share(network, "0.weight") != pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("optimizer", [SGD(0.05), Adam(0.02)])
def test_training_learns_its_examples_by_heart(network: Sequential, optimizer: SGD | Adam) -> None:
    images, labels = images_and_labels()
    for _ in range(250):
        backward(network, images, labels)
        optimizer.step(network.parameters())
    assert loss_of(network, images, labels) < 0.02
    assert (network.forward(images).argmax(axis=1) == labels).all()


def test_parameters_and_arrays_go_by_the_layers_place(network: Sequential) -> None:
    backward(network, *images_and_labels())
    names = [name for name, _, _ in network.parameters()]
    assert names[:4] == ["0.weight", "0.bias", "1.gamma", "1.beta"]
    assert all(grad.shape == parameter.shape for _, parameter, grad in network.parameters())

    arrays = network.arrays()
    assert set(arrays) - set(names) == {
        f"{i}.{name}" for i in (1, 4, 11) for name in ("mean", "variance")
    }
    assert arrays["3.weight"] is network.layers[3].params["weight"]
    assert network.parameter_count() == sum(arrays[name].size for name in names)


def trained(layers: Sequence[Layer], images: Array) -> Sequential:
    """Return the network in float32, as after training: none of BatchNorm's arrays is 0 or 1."""
    rng, network = np.random.default_rng(9), Sequential(layers)
    for array in network.arrays().values():
        array += rng.uniform(0.1, 0.5, array.shape).astype(np.float32)
    for _ in range(3):
        network.forward(images, training=True)
    return network


def test_folding_batchnorm_and_dropout_away_gives_the_same_answers() -> None:
    rng = np.random.default_rng(10)
    images = rng.random((5, 12, 12, 1), np.float32)
    network = trained(
        [
            *(Conv2D(1, 4, size=5, stride=2, rng=rng), BatchNorm(4), ReLU()),
            *(Conv2D(4, 6, rng=rng), BatchNorm(6), BatchNorm(6), ReLU(), MaxPool2D()),
            *(Flatten(), Dense(54, 8, rng), BatchNorm(8), ReLU(), Dropout(20), Dense(8, 10, rng)),
        ],
        images,
    )
    before = {name: array.copy() for name, array in network.arrays().items()}
    expected = network.forward(images)

    folded = fold_batchnorm(network)
    assert not any(isinstance(layer, BatchNorm | Dropout) for layer in folded.layers)
    out = folded.forward(images)
    assert out.dtype == np.float32
    assert np.abs(out - expected).max() < 1e-5 * np.abs(expected).max()
    assert folded.parameter_count() < network.parameter_count()

    for array in folded.arrays().values():  # the folded network shares nothing with the other
        array[...] = 0
    assert all(np.array_equal(array, before[name]) for name, array in network.arrays().items())


@pytest.mark.parametrize(
    "layers",
    [
        [BatchNorm(3)],
        [Dense(2, 3), ReLU(), BatchNorm(3)],
        [Conv2D(1, 2), Flatten(), BatchNorm(8)],
    ],
)
def test_a_batchnorm_that_follows_no_linear_layer_cannot_be_folded(layers: list[Layer]) -> None:
    with pytest.raises(ValueError, match="a BatchNorm must follow a Conv2D or a Dense layer"):
        fold_batchnorm(Sequential(layers))
