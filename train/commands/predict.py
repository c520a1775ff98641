"""`python -m train predict`: reads Kaggle's test.csv and writes the submission.csv it takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.commands.base import Command, register
from train.commands.parsing import Parser
from train.commands.targets import check_target
from train.commands.weights_option import add_weights_option, load_weights
from train.submit import submit


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    parser.add_argument("csv", type=Path, metavar="CSV", help="Kaggle's test.csv, gzip or not")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("submission.csv"),
        metavar="FILE",
        help="where the answers go, one row an image: ImageId,Label",
    )
    add_weights_option(parser)


def run(options: argparse.Namespace) -> int:
    """Read each image and write its digit."""
    check_target(options, "out")
    done = submit(load_weights(options.weights), options.csv, options.out)
    print(f"Wrote {options.out}: {done.rows} images read.")
    if done.wrong is not None:
        print(f"Its labels differ in {done.wrong} ({done.wrong / done.rows:.2%}).")
    return 0


register("predict", Command("write a Kaggle submission.csv for a test.csv", add_options, run))
