"""A network in training: one step changes its weights, and an average of them follows."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from nn.layers import Array
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.optim import SGD, Adam
from train.architectures import build, ignore_input_gradient
from train.checkpoint import Arrays, State
from train.config import Config
from train.device import OnDevice, cuda_library, fetched, placed
from train.parallel import DataParallel
from train.schedule import Cycle, at
from train.sharpness import sharpness_aware


class DivergedError(RuntimeError):
    """The loss or a weight is no longer a number; the message says what to change."""


class Learner:
    """All that changes from step to step, and the step itself."""

    def __init__(
        self,
        config: Config,
        cycles: tuple[Cycle, ...],
        state: State,
        start: Sequential | None = None,
        outputs: int = DIGITS,
    ) -> None:
        """Begin as ``state`` says, or, where that is empty, with ``start`` or a fresh network of so
        many outputs. Raises train.device.DeviceError where the device cannot be used.
        """
        self.config, self.step = config, state.step
        self._cycles, self.steps = cycles, cycles[-1].last
        model = build(config.model, config.seed, outputs) if start is None else copy_of(start)
        ignore_input_gradient(model)
        if state.model:
            set_arrays(model, state.model)
        self.optimizer = _optimizer(config)
        self.optimizer.state |= state.optimizer
        averaged = state.averaged or model.arrays()
        self.averaged = {name: array.copy() for name, array in averaged.items()}
        self.model = model
        self._gradients: OnDevice | DataParallel
        if config.device == "cuda":
            send = cuda_library().asarray
            self.model = placed(model, send)
            self._gradients = OnDevice(self.model, send)
            self.averaged = {name: send(array) for name, array in self.averaged.items()}
            kept = self.optimizer.state
            kept |= {name: send(array) for name, array in kept.items()}
        else:
            self._gradients = DataParallel(model, config.threads)

    def learn(self, inputs: Array, targets: Array) -> float:
        """Take one step on a batch and return its mean loss before the step.

        ``inputs: (batch, 28, 28, 1) float32``; ``targets: (batch,)`` classes, or ``(batch,
        classes)`` probabilities.

        Raises DivergedError, and leaves the weights as they are, if that is no finite number.
        """
        one_pass = partial(self._gradients.loss_and_gradients, inputs, targets)
        radius = at(self._cycles, self.step).radius
        loss = sharpness_aware(self.model, radius, one_pass) if radius else one_pass()
        if not math.isfinite(loss):
            raise DivergedError(f"the loss became {loss} at step {self.step}")
        self.optimizer.learning_rate = self.learning_rate()
        self.optimizer.step(self.model.parameters())
        self.step += 1
        _follow(self.averaged, self.model.arrays(), self.config.averaging, self.step)
        return loss

    def learning_rate(self) -> float:
        """Return the size of the step that comes next."""
        return at(self._cycles, self.step).learning_rate(self.step)

    def snapshot(self) -> State:
        """Return what a checkpoint needs to know of this, not copied where NumPy holds it.

        Raises DivergedError if a weight is no finite number: such a state is not worth keeping.
        """
        arrays = fetched(self.model.arrays())
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise DivergedError(f"the weights {name} became infinite at step {self.step}")
        layers = [{"type": type(layer).__name__, **layer.config()} for layer in self.model.layers]
        return State(
            self.step,
            self.steps,
            arrays,
            fetched(self.averaged),
            fetched(self.optimizer.state),
            layers=layers,
        )

    def result(self) -> Sequential:
        """Return a network of its own with the averaged weights."""
        return copy_of(self.model, fetched(self.averaged))

    def close(self) -> None:
        """End the threads."""
        self._gradients.close()


def copy_of(model: Sequential, arrays: Arrays | None = None) -> Sequential:
    """Return a network of the same layers with the same numbers, or with those of ``arrays``, in
    arrays of its own.
    """
    copy = Sequential([type(layer)(**layer.config()) for layer in model.layers])
    set_arrays(copy, model.arrays() if arrays is None else arrays)
    return copy


def set_arrays(model: Sequential, arrays: Arrays) -> None:
    """Copy stored parameters and buffers into ``model``."""
    for name, target in model.arrays().items():
        target[...] = arrays[name]


def _optimizer(config: Config) -> SGD | Adam:
    if config.optimizer == "adam":
        return Adam(config.learning_rate, weight_decay=config.weight_decay)
    return SGD(config.learning_rate, config.momentum, config.weight_decay)


def _follow(averaged: Arrays, current: Arrays, decay: float, step: int) -> None:
    """Move the average towards the current weights: Polyak averaging with an exponential memory.

    In the first steps the memory is shorter, so that the random start is soon forgotten.
    """
    share = 1 - min(decay, step / (step + 10))
    for name, average in averaged.items():
        average += share * (current[name] - average)
