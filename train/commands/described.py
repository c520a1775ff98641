"""From arguments to a command and its options, with what a run's own file says in between.

What the command line says goes before what the file says, and that before the built-in defaults.
The file is the one that ``--config`` names; with ``--resume`` it is the one in the run's folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from train.commands.base import COMMANDS, Command
from train.commands.data_options import data_option_names
from train.commands.parsing import Parser, UsageError, read_description
from train.run import DESCRIPTION

DEFAULT_COMMAND = "fit"
DEFAULT_RUN = Path("runs/latest")


def command_and_options(arguments: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """Return the command that ``arguments`` ask for, ``fit`` if none, and its options.

    The options know their command's name as ``command``. Raises UsageError.
    """
    named = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if named is not None and named not in COMMANDS:
        raise UsageError(f"there is no command {named!r}; expected one of {', '.join(COMMANDS)}")
    rest = list(arguments if named is None else arguments[1:])
    origin = None
    if named is None or COMMANDS[named].keeps_description:
        origin = _origin(rest)
    described = {} if origin is None else read_description(origin)
    name = described.get("command", DEFAULT_COMMAND) if named is None else named
    if name not in COMMANDS or (origin and described.get("command", name) != name):
        raise UsageError(f"{origin}: describes a run of {described.get('command')!r}, not {name!r}")

    command = COMMANDS[name]
    parser = make_parser(name)
    if origin is not None:
        # Where the command line names data, it names all of them.
        dropped = data_option_names() if parser.given(rest) & data_option_names() else set()
        kept = {name: value for name, value in described["options"].items() if name not in dropped}
        rest = parser.to_arguments(kept, origin) + rest
    parsed = parser.parse_args(rest)
    parsed.command = name
    return command, parsed


def make_parser(name: str) -> Parser:
    """Return the parser of a command."""
    command = COMMANDS[name]
    parser = Parser(f"python -m train {name}", f"{command.help[0].upper()}{command.help[1:]}.")
    command.add_options(parser)
    return parser


def _origin(arguments: Sequence[str]) -> Path | None:
    """Return the file that describes the run, if the arguments come to one."""
    known = Parser("python -m train", "")
    known.add_argument("--config", type=Path)
    known.add_argument("--run", type=Path, default=DEFAULT_RUN)
    known.add_argument("--resume", nargs="?", const="newest")
    if set(arguments) & {"-h", "--help"}:
        return None
    options, _ = known.parse_known_args(arguments)
    if options.config is not None:
        return Path(options.config)
    in_folder = Path(options.run) / DESCRIPTION
    return in_folder if options.resume and in_folder.is_file() else None
