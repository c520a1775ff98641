"""The command line: `python -m train` trains the network, with `--help` it says what else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from train.commands import COMMANDS
from train.commands.described import command_and_options
from train.commands.parsing import UsageError
from train.interrupt import Stopped, polite_end
from train.keeper import SaveError
from train.learner import DivergedError
from train.sweep import SweepError

HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; ``argv`` is without the program's name.

    0: done. 1: it cannot be done, a message says why. 2: the command line itself is wrong. 128 and
    the signal's number, such as 130 for Ctrl-C: stopped, what was learned is saved.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in HELP:
        print(_overview())
        return 0
    try:
        command, options = command_and_options(arguments)
        with polite_end():
            return command.run(options)
    except UsageError as error:
        return _say(str(error), 2)
    except Stopped as stopped:
        return _say(str(stopped), stopped.exit_code)
    except KeyboardInterrupt:
        return _say("stopped", 130)
    except (
        DivergedError,
        SaveError,
        SweepError,
        ValueError,
        OSError,
    ) as error:
        return _say(str(error), 1)


def _say(message: str, exit_code: int) -> int:
    print(f"train: {message}", file=sys.stderr)
    return exit_code


def _overview() -> str:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        usage="python -m train [COMMAND] [OPTIONS]",
        description="Train and measure the digit recognizer.",
        epilog="Without a command: fit. `python -m train COMMAND --help` lists its options.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help)
    return parser.format_help()


if __name__ == "__main__":
    sys.exit(main())
