"""The options that every training run has: its settings, its folder, how it goes on."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from nn.recognizer import DEFAULT_PATH
from train.commands.described import DEFAULT_RUN
from train.commands.parsing import Parser, UsageError, as_json, number
from train.commands.targets import check_target
from train.config import CHOICES, Config
from train.device import cuda_library
from train.folder import FILES
from train.ranges import AT_LEAST_0
from train.run import DESCRIPTION, Plan
from train.schedule import without_effect

OWN = [name for name in FILES if name != "weights.npz"]
"""Files of a run's folder that hold something else than its weights."""
NOT_DESCRIBED = {"config", "resume", "fresh", "command"}
"""What a run's description leaves out: it is not about what is learned."""


def add_settings(parser: Parser, defaults: Config, without: Collection[str] = ()) -> None:
    """Add an option for each setting but those in ``without``."""
    group = parser.add_argument_group("settings")
    for field in dataclasses.fields(Config):
        if field.name in without:
            continue
        default, among = getattr(defaults, field.name), field.metadata["among"]
        kind = type(default)
        choices: Any = sorted(CHOICES[field.name]) if field.name in CHOICES else None
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind if among is None else number(kind, among),
            default=default,
            choices=choices,
            metavar=None if choices else kind.__name__.upper(),
            help=field.metadata["help"],
        )


def add_folder_options(parser: Parser) -> None:
    """Add the options that say where a run writes and how it goes on."""
    option = parser.add_argument_group("files").add_argument
    option("--out", type=Path, default=DEFAULT_PATH, metavar="FILE", help="where the weights go")
    option(
        "--run",
        type=Path,
        default=DEFAULT_RUN,
        metavar="DIR",
        help="folder of the run: its description, checkpoints, log and report",
    )
    option(
        "--save-every",
        type=number(float, AT_LEAST_0),
        default=30.0,
        metavar="SECONDS",
        help="time between checkpoints: what a kill can cost, in seconds",
    )
    option(
        "--resume",
        nargs="?",
        const="newest",
        choices=("newest", "previous"),
        help="go on from the newest checkpoint in --run, with the settings of that run; "
        "`previous` goes back to the one before (without it: start anew)",
    )
    option("--fresh", action="store_true", help="start anew although --run holds an unfinished run")
    option(
        "--config",
        type=Path,
        metavar="FILE",
        help="a run's run.json: repeat that run; options beside it override what it says "
        "(without it: the defaults here)",
    )


def settings(options: argparse.Namespace, defaults: Config) -> Config:
    """Return the settings that the options give; UsageError where they do not go together."""
    names = [field.name for field in dataclasses.fields(Config) if field.name in options]
    try:
        return dataclasses.replace(defaults, **{name: getattr(options, name) for name in names})
    except ValueError as error:
        raise UsageError(str(error)) from error


def plan(options: argparse.Namespace, defaults: Config, own: Collection[str] = OWN) -> Plan:
    """Return what is to be done, checked before any data are read; say which settings do nothing.

    ``defaults`` are the settings that have no option, ``own`` the files of the run's folder that
    are not for the weights. UsageError for a folder that is not there and
    for a run that would put itself aside; train.device.DeviceError for a device that is not there.
    """
    if not options.out.parent.is_dir():
        raise UsageError(f"--out: the folder {options.out.parent} does not exist; make it first")
    check_target(options, "out", may_replace=["weights"])  # a network may be tuned in its place
    if options.out.resolve() in {(options.run / name).resolve() for name in own}:
        raise UsageError(
            f"--out: {options.out} is a file that the run in {options.run} keeps for itself; "
            "name another one"
        )
    if options.run.exists() and not options.run.is_dir():
        raise UsageError(f"--run: {options.run} is a file; expected a folder")
    origin = options.config
    if origin is not None and origin.resolve() == (options.run / DESCRIPTION).resolve():
        raise UsageError(
            f"--config: {origin} is the description of the run in {options.run}; give the "
            "repetition another folder with --run"
        )
    config = settings(options, defaults)
    if note := without_effect(config):
        print(note, file=sys.stderr)
    if config.device == "cuda":
        cuda_library()
    return Plan(
        config,
        options.run,
        options.out,
        options.resume or "",
        options.fresh,
        options.save_every,
    )


def as_described(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options as plain values: what the run's description keeps."""
    return {
        name: as_json(value) for name, value in vars(options).items() if name not in NOT_DESCRIBED
    }
