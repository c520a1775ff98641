"""Check a layer's derivatives against central differences, the reference that needs no library."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn.layers import Array, Layer

STEP = 1e-5
"""How far a number is moved to either side: in float64 the result is then right to about 1e-10."""


def in_float64(layer: Layer) -> Layer:
    """Turn the layer's arrays into float64, in which differences can be taken."""
    layer.params = {name: array.astype(np.float64) for name, array in layer.params.items()}
    layer.buffers = {name: array.astype(np.float64) for name, array in layer.buffers.items()}
    return layer


def numerical_gradient(function: Callable[[], float], array: Array) -> Array:
    """Return the derivative of ``function()`` by each number of ``array``, in its shape."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP
        above = function()
        array[index] = kept - STEP
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def check_gradients(layer: Layer, x: Array, rng: np.random.Generator) -> None:
    """Raise AssertionError unless ``backward`` agrees with central differences, for every gradient.

    The loss is the sum of the output times random numbers, which are then the upstream gradient:
    with all ones, errors that cancel in a sum would pass. ``layer`` and ``x`` are float64.
    """
    grad_out = rng.standard_normal(layer.forward(x, training=True).shape)

    def loss() -> float:
        return float((layer.forward(x, training=True) * grad_out).sum())

    loss()
    grad_in = layer.backward(grad_out)
    assert grad_in.shape == x.shape
    assert layer.grads.keys() == layer.params.keys()
    found = {"input": (grad_in, x)}
    found |= {name: (layer.grads[name], layer.params[name]) for name in layer.params}
    for name, (gradient, array) in found.items():
        expected = numerical_gradient(loss, array)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8, err_msg=name)


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return float64 numbers about 0 that lie apart, and none at 0: no step reaches a kink."""
    count = int(np.prod(shape))
    return rng.permutation((np.arange(count) - count / 2 + 0.25) * 0.01).reshape(shape)


def scale_gradient(layer: Layer, name: str, factor: float) -> None:
    """Spoil one gradient of ``layer``: that of the parameter ``name``, or of its ``"input"``."""
    original = layer.backward

    def backward(grad_out: Array) -> Array:
        grad_in = original(grad_out)
        if name == "input":
            return grad_in * factor
        layer.grads[name] = layer.grads[name] * factor
        return grad_in

    layer.backward = backward  # type: ignore[method-assign]
