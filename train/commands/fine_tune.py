"""`python -m train fine-tune`: teaches a trained network some corrected digits."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from nn import Recognizer
from nn.numbers import DIGITS
from nn.recognizer import DEFAULT_PATH
from train.commands.base import Command, register
from train.commands.data_options import add_data_options, read_parts, shared_with, training_task
from train.commands.parsing import Parser, UsageError, number
from train.commands.run_options import add_folder_options, add_settings, as_described, plan
from train.commands.weights_option import load_finished
from train.config import FINE_TUNING as DEFAULTS
from train.corrections import divide, read_corrections, with_corrections
from train.data.files import replacing
from train.evaluate import error_rate, outputs_of
from train.examples import Labelled
from train.folder import FILES
from train.ranges import AT_LEAST_0, AT_LEAST_1, WITHIN_1
from train.run import Plan, begun, describe, finish, make_room, train, warn_of_changes, written

NOT_ASKED = ("model", "pen_repeats", "teacher_share")
"""Settings that do not count here: the network is there already."""


class SpoiledError(ValueError):
    """The tuned network reads ordinary digits worse; the message says where it is nonetheless."""


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    option = parser.add_argument
    option(
        "--corrections",
        type=Path,
        nargs="+",
        default=[],
        metavar="CSV",
        help="corrected digits in the form of Kaggle's train.csv, as the page exports them "
        "(required)",
    )
    option(
        "--weights", type=Path, default=DEFAULT_PATH, metavar="FILE", help="weights to start from"
    )
    option(
        "--rehearsal",
        type=number(int, AT_LEAST_1),
        default=6000,
        metavar="INT",
        help="ordinary examples that are learned again each epoch, so that none is forgotten",
    )
    option(
        "--share",
        type=number(float, WITHIN_1),
        default=0.3,
        metavar="FLOAT",
        help="share of the examples that are corrections, 0 to 1; they are repeated, varied, "
        "up to 50 times",
    )
    option(
        "--tolerance",
        type=number(float, AT_LEAST_0),
        default=0.1,
        metavar="PERCENT",
        help="the weights are written to --out only if no held-out part of the ordinary data is "
        "read worse by more than this, in percentage points",
    )
    add_data_options(parser)
    add_settings(parser, DEFAULTS, NOT_ASKED)
    add_folder_options(parser)


def run(options: argparse.Namespace) -> int:
    """Tune, compare, and write the weights if nothing was spoiled."""
    if not options.corrections:
        raise UsageError("expected --corrections CSV: the digits to learn")
    wanted = plan(options, DEFAULTS, FILES)
    # What comes out stays in the run's folder until it is known to be no worse.
    work = dataclasses.replace(wanted, out=wanted.directory / "weights.npz")
    kept = work.directory / "start.npz"
    source = kept if work.resume and kept.exists() else options.weights
    start, content = load_finished(source), source.read_bytes()
    corrections = read_corrections(options.corrections)
    learned, held_out = divide(corrections)
    if outputs_of(start) == DIGITS:
        if options.nondigits is not None:
            raise UsageError(f"--nondigits: {source} knows digits alone; leave this option out")
        options.no_nondigits = True  # it has no output for them
    for line in shared_with(start.metadata.get("trained_on"), options):
        print(line, file=sys.stderr)
    with begun(work):
        task, identity = training_task(read_parts(options), work.config)
        identity |= {"weights": start.model_hash, "corrections": _hash(corrections)}
        rehearsed = min(options.rehearsal, len(task.train))
        task = with_corrections(task, learned, options.rehearsal, options.share, work.config.seed)
        warn_of_changes(options.config, identity)
        moved = make_room(work, task, start.model)
        # Weights that an earlier run left here are found again when this one is repeated.
        options.weights = moved.get(options.weights.resolve(), options.weights)
        describe(work, options.command, as_described(options), identity)
        with replacing(kept) as file:
            file.write(content)
        print(f"Learning {len(learned.labels)} corrections among {rehearsed} other examples.")
        model, temperature = train(work, task, identity, start.model)
        before = start.metadata.get("trained_on", {})
        metadata = dict(start.metadata) | {
            "trained_on": (dict(before) if isinstance(before, Mapping) else {"before": before})
            | {"corrections": f"{len(learned.labels)} corrected digits"},
            "tuned_from": start.model_hash,
            "config": {n: v for n, v in work.config.to_dict().items() if n not in NOT_ASKED},
        }
        metadata.pop("layers", None)
        tuned = finish(work, model, temperature, task, metadata)
        name = "corrections, not learned" if len(held_out.labels) else "corrections, learned"
        shown = held_out if len(held_out.labels) else learned
        spoiled = _compare(start, tuned, task.validation, {name: shown}, options.tolerance)
        if spoiled:
            raise SpoiledError(
                f"{options.out} is left as it was: the tuned network reads {', '.join(spoiled)} "
                f"worse by more than {options.tolerance} percentage points. It is in {work.out}. "
                "A smaller --learning-rate or --share, or more --rehearsal, spoils less"
            )
        _copy(work, options.out)
    print(written(options.out))
    return 0


def _compare(
    start: Recognizer,
    tuned: Recognizer,
    ordinary: Mapping[str, Labelled],
    corrections: Mapping[str, Labelled],
    tolerance: float,
) -> list[str]:
    """Print the errors before and after; return the ordinary parts that are read worse."""
    print(f"{'wrong, %':<28}{'digits':>8}{'before':>9}{'after':>9}")
    spoiled = []
    for name, part in {**ordinary, **corrections}.items():
        before, after = (100 * error_rate(recognizer, part) for recognizer in (start, tuned))
        print(f"{name:<28}{len(part.labels):>8}{before:>9.2f}{after:>9.2f}")
        if name in ordinary and after - before > tolerance:
            spoiled.append(name)
    return spoiled


def _copy(work: Plan, target: Path) -> None:
    with replacing(target) as file:
        file.write(work.out.read_bytes())


def _hash(corrections: Labelled) -> str:
    return hashlib.sha256(corrections.images.tobytes() + corrections.labels.tobytes()).hexdigest()


register(
    "fine-tune", Command("teach trained weights some corrected digits", add_options, run, True)
)
