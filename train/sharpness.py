"""Sharpness-aware gradients: from where, within a small distance, the loss is highest.

Steps along them lead to weights around which the loss is low everywhere, not at one sharp point
that fits the training examples by heart. Source: Foret, Kleiner, Mobahi, Neyshabur,
"Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.layers import Array
from nn.layers.base import namespace
from nn.model import Sequential

Gradients = Callable[[], float]
"""Leaves a batch's gradients in the network's layers, and returns its mean loss."""


def sharpness_aware(model: Sequential, radius: float, gradients: Gradients) -> float:
    """Leave the gradients at ``w + radius * g / |g|`` in the layers; return the loss at ``w``.

    ``g`` is the gradient at the weights ``w``, all of them as one vector: to first order the loss
    rises fastest that way. The weights are as before, and the layers' buffers as after the first
    pass; what layers keep for ``backward`` is the second's. It takes two passes over the batch.
    """
    loss = gradients()
    found = [(parameter, grad) for _, parameter, grad in model.parameters()]
    length = math.sqrt(sum(_square(grad) for _, grad in found))
    before = {n: namespace(array).asarray(array, copy=True) for n, array in model.arrays().items()}
    for parameter, grad in found:
        parameter += radius / (length + 1e-12) * grad
    gradients()
    for name, array in model.arrays().items():
        array[...] = before[name]
    return loss


def _square(vector: Array) -> float:
    numbers = namespace(vector).reshape(vector, (-1,))
    return float(numbers @ numbers)
