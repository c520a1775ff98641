"""The network: layers in a row, and the folding that makes a trained one smaller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nn.layers import Array, BatchNorm, Conv2D, Dense, Dropout, Layer


class Sequential:
    """Layers applied one after the other; the chain rule applies their derivatives in reverse."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the last layer's output for a batch ``x``."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, grad_out: Array) -> Array:
        """Fill every layer's ``grads`` and return the gradient of the input."""
        for layer in reversed(self.layers):
            grad_out = layer.backward(grad_out)
        return grad_out

    def parameters(self) -> Iterator[tuple[str, Array, Array]]:
        """Yield ``(name, parameter, gradient)`` as optimizers take them.

        The gradients are those of the last backward pass.
        """
        for index, layer in enumerate(self.layers):
            for name, parameter in layer.params.items():
                yield f"{index}.{name}", parameter, layer.grads[name]

    def arrays(self) -> dict[str, Array]:
        """Return every parameter and buffer by name: all that has to be stored. Not copies."""
        return {
            f"{index}.{name}": array
            for index, layer in enumerate(self.layers)
            for name, array in (layer.params | layer.buffers).items()
        }

    def parameter_count(self) -> int:
        """Return how many numbers training learns."""
        return sum(array.size for layer in self.layers for array in layer.params.values())


def fold_batchnorm(model: Sequential) -> Sequential:
    """Return a network that gives the same answers without its BatchNorm and Dropout layers.

    In inference BatchNorm is ``y * scale + shift`` with constants, and the layer before it is
    linear, so ``(x W + b) * scale + shift = x (W * scale) + (b * scale + shift)``: both become one
    layer. ``model`` is left as it is. Raises ValueError if a BatchNorm does not follow a Conv2D or
    a Dense.
    """
    folded: list[Layer] = []
    for layer in model.layers:
        if isinstance(layer, Dropout):
            continue  # it does nothing in inference
        if not isinstance(layer, BatchNorm):
            copy = type(layer)(**layer.config())
            copy.params = {name: array.copy() for name, array in layer.params.items()}
            copy.buffers = {name: array.copy() for name, array in layer.buffers.items()}
            folded.append(copy)
            continue
        before = folded[-1] if folded else None
        if not isinstance(before, Conv2D | Dense):
            raise ValueError("fold_batchnorm: a BatchNorm must follow a Conv2D or a Dense layer")
        scale, shift = layer.scale_and_shift()
        before.params["weight"] = before.params["weight"] * scale
        before.params["bias"] = before.params["bias"] * scale + shift
    return Sequential(folded)
