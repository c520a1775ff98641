"""A run's state on disk, written whole or not at all, so that a stopped run goes on as if it never
had stopped.

Beside the newest checkpoint lies the one before it: should the disk spoil the newest, little is
lost. Everything random is drawn from the seed and the step (by Dropout from its input), so neither
a generator's state nor the data's order needs to be kept.
"""

from __future__ import annotations

import filecmp
import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nn.layers import Array
from train.config import Config
from train.data import DataError
from train.data.files import replacing

Arrays = dict[str, Array]
Identity = Mapping[str, Any]
"""Hashes of what the settings do not say: the data, the weights of teachers and of the start."""

DEFAULTS = Config().to_dict()


class CheckpointError(DataError):
    """A checkpoint that cannot be read, or is of another run."""


@dataclass
class State:
    """Where a run stands."""

    step: int = 0
    steps: int = 0
    """Of the whole run; 0 if it is not known."""
    model: Arrays = field(default_factory=dict)
    averaged: Arrays = field(default_factory=dict)
    optimizer: Arrays = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    """Of the steps since the epoch began."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """The lines of the log."""
    layers: list[dict[str, Any]] = field(default_factory=list)
    """The network's layers, each its type and sizes: with ``averaged`` it can be made again."""

    @property
    def finished(self) -> bool:
        """Tell whether nothing is left to learn."""
        return 0 < self.steps <= self.step


def export_command(path: Path) -> str:
    """Return the command line that makes a weights file of a checkpoint."""
    return f"python -m train export --weights {shlex.quote(str(path))} --npz FILE"


def previous(path: Path) -> Path:
    """Return where the checkpoint before the one at ``path`` is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def save(path: Path, config: Config, state: State, identity: Identity | None = None) -> None:
    """Write ``state`` beside ``path`` and rename it; what was at ``path`` becomes the previous one.

    Whenever this is interrupted, both files are whole. Raises OSError if they cannot be written.
    """
    arrays = {
        f"{part}/{name}": array
        for part in ("model", "averaged", "optimizer")
        for name, array in getattr(state, part).items()
    }
    with replacing(path) as file:
        np.savez(
            file,
            config=_encode(config.to_dict()),
            identity=_encode(dict(identity or {})),
            history=_encode(state.history),
            layers=_encode(state.layers),
            losses=np.array(state.losses, np.float64),
            step=np.int64(state.step),
            steps=np.int64(state.steps),
            **arrays,
        )
        file.flush()
        os.fsync(file.fileno())  # the new one has to be whole before the old one is given up
        if path.exists():
            _copy(path, previous(path))


def go_back(path: Path, config: Config, identity: Identity | None = None) -> None:
    """Put the previous checkpoint into the newest one's place, which is kept as ``*.unreadable``.

    To go back once more, before anything was learned, changes nothing. Raises CheckpointError, and
    moves nothing, if there is no previous one, or it cannot be read either, or is of another run.
    """
    before = previous(path)
    _, settings, its_identity = read(before)
    _refuse_others(before, settings, its_identity, config, identity)
    if path.exists():
        if filecmp.cmp(path, before, shallow=False):
            return
        os.replace(path, path.with_name(f"{path.name}.unreadable"))
    _copy(before, path)


def _copy(source: Path, target: Path) -> None:
    """Make ``target`` another name of the file at ``source``, or a copy where names are single."""
    beside = target.with_name(f".{target.name}.part")
    beside.unlink(missing_ok=True)
    try:
        os.link(source, beside)
    except OSError:
        shutil.copyfile(source, beside)
    os.replace(beside, target)


def read(path: Path) -> tuple[State, dict[str, Any], dict[str, Any]]:
    """Return the state, the settings and the identity in a checkpoint, whatever run it is of.

    Raises CheckpointError for a file that is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: Arrays = dict(file.items())
        settings = _decode(arrays.pop("config"))
        identity = _decode(arrays.pop("identity", _encode({})))
        state = State(
            int(arrays.pop("step")),
            int(arrays.pop("steps", np.int64(0))),
            losses=arrays.pop("losses", np.empty(0)).tolist(),
            history=_decode(arrays.pop("history", _encode([]))),
            layers=_decode(arrays.pop("layers", _encode([]))),
        )
        for key, array in arrays.items():
            part, name = key.split("/", 1)
            getattr(state, part)[name] = array
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no checkpoint") from None
    except Exception as error:  # a damaged archive raises many kinds
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from error
    return state, settings, identity


def load(path: Path, config: Config, identity: Identity | None = None) -> State:
    """Read the checkpoint of a run with the same settings and data.

    Raises CheckpointError, which says what does not fit, and whether the one before can be used.
    """
    try:
        state, settings, its_identity = read(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {_way_back(path)}") from error
    _refuse_others(path, settings, its_identity, config, identity)
    return state


def _refuse_others(
    path: Path,
    settings: Mapping[str, Any],
    its_identity: Identity,
    config: Config,
    identity: Identity | None,
) -> None:
    """Raise CheckpointError if a checkpoint is of a run with other settings or data."""
    _compare(path, "settings", settings, DEFAULTS | config.to_dict(), DEFAULTS)
    if its_identity and identity:
        missing = {name: None for name in its_identity if name not in identity}
        _compare(path, "data", its_identity, dict(identity) | missing, {})


def _compare(
    path: Path, what: str, was: Mapping[str, Any], now: Identity, defaults: Mapping[str, Any]
) -> None:
    odd = [key for key in now if was.get(key, defaults.get(key)) != now[key]]
    if odd:
        text = ", ".join(
            f"{key} {was.get(key, defaults.get(key))!r} (now {now[key]!r})" for key in odd
        )
        raise CheckpointError(
            f"{path}: the checkpoint is of a run with other {what}: {text}; "
            "repeat those, or start afresh in another --run"
        )


def _way_back(path: Path) -> str:
    """Say what can be done about a checkpoint that cannot be read."""
    before = previous(path)
    try:
        step = read(before)[0].step
    except CheckpointError:
        return "there is none before it either: start anew with --fresh"
    return f"the one before it, {before.name}, is whole (step {step}): --resume previous takes it"


def _encode(value: Any) -> Array:
    return np.frombuffer(json.dumps(value, sort_keys=True).encode(), np.uint8)


def _decode(array: Array) -> Any:
    return json.loads(array.tobytes().decode())
