"""The numbers that the page explains the network with are those of the network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import nn
from nn.ink import ink
from nn.layers import Dense, Flatten
from nn.lesson import lesson
from nn.losses import softmax_cross_entropy
from nn.model import Sequential
from nn.recognizer import as_input
from tests.browser.drawing import sample


@pytest.fixture(scope="module")
def recognizer() -> nn.Recognizer:
    return nn.Recognizer.load()


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return ink(sample("4"))


def test_the_stages_are_those_of_the_forward_pass(
    recognizer: nn.Recognizer, image: NDArray[np.uint8]
) -> None:
    found = lesson(recognizer.model, image, 4)
    assert [s.kind for s in found.stages] == [type(x).__name__ for x in recognizer.model.layers]
    assert sum(s.parameters for s in found.stages) == recognizer.model.parameter_count()
    expected = recognizer.model.forward(as_input(image[None]))[0]
    np.testing.assert_allclose(found.stages[-1].output, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4, atol=1e-4)
    assert abs(found.probabilities.sum() - 1) < 1e-3
    first = found.stages[0]
    assert first.multiplications == first.output.size * 25


def test_the_sum_that_is_shown_is_the_layers_own(
    recognizer: nn.Recognizer, image: NDArray[np.uint8]
) -> None:
    product = lesson(recognizer.model, image, 4).product
    assert product is not None
    by_hand = float((product.weights * product.patch).sum()) + product.bias
    assert product.value == pytest.approx(by_hand, rel=1e-4)


def test_the_gradient_that_is_shown_predicts_the_change_of_the_loss(
    recognizer: nn.Recognizer, image: NDArray[np.uint8]
) -> None:
    product = lesson(recognizer.model, image, 9).product
    assert product is not None
    row, column = np.unravel_index(np.abs(product.gradient).argmax(), product.gradient.shape)
    weight = recognizer.model.layers[0].params["weight"]
    kept = weight.copy()
    losses = []
    try:
        for change in (1e-3, -1e-3):
            weight[...] = kept
            weight[row, column, 0, product.filter] += change
            logits = recognizer.model.forward(as_input(image[None])).astype(np.float64)
            losses.append(softmax_cross_entropy(logits, np.array([9]))[0])
    finally:
        weight[...] = kept
    slope = (losses[0] - losses[1]) / 2e-3
    assert product.gradient[row, column] == pytest.approx(slope, rel=0.05)


@pytest.mark.parametrize("label", range(10))
def test_the_step_goes_downhill_and_leaves_the_network_alone(
    recognizer: nn.Recognizer, image: NDArray[np.uint8], label: int
) -> None:
    before = {name: array.copy() for name, array in recognizer.model.arrays().items()}
    step = lesson(recognizer.model, image, label).step
    assert step.loss_after < step.loss_before
    assert step.probability_after > step.probability_before
    for name, array in recognizer.model.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_label_that_is_no_digit_is_refused(
    recognizer: nn.Recognizer, image: NDArray[np.uint8]
) -> None:
    with pytest.raises(ValueError, match="expected a label from 0 to 9, got 10"):
        lesson(recognizer.model, image, 10)


def test_a_step_that_is_not_the_usual_one_is_half_of_polyaks() -> None:
    model = Sequential([Flatten(), Dense(784, 10)])
    image = np.full((28, 28), 255, np.uint8)
    step = lesson(model, image, 4).step
    slope = 785 * (9 * 0.1**2 + 0.9**2)  # of ten equal chances: 784 pixels, and the bias
    assert step.learning_rate == pytest.approx(0.5 * np.log(10) / slope)
    assert step.loss_before == pytest.approx(np.log(10))
    assert step.loss_after == pytest.approx(np.log(10) / 2, rel=0.25)
