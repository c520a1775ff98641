"""Uses several cores: each thread takes a share of the batch through its own network copy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nn.layers import Array
from nn.losses import softmax_cross_entropy
from nn.model import Sequential


class DataParallel:
    """Gradients of a network over a batch that is divided among threads.

    The copies share the parameters and keep their own intermediate results; all that lasts is in
    the model itself. NumPy lets other threads run while it computes, so the cores are used fully
    with the BLAS library held to one thread each. Sums are taken in a fixed order: the same seed
    and number of threads give the same bits. Batch statistics are those of each share, and the
    moving averages are the mean over the shares.
    """

    def __init__(self, model: Sequential, threads: int) -> None:
        self.model = model
        self.copies = [model, *(_sharing_copy(model) for _ in range(threads - 1))]
        self.pool = ThreadPoolExecutor(threads)

    def loss_and_gradients(self, inputs: Array, labels: Array) -> float:
        """Return the batch's mean loss and leave its gradients in the model's layers."""
        count = len(self.copies)
        shares = np.array_split(inputs, count), np.array_split(labels, count)
        for layer, *others in zip(*(copy.layers for copy in self.copies), strict=True):
            for name, array in layer.buffers.items():
                for other in others:
                    other.buffers[name][...] = array
        parts = list(self.pool.map(_one_share, self.copies, *shares, [len(inputs)] * count))
        weights = [weight for weight, _ in parts]
        for layers in zip(*(copy.layers for copy in self.copies), strict=True):
            first, *others = layers
            for name in first.params:
                for layer in others:
                    first.grads[name] = first.grads[name] + layer.grads[name]
            for name in first.buffers:
                first.buffers[name][...] = _weighted(
                    [layer.buffers[name] for layer in layers], weights
                )
        return sum(loss for _, loss in parts)

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


def _one_share(model: Sequential, inputs: Array, labels: Array, of: int) -> tuple[float, float]:
    """Return the share's weight in a batch ``of`` so many, and its part of the batch's mean loss.

    The gradients that are left in ``model`` are its part of the batch's.
    """
    weight = len(inputs) / of
    loss, grad = softmax_cross_entropy(model.forward(inputs, training=True), labels)
    grad *= weight
    model.backward(grad)
    return weight, weight * loss


def _weighted(arrays: Sequence[Array], weights: Sequence[float]) -> Array:
    total: Array = arrays[0] * arrays[0].dtype.type(weights[0])
    for array, weight in zip(arrays[1:], weights[1:], strict=True):
        total += array * array.dtype.type(weight)
    return total


def _sharing_copy(model: Sequential) -> Sequential:
    """Return the same layers with the same parameter arrays, and buffers of their own."""
    layers = []
    for layer in model.layers:
        copy = type(layer)(**layer.config())
        copy.params = layer.params
        copy.buffers = {name: array.copy() for name, array in layer.buffers.items()}
        copy.needs_grad_in = layer.needs_grad_in
        layers.append(copy)
    return Sequential(layers)
