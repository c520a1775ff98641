"""A run's state on disk, written whole or not at all, so that a stopped run goes on as if it never
had stopped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nn.layers import Array
from train.config import Config
from train.data import DataError

Arrays = dict[str, Array]


@dataclass
class State:
    """Where a run stands. Everything random is drawn from the seed and ``step``, so that is all
    there is.
    """

    step: int = 0
    model: Arrays = field(default_factory=dict)
    averaged: Arrays = field(default_factory=dict)
    optimizer: Arrays = field(default_factory=dict)


def save(path: Path, config: Config, state: State) -> None:
    """Write ``state`` beside ``path`` and rename it: an interrupted write leaves the old
    checkpoint.
    """
    arrays = {
        f"{part}/{name}": array
        for part in ("model", "averaged", "optimizer")
        for name, array in getattr(state, part).items()
    }
    settings = np.frombuffer(json.dumps(config.to_dict(), sort_keys=True).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            np.savez(file, config=settings, step=np.int64(state.step), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: Path, config: Config) -> State:
    """Read a checkpoint of a run with the same settings; DataError says what does not fit."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file.items())
        settings = json.loads(arrays.pop("config").tobytes().decode())
        state = State(step=int(arrays.pop("step")))
        for key, array in arrays.items():
            part, name = key.split("/", 1)
            getattr(state, part)[name] = array
    except Exception as error:  # a damaged archive raises many kinds
        raise DataError(
            f"{path}: not a readable checkpoint ({error}); delete it to start afresh"
        ) from error
    wanted = config.to_dict()
    odd = [key for key in wanted if settings.get(key) != wanted[key]]
    if odd:
        was = ", ".join(f"{key} {settings.get(key)!r} (now {wanted[key]!r})" for key in odd)
        raise DataError(
            f"{path}: the checkpoint is of a run with other settings: {was}; "
            "repeat those settings, or start afresh without --resume"
        )
    return state
