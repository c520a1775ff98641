"""`python -m train fit`: trains a network and writes its weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.commands.base import Command, register
from train.commands.data_options import add_data_options, read_parts, training_task
from train.commands.parsing import Parser
from train.commands.run_options import add_folder_options, add_settings, as_described, plan
from train.commands.weights_option import refuse_checkpoint
from train.config import Config
from train.evaluate import error_table
from train.folder import BEFORE
from train.run import begun, describe, finish, make_room, train, warn_of_changes, written
from train.teachers import Teachers, load_teachers


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_data_options(parser)
    add_settings(parser, Config())
    parser.add_argument(
        "--teacher",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="weights of trained networks, whose mean answer is part of the targets "
        "(without it: labels alone)",
    )
    add_folder_options(parser)


def run(options: argparse.Namespace) -> int:
    """Train, write the weights, print the errors on the test parts."""
    work = plan(options, Config())
    for path in options.teacher:
        refuse_checkpoint(path)
    aside = (work.directory / BEFORE).resolve()
    for path in () if work.resume else options.teacher:
        if aside in path.resolve().parents:
            raise ValueError(
                f"--teacher: {path} is of the run in {aside}, whose place the last one now takes; "
                "move it, or give the new run another folder with --run"
            )
    with begun(work):
        task, identity = training_task(read_parts(options), work.config)
        teachers: Teachers | None = None
        if options.teacher:
            teachers, hashes = load_teachers(options.teacher, work.config, task.outputs)
            identity |= hashes
        warn_of_changes(options.config, identity)
        moved = make_room(work, task)
        # A teacher that an earlier run left here is found again when this one is resumed.
        options.teacher = [moved.get(path.resolve(), path) for path in options.teacher]
        describe(work, options.command, as_described(options), identity)
        print(f"Training on {'; '.join(f'{name}: {what}' for name, what in task.sources.items())}.")
        model, temperature = train(work, task, identity, teachers=teachers)
        metadata = {"model": work.config.model, "trained_on": task.sources}
        recognizer = finish(work, model, temperature, task, metadata)
    print(error_table(recognizer, task.test))
    print(written(work.out))
    return 0


register("fit", Command("train a network and write its weights", add_options, run, True))
