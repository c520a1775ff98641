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

    The copies share the parameters and keep their own intermediate results. NumPy lets other
    threads run while it computes, so the cores are used fully with the BLAS library held to one
    thread each. Sums are taken in a fixed order: the same seed and number of threads give the same
    bits. Batch statistics are those of each share, and the moving averages are the mean over the
    shares.
    """

    def __init__(self, model: Sequential, threads: int) -> None:
        self.model = model
        self.copies = [model, *(_sharing_copy(model) for _ in range(threads - 1))]
        self.pool = ThreadPoolExecutor(threads)

    def loss_and_gradients(self, inputs: Array, labels: Array) -> float:
        """Return the batch's mean loss and leave its gradients in the model's layers."""
        shares = zip(
            self.copies,
            np.array_split(inputs, len(self.copies)),
            np.array_split(labels, len(self.copies)),
            strict=True,
        )
        sizes_losses = list(self.pool.map(lambda share: _one_share(*share), shares))
        weights = [size / len(inputs) for size, _ in sizes_losses]
        for layers in zip(*(copy.layers for copy in self.copies), strict=True):
            first = layers[0]
            for name in first.params:
                first.grads[name] = _weighted([layer.grads[name] for layer in layers], weights)
            for name in first.buffers:
                mean = _weighted([layer.buffers[name] for layer in layers], weights)
                for layer in layers:
                    layer.buffers[name][...] = mean
        return sum(weight * loss for weight, (_, loss) in zip(weights, sizes_losses, strict=True))

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


def _one_share(model: Sequential, inputs: Array, labels: Array) -> tuple[int, float]:
    loss, grad = softmax_cross_entropy(model.forward(inputs, training=True), labels)
    model.backward(grad)
    return len(inputs), loss


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
