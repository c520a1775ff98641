"""What a command is, and the register in which `python -m train` finds it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from train.commands.parsing import Parser


class Command(NamedTuple):
    """One of the things that `python -m train` can be asked to do."""

    help: str
    """What it does, in a line."""
    add_options: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], int]
    """Does it and returns the exit code; errors are raised, with a message for a person."""
    keeps_description: bool = False
    """It has ``--config``, ``--run`` and ``--resume``: a run's own file describes it."""


COMMANDS: dict[str, Command] = {}


def register(name: str, command: Command) -> Command:
    """Give a command its name; ValueError if it is taken."""
    if name in COMMANDS:
        raise ValueError(f"command {name!r} is registered twice")
    COMMANDS[name] = command
    return command
