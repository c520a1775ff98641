"""The networks that can be trained, by the name that ``--model`` takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
)
from nn.model import Sequential
from nn.numbers import DIGITS

Architecture = Callable[[np.random.Generator, int], Sequential]
"""Makes a fresh network that takes ``(batch, 28, 28, 1)`` and ends in a Dense layer of so many
outputs: ten for the digits, and two more where marks that are no digits, and rows of several, are
learned too.
"""

ARCHITECTURES: dict[str, Architecture] = {}


def register(architecture: Architecture) -> Architecture:
    """Make a function an architecture, under its own name; ValueError if that is taken."""
    name = architecture.__name__
    if name in ARCHITECTURES:
        raise ValueError(f"architecture {name!r} is registered twice")
    ARCHITECTURES[name] = architecture
    return architecture


@register
def mlp(rng: np.random.Generator, outputs: int = DIGITS) -> Sequential:
    """Return the classic 784-128-10 network: the simplest that works, good for first trials."""
    return Sequential([Flatten(), Dense(784, 128, rng), ReLU(), Dense(128, outputs, rng)])


@register
def cnn(rng: np.random.Generator, outputs: int = DIGITS) -> Sequential:
    """Return the network that ships: with 12 outputs 145,036 parameters (144,364 once BatchNorm is
    folded in), 10 million operations an image.

    The first layer halves the picture, so that all later ones cost a quarter. The last three are
    not padded: each shrinks the map, until one place is left that has seen the whole picture. What
    they know depends on where it lies, which a mean over places, as others end in, would forget.
    """
    return Sequential(
        [
            *_block(1, 16, rng, size=5, stride=2),  # 14 x 14
            *_block(16, 32, rng),
            *_block(32, 32, rng),
            MaxPool2D(),  # 7 x 7
            Dropout(15),
            *_block(32, 64, rng),
            *_block(64, 64, rng, padding=0),  # 5 x 5
            *_block(64, 64, rng, padding=0),  # 3 x 3
            Dropout(25),
            *_block(64, 64, rng, padding=0),  # 1 x 1
            Dropout(35),
            Flatten(),
            Dense(64, outputs, rng),
        ]
    )


def _block(
    inputs: int,
    outputs: int,
    rng: np.random.Generator,
    size: int = 3,
    stride: int = 1,
    padding: int | None = None,
) -> list[Layer]:
    return [Conv2D(inputs, outputs, size, stride, padding, rng), BatchNorm(outputs), ReLU()]


def build(name: str, seed: int, outputs: int = DIGITS) -> Sequential:
    """Return a fresh network of that name; its first weights depend on ``seed`` alone.

    Raises ValueError for a name that is not among ARCHITECTURES.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"model: expected one of {sorted(ARCHITECTURES)}, got {name!r}")
    model = ARCHITECTURES[name](np.random.default_rng([seed, 0]), outputs)
    ignore_input_gradient(model)
    return model


def ignore_input_gradient(model: Sequential) -> None:
    """Spare the first layer with parameters a gradient: nobody asks how the loss depends on data.

    In place. A network without parameters is left as it is.
    """
    first = next((layer for layer in model.layers if layer.params), None)
    if first is not None:
        first.needs_grad_in = False
