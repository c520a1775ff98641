"""Training on a GPU: the same layers on arrays of CuPy instead of NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn.layers import Array
from nn.losses import softmax_cross_entropy
from nn.model import Sequential

DEVICES = ("cpu", "cuda")
OTHERWISE = "or leave it to the processor: --device cpu"


class DeviceError(ValueError):
    """A device that cannot be used; the message says what is missing."""


def cuda_library() -> Any:
    """Return CuPy; DeviceError where it or a GPU is missing."""
    try:
        import cupy
    except ImportError as error:
        raise DeviceError(
            "--device cuda: CuPy 14 or newer is needed, for example "
            f"`pip install cupy-cuda12x`, {OTHERWISE} ({error})"
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(f"--device cuda: no driver or no GPU ({error}); {OTHERWISE}") from error
    if count < 1 or not hasattr(cupy, "isdtype"):
        needed = "an NVIDIA GPU and its driver" if count < 1 else "CuPy 14 or newer"
        raise DeviceError(f"--device cuda: {needed} is needed; {OTHERWISE}")
    return cupy


class OnDevice:
    """Gradients of a network whose numbers lie on a device, computed there.

    The optimizer works there as well. A step sends the batch over, some hundred kilobytes, and
    takes the loss back.
    """

    def __init__(self, model: Sequential, send: Callable[[Array], Any]) -> None:
        """Take a `placed` network, and what places arrays where it lies."""
        self.model, self.send = model, send

    def loss_and_gradients(self, inputs: Array, labels: Array) -> float:
        """Return the batch's mean loss and leave its gradients in the model's layers."""
        logits = self.model.forward(self.send(inputs), training=True)
        loss, grad = softmax_cross_entropy(logits, self.send(labels))
        self.model.backward(grad)
        return loss

    def close(self) -> None:
        """Nothing is held that has to be given back."""


def placed(model: Sequential, place: Callable[[Array], Any]) -> Sequential:
    """Return the same layers with each array as ``place`` returns it."""
    layers = []
    for layer in model.layers:
        copy = type(layer)(**layer.config())
        copy.params = {name: place(array) for name, array in layer.params.items()}
        copy.buffers = {name: place(array) for name, array in layer.buffers.items()}
        copy.needs_grad_in = layer.needs_grad_in
        layers.append(copy)
    return Sequential(layers)


def fetched(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return arrays of another library as NumPy's own, and NumPy's as they are."""
    return {name: _fetched(array) for name, array in arrays.items()}


def _fetched(array: Any) -> Array:
    if isinstance(array, np.ndarray):
        return array
    if hasattr(array, "get"):  # CuPy's way from a GPU
        return np.asarray(array.get())
    return np.array(np.from_dlpack(array))
