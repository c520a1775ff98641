"""Tells in words what lies in a run's folder: settings, data, progress, result."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from train import checkpoint
from train.config import FINE_TUNING, Config
from train.data import DataError
from train.folder import FILES
from train.watch import log


def explain(directory: Path) -> str:
    """Return the account as Markdown; raises DataError if no run was described there."""
    path = directory / "run.json"
    try:
        described = json.loads(path.read_text("utf-8"))
        command, options = described["command"], dict(described["options"])
        identity, made_with = (dict(described.get(name, {})) for name in ("identity", "made_with"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{path}: there is no such file; expected a folder that `python -m train` made"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected a run's description as JSON ({error!r})") from error
    return "\n".join(
        [
            f"# {directory}",
            "",
            f"`{command}`, {_made_with(made_with)}.",
            "",
            "## Settings",
            "",
            *_settings(options, FINE_TUNING if command == "fine-tune" else Config()),
            "",
            "## Data and files",
            "",
            *_data(options, identity),
            "",
            "## Progress",
            "",
            *_checked(_progress(directory), directory / "log.jsonl", "a run's log as JSON lines"),
            "",
            "## Result",
            "",
            *_checked(_result(directory), directory / "result.json", "a run's result as JSON"),
            "",
            "## To do it again",
            "",
            *_again(directory),
            "",
            "## Files",
            "",
            *(f"- {directory / name}" for name in FILES if (directory / name).exists()),
        ]
    )


def _checked(lines: Iterable[str], path: Path, expected: str) -> Iterable[str]:
    """Yield the lines; DataError if what they are made of has another form."""
    try:
        yield from lines
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: expected {expected} ({error!r})") from error


def _made_with(versions: Mapping[str, Any]) -> str:
    return "made with " + ", ".join(f"{name} {version}" for name, version in versions.items())


def _settings(options: Mapping[str, Any], defaults: Config) -> Iterable[str]:
    """Yield each setting with what it means, and the default where it is another."""
    for field in dataclasses.fields(Config):
        if field.name in options:
            value, usual = options[field.name], getattr(defaults, field.name)
            other = "" if value == usual else f" (usually {usual})"
            yield f"- {field.name} = {value}{other}: {field.metadata['help']}"


def _data(options: Mapping[str, Any], identity: Mapping[str, str]) -> Iterable[str]:
    names = {field.name for field in dataclasses.fields(Config)}
    for name, value in options.items():
        if name not in names and value not in (None, False, []):
            yield f"- --{name.replace('_', '-')} {'' if value is True else value}".rstrip()
    for name, sha256 in identity.items():
        yield f"- {name}: SHA-256 {sha256}"


def _progress(directory: Path) -> Iterable[str]:
    try:
        state, _, _ = checkpoint.read(directory / "checkpoint.npz")
    except checkpoint.CheckpointError as error:
        yield f"{error}."
    else:
        yield f"The newest checkpoint stands at step {state.step} of {state.steps or '?'}."
    epochs = [line for line in log.read(directory / "log.jsonl") if line.get("kind") == "epoch"]
    if not epochs:
        yield "No epoch has ended."
        return
    names = list(epochs[-1]["validation_error_percent"])
    yield ""
    yield "| epoch | loss | " + " | ".join(f"{name} error %" for name in names) + " | seconds |"
    yield "|---" * (len(names) + 3) + "|"
    every = max(1, len(epochs) // 10)
    for line in [*epochs[:-1:every], epochs[-1]]:
        errors = " | ".join(str(line["validation_error_percent"].get(name)) for name in names)
        yield f"| {line['epoch']:g} | {line['loss']} | {errors} | {line['seconds']:.0f} |"


def _again(directory: Path) -> Iterable[str]:
    config, start = directory / "run.json", directory / "start.npz"
    same = f"--config {shlex.quote(str(config))} --run OTHER_FOLDER --out OTHER.npz"
    if start.exists():  # the weights that it began with may have been written over since, by it
        same += f" --weights {shlex.quote(str(start))}"
    yield f"- to the same bits: `python -m train {same}`"
    folder = shlex.quote(str(directory))
    yield f"- to go on where it was stopped: `python -m train --run {folder} --resume`"


def _result(directory: Path) -> Iterable[str]:
    path = directory / "result.json"
    try:
        result = json.loads(path.read_text("utf-8"))
        yield f"- weights: {result['weights']}, SHA-256 {result['sha256']}"
        for kind, errors in result["errors"].items():
            for name, error in errors.items():
                yield f"- errors on {name}, {kind}: {error:.2%}"
    except FileNotFoundError:
        yield "There is none yet."
