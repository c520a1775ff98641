"""The training loop: batch after batch forward and back, and an average of the weights beside."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from nn.layers import Array
from nn.model import Sequential
from nn.optim import SGD, Adam
from nn.recognizer import Recognizer
from train import checkpoint
from train.architectures import build
from train.batches import Batches
from train.config import Config
from train.evaluate import error_rate
from train.examples import Task
from train.interrupt import stop_request
from train.parallel import DataParallel

WARM_UP = 0.05  # the share of the run in which the learning rate rises from almost nothing


class DivergedError(RuntimeError):
    """The loss is no longer a number; the message says what to change."""


def fit(task: Task, config: Config, directory: Path, resume: bool = False) -> Sequential:
    """Train a network and return it, with its averaged weights.

    Writes ``directory/checkpoint.npz`` after each epoch and when interrupted, and a line of JSON an
    epoch to ``directory/log.jsonl``. With ``resume`` the run goes on from the checkpoint and ends
    with the same bits as if it had not been stopped. Raises DivergedError, and train.data.DataError
    for a checkpoint that does not fit.
    """
    model = build(config.model, config.seed)
    optimizer = _optimizer(config)
    averaged = {name: array.copy() for name, array in model.arrays().items()}
    path = directory / "checkpoint.npz"
    state = checkpoint.State()
    if resume:
        state = checkpoint.load(path, config)
        set_arrays(model, state.model)
        averaged, optimizer.state = state.averaged, state.optimizer
    state.model, state.averaged, state.optimizer = model.arrays(), averaged, optimizer.state

    batches = Batches(task.train, config.batch_size, config.seed)
    steps = config.epochs * batches.steps_per_epoch
    parallel = DataParallel(model, config.threads)
    progress = tqdm(
        total=steps * batches.batch_size,
        initial=state.step * batches.batch_size,
        unit=" images",
        unit_scale=True,
        smoothing=0.05,
        mininterval=0.2 if sys.stderr.isatty() else 60,
    )
    losses: list[float] = []
    ahead = batches.ahead(state.step, steps)
    try:
        with threadpool_limits(1, "blas"), progress, stop_request() as stop:
            for inputs, labels in ahead:
                loss = parallel.loss_and_gradients(inputs, labels)
                if not math.isfinite(loss):
                    raise DivergedError(
                        f"the loss became {loss} at step {state.step}; the last good weights are "
                        "in "
                        f"{path}; try a --learning-rate below {config.learning_rate}"
                    )
                optimizer.learning_rate = learning_rate(config, state.step, steps)
                optimizer.step(model.parameters())
                state.step += 1
                _follow(averaged, model.arrays(), config.averaging, state.step)
                losses.append(loss)
                progress.update(len(inputs))
                if state.step % batches.steps_per_epoch == 0:
                    entry = {
                        "epoch": state.step // batches.steps_per_epoch,
                        "loss": round(float(np.mean(losses)), 5),
                        "learning_rate": round(optimizer.learning_rate, 6),
                    } | _validation_errors(task, config, averaged)
                    losses.clear()
                    checkpoint.save(path, config, state)
                    _log(directory / "log.jsonl", entry)
                    progress.set_postfix(entry)
                if stop.is_set():
                    checkpoint.save(path, config, state)
                    raise KeyboardInterrupt
    finally:
        ahead.close()  # type: ignore[attr-defined]
        parallel.close()
    set_arrays(model, averaged)
    return model


def learning_rate(config: Config, step: int, steps: int) -> float:
    """Return the rate for ``step``: a straight rise, then half a cosine down to zero.

    Source of the shape: Loshchilov and Hutter, "SGDR", 2017, without restarts; the rise is from
    Goyal and others, "Accurate, Large Minibatch SGD", 2017.
    """
    warm_up = WARM_UP * steps
    if step < warm_up:
        return config.learning_rate * (step + 1) / (warm_up + 1)
    return (
        config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
    )


def set_arrays(model: Sequential, arrays: dict[str, Array]) -> None:
    """Copy stored parameters and buffers into ``model``."""
    for name, target in model.arrays().items():
        target[...] = arrays[name]


def _optimizer(config: Config) -> SGD | Adam:
    if config.optimizer == "adam":
        return Adam(config.learning_rate, weight_decay=config.weight_decay)
    return SGD(config.learning_rate, config.momentum, config.weight_decay)


def _follow(averaged: dict[str, Array], current: dict[str, Array], decay: float, step: int) -> None:
    """Move the average towards the current weights: Polyak averaging with an exponential memory.

    In the first steps the memory is shorter, so that the random start is soon forgotten.
    """
    share = np.float32(1 - min(decay, step / (step + 10)))
    for name, average in averaged.items():
        average += share * (current[name] - average)


def _validation_errors(task: Task, config: Config, averaged: dict[str, Array]) -> dict[str, float]:
    model = build(config.model, config.seed)
    set_arrays(model, averaged)
    recognizer = Recognizer(model, {})
    return {
        f"{name} error %": round(100 * error_rate(recognizer, part), 3)
        for name, part in task.validation.items()
    }


def _log(path: Path, entry: dict[str, float]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
