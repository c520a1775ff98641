"""`python -m train rehearsal`: makes what the page's network rehearses while it is taught."""

from __future__ import annotations

import argparse
from pathlib import Path

from nn.recognizer import DEFAULT_PATH
from nn.teach import DEFAULT_PATH as REHEARSAL
from train.commands.base import Command, register
from train.commands.data_options import add_data_options, read_examples
from train.commands.parsing import Parser
from train.commands.targets import check_target
from train.commands.weights_option import load_finished
from train.rehearsal import collect, write


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_data_options(parser)
    option = parser.add_argument
    option(
        "--weights",
        type=Path,
        default=DEFAULT_PATH,
        metavar="FILE",
        help="the weights that will be taught",
    )
    option(
        "--out",
        type=Path,
        default=REHEARSAL,
        metavar="FILE",
        help="where the rehearsal goes; the page takes the one beside its weights",
    )


def run(options: argparse.Namespace) -> int:
    """Look at training examples, and write what is kept of them."""
    check_target(options, "out")
    recognizer = load_finished(options.weights)
    arrays = collect(recognizer, read_examples(options))
    size = write(options.out, arrays)
    print(
        f"Wrote {options.out}: {len(arrays['features'])} examples, {size:,} bytes, "
        f"for the weights {recognizer.model_hash[:12]}"
    )
    return 0


register(
    "rehearsal",
    Command("make what the page rehearses while it is taught, for new weights", add_options, run),
)
