"""Softmax cross-entropy: its value, its gradient, and the targets that it takes and refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nn.layers import Array
from nn.losses import one_hot, softmax, softmax_cross_entropy
from tests.unit.gradients import numerical_gradient


def soft_targets(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    targets = rng.random(shape)
    return targets / targets.sum(axis=1, keepdims=True)


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_probabilities_are_finite_and_sum_to_1(logits: Array) -> None:
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_softmax_of_equal_scores_is_even_and_a_shift_changes_nothing() -> None:
    assert np.allclose(softmax(np.full((1, 4), 7.0)), 0.25)
    scores = np.array([[1.0, 2.0, 4.0]])
    assert np.allclose(softmax(scores), np.exp(scores) / np.exp(scores).sum())
    assert np.allclose(softmax(scores), softmax(scores + 1000))


def test_the_loss_is_minus_the_mean_logarithm_of_the_right_class() -> None:
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    loss, _ = softmax_cross_entropy(logits, np.array([0, 2]))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)
    assert isinstance(loss, float)


@pytest.mark.parametrize("soft", [False, True])
def test_the_gradient_matches_central_differences(soft: bool) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (4, 5))
    targets = soft_targets(rng, (4, 5)) if soft else rng.integers(0, 5, 4)
    _, gradient = softmax_cross_entropy(logits, targets)
    expected = numerical_gradient(lambda: softmax_cross_entropy(logits, targets)[0], logits)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_class_numbers_are_as_good_as_probabilities(dtype: type) -> None:
    logits = np.random.default_rng(2).normal(0, 3, (6, 4)).astype(np.float32)
    labels = np.array([0, 3, 1, 2, 2, 0], dtype)
    loss, gradient = softmax_cross_entropy(logits, labels)
    same_loss, same_gradient = softmax_cross_entropy(logits, one_hot(labels, 4))
    assert loss == same_loss
    assert np.array_equal(gradient, same_gradient)


def test_float64_targets_leave_a_float32_gradient() -> None:
    targets = soft_targets(np.random.default_rng(3), (2, 3))
    _, gradient = softmax_cross_entropy(np.zeros((2, 3), np.float32), targets)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_large_scores_neither_overflow_nor_lose_the_gradient(size: float) -> None:
    logits = np.array([[size, 0, -size], [0, size, 0]], np.float32)
    loss, gradient = softmax_cross_entropy(logits, np.array([0, 2]))
    assert loss == pytest.approx(size / 2)
    assert gradient.tolist() == [[0, 0, 0], [0, 0.5, -0.5]]


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        ((2, 3), (3,), r"expected targets of shape \(2,\) or \(2, 3\), got \(3,\)"),
        ((2, 3), (2, 4), r"expected targets of shape \(2,\) or \(2, 3\), got \(2, 4\)"),
        ((2, 3), (), r"expected targets of shape \(2,\) or \(2, 3\), got \(\)"),
        ((6,), (6,), r"expected logits of shape \(batch, classes\), not empty, got \(6,\)"),
        ((0, 3), (0,), r"expected logits of shape \(batch, classes\), not empty, got \(0, 3\)"),
        ((3, 0), (3,), r"expected logits of shape \(batch, classes\), not empty, got \(3, 0\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    logits: tuple[int, ...], targets: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(np.zeros(logits, np.float32), np.zeros(targets, np.int64))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 10]), "expected labels from 0 to 9, got 0 to 10"),
        (np.array([-1, 3]), "expected labels from 0 to 9, got -1 to 3"),
        (np.array([1.0, 2.0]), "expected labels of an integer dtype, got float64"),
        (np.array([True, False]), "expected labels of an integer dtype, got bool"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(np.zeros((2, 10), np.float32), labels)
    with pytest.raises(ValueError, match=message):
        one_hot(labels, 10)


def test_one_hot_has_one_1_a_row() -> None:
    assert one_hot(np.array([2, 0], np.uint8), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot(np.array([], np.uint8), 3).shape == (0, 3)
