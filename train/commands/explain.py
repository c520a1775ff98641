"""`python -m train explain`: what a run's folder holds, told in words."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.commands.base import Command, register
from train.commands.described import DEFAULT_RUN
from train.commands.parsing import Parser
from train.explain import explain


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "run",
        type=Path,
        nargs="?",
        default=DEFAULT_RUN,
        metavar="DIR",
        help=f"folder of the run (default: {DEFAULT_RUN})",
    )


def run(options: argparse.Namespace) -> int:
    """Print what was run, on what, how it went, and how to repeat it."""
    print(explain(options.run))
    return 0


register(
    "explain",
    Command("tell what a run was, its data and result, how to repeat it", add_options, run),
)
