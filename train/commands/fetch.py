"""`python -m train fetch`: downloads what can be had, and says where the rest comes from."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.commands.base import Command, register
from train.commands.parsing import Parser
from train.fetch import fetch


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder that MNIST's four files go to (without it: the cache, which is looked in)",
    )


def run(options: argparse.Namespace) -> int:
    """Download MNIST unless it is there, check it, and tell what else is there."""
    fetch(options.to)
    return 0


register("fetch", Command("download the data that training needs", add_options, run))
