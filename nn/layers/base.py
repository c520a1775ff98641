"""The contract that every layer keeps, and the register by which a saved model finds its layers."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A float32 array (float64 in gradient checks); every docstring gives its shape.

NumPy's, or that of another library whose functions are those of the array API standard
(https://data-apis.org), such as CuPy's on a GPU: layers, losses and optimizers take their functions
from the array that they are given. What NumPy alone can do faster stands in ``nn.layers.unfold``,
``nn.layers.product`` and ``nn.layers.places``.
"""


def namespace(array: Array) -> Any:
    """Return the functions that go with an array: for NumPy's the module ``numpy`` itself."""
    if type(array) is np.ndarray:  # its own method looks the module up anew each time
        return np
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__()
    return sys.modules[type(array).__module__.partition(".")[0]]  # CuPy's arrays do not tell


def masked(x: Array, mask: Array) -> Array:
    """Return ``x`` where ``mask``, a boolean of the same shape, is true, and 0 elsewhere."""
    if isinstance(x, np.ndarray):  # multiplies by a boolean as it is; the standard does not
        return x * mask
    kept: Array = x * namespace(x).astype(mask, x.dtype)
    return kept


class Layer:
    """A differentiable function with named parameters.

    ``forward`` keeps what ``backward`` needs only when ``training`` is true, so that inference
    holds no memory. ``backward`` takes the loss's gradient with respect to the layer's output,
    writes the parameters' gradients into ``grads`` and returns the gradient with respect to its
    input.

    ``params`` is what an optimizer changes; ``buffers`` is what forward passes update in training
    (running statistics). A layer whose input is the data itself has ``needs_grad_in = False`` and
    may return anything from ``backward``.
    """

    registry: ClassVar[dict[str, type[Layer]]] = {}

    def __init_subclass__(cls) -> None:
        Layer.registry[cls.__name__] = cls

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.needs_grad_in = True

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the layer's output for a batch ``x``."""
        raise NotImplementedError

    def backward(self, grad_out: Array) -> Array:
        """Return the gradient of the last training forward pass's input, given its output's.

        Raises RuntimeError if the last forward pass was none or not in training.
        """
        raise NotImplementedError

    def config(self) -> dict[str, int]:
        """Return the constructor's arguments: they and the arrays make the layer again."""
        return {}


def check_sizes(**sizes: int) -> None:
    """Raise ValueError for a size that is less than 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"expected {name} of at least 1, got {size}")


def he_normal(rng: np.random.Generator | None, shape: tuple[int, ...], fan_in: int) -> Array:
    """Draw float32 weights of variance 2 / fan_in, which keeps the variance through ReLU layers.

    Without ``rng``, zeros: the layer is about to be given stored weights. Source: He, Zhang, Ren,
    Sun, "Delving Deep into Rectifiers", 2015, equation 10.
    """
    if rng is None:
        return np.zeros(shape, np.float32)
    scale = np.float32(np.sqrt(2.0 / fan_in))
    return rng.standard_normal(shape, dtype=np.float32) * scale
