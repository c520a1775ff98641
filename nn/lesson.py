"""A forward pass, a backward pass and a step of training, with the numbers that occur in them.

Nothing here is needed to read a digit. It runs the network as it is, on one picture, and keeps what
a person would like to see.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.layers import Array, Conv2D, Layer
from nn.losses import softmax, softmax_cross_entropy
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.optim import SGD
from nn.recognizer import as_input

LARGEST_RATE = 0.1
"""The step is never longer than at the start of a usual training."""


class Stage(NamedTuple):
    """What one layer did."""

    kind: str
    """The layer's class, ``"Conv2D"``."""
    parameters: int
    multiplications: int
    output: NDArray[np.float32]
    """``(height, width, channels)`` or ``(features,)``."""


class Product(NamedTuple):
    """One number of the first convolution's output, and all that it was made from."""

    filter: int
    row: int
    column: int
    weights: NDArray[np.float32]
    """``(size, size)``: the filter."""
    patch: NDArray[np.float32]
    """``(size, size)``: what lies under it, 0 to 1."""
    bias: float
    value: float
    """``sum(weights * patch) + bias``."""
    gradient: NDArray[np.float32]
    """``(size, size)``: how much the loss would grow with each number of the filter."""


class Step(NamedTuple):
    """One step of gradient descent."""

    learning_rate: float
    loss_before: float
    loss_after: float
    probability_before: float
    """Of the right answer."""
    probability_after: float


class Lesson(NamedTuple):
    """All of it."""

    stages: list[Stage]
    scores: NDArray[np.float32]
    """``(at least 10,)``: the sums; 0 to 9 are the digits."""
    probabilities: NDArray[np.float32]
    """Of the same shape."""
    product: Product | None
    """None unless the first layer is a convolution of the picture itself."""
    step: Step


def lesson(model: Sequential, image: NDArray[np.uint8], label: int) -> Lesson:
    """Run ``image: (28, 28) uint8`` forwards and backwards, and take a step towards ``label``.

    The step changes a copy; ``model`` stays as it is. Its length is half of Polyak's,
    ``loss / |gradient|**2`` ("Introduction to Optimization", 1987, 5.3.2), so that the loss falls
    to about one half, where the usual one is not shorter. Raises ValueError unless ``label`` is a
    digit.
    """
    if not 0 <= label < DIGITS:
        raise ValueError(f"expected a label from 0 to {DIGITS - 1}, got {label}")
    model = copy.deepcopy(model)
    inputs: list[Array] = []
    stages = []
    x: Array = as_input(image[None])
    for layer in model.layers:
        inputs.append(x)
        x = layer.forward(x, training=True)
        weights = sum(array.size for array in layer.params.values())
        stages.append(Stage(type(layer).__name__, weights, multiplications(layer, x), x[0]))
    target = np.array([label])
    before, grad_out = softmax_cross_entropy(x, target)
    model.backward(grad_out)
    product = _product(model, inputs)
    slope = sum(float(np.square(grad).sum()) for _, _, grad in model.parameters())
    rate = min(LARGEST_RATE, 0.5 * before / max(slope, 1e-12))
    chances = softmax(x)[0]
    SGD(rate, momentum=0).step(model.parameters())
    logits = model.forward(inputs[0])
    after, _ = softmax_cross_entropy(logits, target)
    step = Step(rate, before, after, float(chances[label]), float(softmax(logits)[0, label]))
    return Lesson(stages, x[0], chances, product, step)


def multiplications(layer: Layer, output: Array) -> int:
    """Return how often a layer multiplies for one image: each weight once at every place.

    ``output: (1, ..., channels)`` is what it gives for the image.
    """
    if "weight" not in layer.params:
        return 0
    weights = layer.params["weight"]
    return int(weights.size * (output[0].size // weights.shape[-1]))


def _product(model: Sequential, inputs: list[Array]) -> Product | None:
    """Pick the largest output of the first convolution, if it looks at the picture itself."""
    layer = model.layers[0]
    if not isinstance(layer, Conv2D) or layer.inputs != 1:
        return None
    found = layer.forward(inputs[0])[0]
    row, column, channel = (int(i) for i in np.unravel_index(found.argmax(), found.shape))
    padded = np.pad(inputs[0][0, :, :, 0], layer.padding)
    top, left = row * layer.stride, column * layer.stride
    return Product(
        channel,
        row,
        column,
        layer.params["weight"][:, :, 0, channel].copy(),
        padded[top : top + layer.size, left : left + layer.size],
        float(layer.params["bias"][channel]),
        float(found[row, column, channel]),
        layer.grads["weight"][:, :, 0, channel].copy(),
    )
