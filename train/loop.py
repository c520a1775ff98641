"""The training loop: batch after batch, forward and back, watched and kept on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from nn.model import Sequential
from train import schedule
from train.augment import AUGMENTATIONS
from train.batches import Batches
from train.checkpoint import Identity, State
from train.config import Config
from train.examples import Task
from train.interrupt import Stopped, stop_request
from train.keeper import Keeper
from train.learner import DivergedError, Learner
from train.memory import keep_freed_memory
from train.teachers import Teachers
from train.watch import Watcher

LINES = 600
"""About so many lines of the log between the epochs' own, over the whole run."""


def fit(
    task: Task,
    config: Config,
    directory: Path,
    resume: str = "",
    *,
    start: Sequential | None = None,
    teachers: Teachers | None = None,
    identity: Identity | None = None,
    save_every: float = 30.0,
) -> Sequential:
    """Train a network and return it, with its averaged weights.

    Begins with ``start``, by default with fresh weights. Writes ``directory/checkpoint.npz`` every
    ``save_every`` seconds, after each epoch and when interrupted, and what ``train.watch`` shows of
    the run. With ``resume`` (``"newest"`` or ``"previous"``) it goes on from that checkpoint and
    ends with the same bits as if it had not been stopped. With ``teachers`` the targets are theirs
    in part. ``identity`` holds hashes of the data and files: a checkpoint of others is refused.

    Raises train.interrupt.Stopped after a signal, DivergedError, train.keeper.SaveError, and
    train.checkpoint.CheckpointError for a checkpoint that does not fit.
    """
    batches = Batches(task.train, config.batch_size, config.seed)
    cycles = schedule.cycles(config, batches.steps_per_epoch)
    steps = cycles[-1].last
    batches.follow(cycles, config.settling, AUGMENTATIONS[config.later_augmentation])
    line_every = max(1, steps // LINES)
    directory.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    keeper = Keeper(directory / "checkpoint.npz", config, identity or {}, save_every)
    state = keeper.load(resume) if resume else State()
    losses = state.losses  # of the epoch so far
    # Each thread needs an image of every step; of so few examples there may not be one for each.
    threads = min(config.threads, batches.batch_size)
    learner = Learner(replace(config, threads=threads), cycles, state, start, task.outputs)
    watcher = Watcher(directory, task, steps, batches.batch_size, state)
    ahead = batches.ahead(state.step, steps, config.makers)

    def save() -> None:
        state = learner.snapshot()
        state.losses, state.history = losses, watcher.history
        keeper.save(state)

    try:
        with threadpool_limits(1, "blas"), watcher, stop_request() as stop:
            for inputs, labels in ahead:
                targets = labels if teachers is None else teachers.targets(inputs, labels)
                losses.append(learner.learn(inputs, targets))
                epoch_ends = learner.step % batches.steps_per_epoch == 0
                watcher.step(losses[-1])
                if epoch_ends:
                    rate = learner.optimizer.learning_rate
                    watcher.epoch(float(np.mean(losses)), rate, learner.result())
                    losses.clear()
                elif learner.step % line_every == 0:
                    recent = float(np.mean(losses[-line_every:]))
                    watcher.line(recent, learner.optimizer.learning_rate)
                if epoch_ends or stop or keeper.due():
                    save()
                if stop and learner.step < steps:
                    raise Stopped(
                        f"stopped at step {learner.step} of {steps}, which {keeper.path} holds; "
                        "the same command with --resume goes on from there",
                        stop.signal_number,
                    )
            watcher.finish(learner.result())
    except DivergedError as error:
        raise DivergedError(
            f"{error}. {keeper.last_good()} Try a --learning-rate below {config.learning_rate}"
        ) from error
    finally:
        ahead.close()
        learner.close()
    return learner.result()
