"""The optimizers: how parameters follow their gradients downhill."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nn.layers import Array
from nn.layers.base import namespace

Parameters = Iterable[tuple[str, Array, Array]]
"""``(name, parameter, gradient)``; what an optimizer keeps between steps goes by the name."""


class SGD:
    """Stochastic gradient descent with Nesterov momentum and decoupled weight decay.

    ``v = momentum * v + g`` and ``p -= learning_rate * (g + momentum * v)``; with ``momentum=0``
    plain gradient descent. Before that, decay shrinks parameters of two or more axes alone
    (weights, not biases): ``p -= learning_rate * weight_decay * p``. Source: Sutskever and others,
    "On the importance of initialization and momentum", 2013, in the form that PyTorch documents.
    """

    def __init__(
        self, learning_rate: float = 0.1, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.state: dict[str, Array] = {}

    def step(self, parameters: Parameters) -> None:
        """Change every parameter in place."""
        for name, parameter, grad in parameters:
            if name not in self.state:
                self.state[name] = namespace(parameter).zeros_like(parameter)
            velocity = self.state[name]
            velocity *= self.momentum
            velocity += grad
            if self.weight_decay and parameter.ndim > 1:
                parameter *= 1 - self.learning_rate * self.weight_decay
            change = self.momentum * velocity
            change += grad
            change *= self.learning_rate
            parameter -= change


class Adam:
    """Adam with decoupled weight decay (AdamW).

    ``m`` and ``v`` are moving averages of ``g`` and ``g**2``;
    ``p -= learning_rate * m^ / (sqrt(v^) + epsilon)``, where the hats undo the averages' start at
    zero. Decay is as in SGD. Sources: Kingma and Ba, "Adam", 2015, algorithm 1; Loshchilov and
    Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.state: dict[str, Array] = {"steps": np.zeros((), np.int64)}

    def step(self, parameters: Parameters) -> None:
        """Change every parameter in place."""
        self.state["steps"] += 1
        steps = int(self.state["steps"])
        correction1, correction2 = 1 - self.beta1**steps, 1 - self.beta2**steps
        for name, parameter, grad in parameters:
            averages = f"{name}.mean", f"{name}.square"
            if averages[0] not in self.state:
                self.state |= {
                    each: namespace(parameter).zeros_like(parameter) for each in averages
                }
            mean, square = (self.state[each] for each in averages)
            mean += (1 - self.beta1) * (grad - mean)
            square += (1 - self.beta2) * (grad * grad - square)
            if self.weight_decay and parameter.ndim > 1:
                parameter *= 1 - self.learning_rate * self.weight_decay
            size = namespace(parameter).sqrt(square / correction2) + self.epsilon
            parameter -= (self.learning_rate / correction1) * mean / size
