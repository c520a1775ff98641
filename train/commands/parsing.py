"""Options: every one with its help, unit and default; and the small file that keeps them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from train.ranges import Range

Number = TypeVar("Number", int, float)


class UsageError(ValueError):
    """An option that does not exist, or a value that an option cannot have."""


class _Formatter(argparse.HelpFormatter):
    """Shows each option's default, where it has one that says something."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.default in (None, argparse.SUPPRESS, "", []) or not action.option_strings:
            return text
        if isinstance(action.default, bool):
            return f"{text} (default: {'yes' if action.default else 'no'})"
        return f"{text} (default: %(default)s)"


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError instead of ending the program."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog, description=description, formatter_class=_Formatter, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message}; see `{self.prog} --help`")

    def given(self, arguments: Sequence[str]) -> set[str]:
        """Return the names of the options that ``arguments`` name, defaults left out."""
        unset = object()
        names = [action.dest for action in self._actions]
        parsed = self.parse_args(arguments, argparse.Namespace(**dict.fromkeys(names, unset)))
        return {name for name, value in vars(parsed).items() if value is not unset}

    def to_arguments(self, options: dict[str, Any], origin: Path) -> list[str]:
        """Turn options as a file keeps them back into a command line.

        Raises UsageError, naming the file, for an option that does not exist or cannot be so.
        """
        actions = {action.dest: action for action in self._actions}
        arguments: list[str] = []
        for name, value in options.items():
            if name not in actions or not actions[name].option_strings:
                raise UsageError(f"{origin}: options: there is no option {name!r}")
            flag = actions[name].option_strings[0]
            if value is None or value is False or value == []:
                continue
            arguments.append(flag)
            if value is not True:
                arguments += [str(item) for item in (value if isinstance(value, list) else [value])]
        try:
            self.parse_args(arguments)
        except UsageError as error:
            raise UsageError(f"{origin}: options: {error}") from error
        return arguments


def number(kind: type[Number], among: Range) -> Callable[[str], Number]:
    """Return an option's ``type``: what reads a number, and refuses one that it cannot be."""

    def read(text: str) -> Number:
        value = kind(text)  # argparse has words for the ValueError
        if not among.holds(value):
            raise argparse.ArgumentTypeError(f"expected {among.words}, got {value}")
        return value

    read.__name__ = kind.__name__  # which argparse shows
    return read


def as_json(value: Any) -> Any:
    """Return an option's value as a file keeps it; paths from the root, so that they hold."""
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value


def read_description(path: Path) -> dict[str, Any]:
    """Return the description of a run in a file; UsageError says what is wrong with it."""
    try:
        described = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: expected a run's description as JSON ({error})") from error
    options = described.get("options") if isinstance(described, dict) else None
    if not isinstance(options, dict):
        raise UsageError(f'{path}: expected {{"command": ..., "options": {{...}}}}')
    if not isinstance(described.get("command", ""), str):
        raise UsageError(f"{path}: command: expected a name, got {described['command']!r}")
    for name in ("identity", "made_with"):
        if not isinstance(described.get(name, {}), dict):
            raise UsageError(f"{path}: {name}: expected an object, got {described[name]!r}")
    return dict(described)
