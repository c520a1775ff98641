"""A trained network made ready for reading: the answers of its layers, with less work.

Layers are written to be read and trained. For reading alone, the weights of a convolution can be
arranged once; bias, ReLU and pooling can be done in place; and the room for what lies between the
layers can be kept. No layer is changed: what has no faster form here does its own ``forward``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from nn import toom_cook
from nn.layers import Array, Conv2D, Layer, MaxPool2D, ReLU
from nn.layers.product import arranged, product
from nn.model import Sequential

TOGETHER = 8
"""So many images go through the network at a time: what lies between its layers stays in a core's
own cache."""
WORTH_TRANSFORMING = 16
"""With fewer inputs a convolution's sums are too short for `nn.toom_cook` to pay."""


class Prepared:
    """A trained network, for reading. Several threads may use one at the same time.

    Its convolutions must not change any more; its other layers may. It is made ready when it first
    reads.
    """

    def __init__(self, model: Sequential) -> None:
        self._model = model
        self._rooms: dict[tuple[int, ...], list[list[_Room | None]]] = {}

    @cached_property
    def _steps(self) -> list[_Convolution | Layer]:
        return list(_steps(self._model.layers))

    def forward(self, x: Array) -> Array:
        """Return what the network's own ``forward`` does, but for rounding.

        ``x: (batch, height, width, channels) float32``, of a shape that the network takes.
        """
        if len(x) == 0:
            return self._model.forward(x)
        firsts = range(0, len(x), TOGETHER)
        parts = [self._forward(x[first : first + TOGETHER]) for first in firsts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _forward(self, x: Array) -> Array:
        spare = self._rooms.setdefault(x.shape, [])
        try:  # a list's own pop and append are safe among threads
            rooms = spare.pop()
        except IndexError:
            rooms = [None] * len(self._steps)
        for index, step in enumerate(self._steps):
            if isinstance(step, Layer):
                x = step.forward(x)
                continue
            room = rooms[index] or step.room(x.shape)
            rooms[index] = room
            x = room.run(x)
        out = x.copy()  # it may be a part of the room that others are about to use
        spare.append(rooms)
        return out


def _steps(layers: Sequence[Layer]) -> Iterator[_Convolution | Layer]:
    """Put each convolution together with the ReLU, and the pooling by 2, that follow it."""
    rest = list(layers)
    while rest:
        layer = rest.pop(0)
        if not isinstance(layer, Conv2D):
            yield layer
            continue
        relu = bool(rest) and isinstance(rest[0], ReLU)
        if relu:
            rest.pop(0)
        pools = bool(rest) and isinstance(rest[0], MaxPool2D) and rest[0].size == 2
        if pools:
            rest.pop(0)
        yield _Convolution(layer, relu, pools)


class _Convolution:
    """A convolution and what follows it; its weights are arranged, and shared by all rooms."""

    def __init__(self, layer: Conv2D, relu: bool, pools: bool) -> None:
        self.layer, self.relu, self.pools = layer, relu, pools
        self.bias = layer.params["bias"]
        weight = layer.params["weight"]
        plain = layer.stride == 1 and layer.size == toom_cook.SIZE
        self.kernel: toom_cook.Kernel | Array
        if plain and layer.inputs >= WORTH_TRANSFORMING:
            self.kernel = toom_cook.Kernel(weight)
        else:
            self.kernel = arranged(weight.reshape(-1, layer.outputs))

    def room(self, shape: tuple[int, ...]) -> _Room:
        """Return room for inputs ``(batch, height, width, channels)``."""
        batch, height, width, _ = shape
        if isinstance(self.kernel, toom_cook.Kernel):
            found = toom_cook.Room(self.kernel, batch, height, width, self.layer.padding)
            return _Room(self, found)
        return _Room(self, _Unfolded(self.layer, self.kernel, batch, height, width))


class _Unfolded:
    """Room for a convolution as one product: see `nn.layers.conv`."""

    def __init__(self, layer: Conv2D, weight: Array, batch: int, height: int, width: int) -> None:
        size, stride, padding, channels = layer.size, layer.stride, layer.padding, layer.inputs
        high, wide = height + 2 * padding, width + 2 * padding
        padded = np.zeros((batch, high, wide, channels), np.float32)
        self.input = padded[:, padding : padding + height, padding : padding + width]
        rows, columns = (high - size) // stride + 1, (wide - size) // stride + 1
        by_image, by_row, by_column, by_channel = padded.strides
        self._windows: Array = np.ndarray(
            (batch, rows, columns, size, size * channels),
            np.float32,
            padded,
            strides=(by_image, by_row * stride, by_column * stride, by_row, by_channel),
        )
        self._weight = weight
        self._columns = np.empty((batch * rows * columns, len(weight)), np.float32)
        self._columns_as_windows = self._columns.reshape(self._windows.shape)
        self._sums = np.empty((len(self._columns), weight.shape[1]), np.float32)
        self.output = self._sums.reshape(batch, rows, columns, layer.outputs)

    def run(self) -> None:
        np.copyto(self._columns_as_windows, self._windows)
        product(self._columns, self._weight, self._sums)


class _Room:
    """Room for what a convolution takes and gives; bias, ReLU and pooling are done in it.

    The largest of four is found before the bias and the ReLU, which do not change which it is.
    """

    def __init__(self, convolution: _Convolution, correlation: toom_cook.Room | _Unfolded) -> None:
        self._correlation = correlation
        batch, height, width, channels = correlation.output.shape
        self._pairs: list[tuple[Array, Array, Array]] = []
        self._out = correlation.output
        if convolution.pools:
            halves = np.empty((batch, height // 2, width, channels), np.float32)
            quarters = np.empty((batch, height // 2, width // 2, channels), np.float32)
            found = correlation.output
            self._pairs = [
                (found[:, : height // 2 * 2 : 2], found[:, 1::2], halves),
                (halves[:, :, : width // 2 * 2 : 2], halves[:, :, 1::2], quarters),
            ]
            self._out = quarters
        batch, height, width, channels = self._out.shape
        # Whole rows at a time: a channel's own loop would be over so few numbers.
        self._rows = self._out.reshape(batch, height, width * channels)
        self._bias = np.tile(convolution.bias, width)
        self._relu = convolution.relu

    def run(self, x: Array) -> Array:
        """Return what the convolution gives for ``x``: a part of the room."""
        np.copyto(self._correlation.input, x)
        self._correlation.run()
        for first, second, larger in self._pairs:
            np.maximum(first, second, out=larger)
        np.add(self._rows, self._bias, out=self._rows)
        if self._relu:
            np.maximum(self._rows, 0, out=self._rows)
        return self._out
