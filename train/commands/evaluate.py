"""`python -m train evaluate`: how often weights are wrong on data that nothing learned from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn.numbers import DIGITS
from nn.recognizer import Recognizer
from train.calibrate import calibration_error
from train.commands.base import Command, register
from train.commands.data_options import add_data_options, chosen_sources, read_task
from train.commands.parsing import Parser
from train.commands.weights_option import add_weights_option, load_weights
from train.compose import numbers, share_read_whole
from train.data import DataError, Drawing, load_pen, split_by_writer
from train.data.unclear import clear, unclear
from train.evaluate import error_rate, error_table, outputs_of, predictions
from train.evaluation import Evaluation, write_evaluation
from train.examples import Task, inked_drawings
from train.robustness import Row, grid


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_data_options(parser)
    add_weights_option(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page with the mistakes as pictures, the reliability plot and the robustness "
        "grid, which takes some minutes (without it: the table alone)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the errors of each part, digit and site, and how honest the confidence is."""
    recognizer = load_weights(options.weights)
    print(f"{options.weights}, sha256 {recognizer.model_hash[:12]}")
    print(f"trained on {recognizer.metadata.get('trained_on')}\n")
    task = read_task(options)
    table = error_table(recognizer, task.test)
    print(table)
    lines = [*_confidence(recognizer, task), *_refusals(recognizer, task)]
    drawings = _unseen_drawings(options)
    if drawings:
        lines += _without_unclear(recognizer, drawings)
        for chosen, which in ((drawings, ""), (clear(drawings), ", of digits that can be told")):
            composed = numbers(chosen)
            whole = share_read_whole(recognizer, composed)
            lines.append(
                f"numbers of two to four digits{which}, read whole: {whole:.2%} of {len(composed)}"
            )
        one = np.mean([len(recognizer.read(drawing.strokes).digits) == 1 for drawing in drawings])
        lines.append(f"single digits read as one mark: {one:.2%} of {len(drawings)}")
    print("\n".join(lines))
    if options.report:
        rows: list[Row] = []
        images = task.test.get("MNIST")
        if drawings and images is not None:
            print(f"\n{'distortion':<22}{'level':<22}{'digits':>7}{'error':>9}{'ratio':>7}")
            for row in grid(recognizer, drawings, images):
                rows.append(row)
                print(
                    f"{row.name:<22}{row.level:<22}{row.read:>7}{row.error:>9.2%}{row.ratio:>7.2f}",
                    flush=True,
                )
        write_evaluation(
            options.report,
            Evaluation(str(options.weights), recognizer, task.test, lines, rows, unclear(drawings)),
        )
        print(f"Wrote {options.report}.")
    return 0


def _confidence(recognizer: Recognizer, task: Task) -> Sequence[str]:
    lines = []
    for name, part in task.test.items():
        if (part.labels < DIGITS).all():
            error = calibration_error(predictions(recognizer, part), part.labels)
            lines.append(f"{name}: expected calibration error {error:.2%}")
    return lines


def _refusals(recognizer: Recognizer, task: Task) -> Sequence[str]:
    if outputs_of(recognizer) == DIGITS:
        return ["these weights refuse nothing: they were trained on digits alone"]
    lines = []
    for name, part in task.test.items():
        none = predictions(recognizer, part)[:, DIGITS:].sum(axis=1)
        lines.append(f"{name}: {(none > recognizer.refuse_from).mean():.2%} of {len(none)} refused")
    return lines


def _without_unclear(recognizer: Recognizer, drawings: Sequence[Drawing]) -> Sequence[str]:
    """Tell how many of the mistakes are on drawings whose label no reader could tell."""
    unclear_ones = [drawing for drawing, _ in unclear(drawings)]
    if not unclear_ones:
        return []
    left_out, rest = inked_drawings(unclear_ones), inked_drawings(clear(drawings))
    wrong, still = (round(error_rate(recognizer, p) * len(p.labels)) for p in (left_out, rest))
    return [
        f"pen digits whose label no reader could tell: {len(left_out.labels)}, of which {wrong} "
        f"are read otherwise; without them {still} of {len(rest.labels)} wrong, "
        f"{still / len(rest.labels):.2%}"
    ]


def _unseen_drawings(options: argparse.Namespace) -> list[Drawing]:
    """Return the pen-drawn digits of the writers that are kept for the test, if there are any."""
    places = chosen_sources(options)
    if "pen" not in places:
        return []
    try:
        return split_by_writer(load_pen(places["pen"])).test
    except DataError:
        return []


register("evaluate", Command("print the errors of weights on the test parts", add_options, run))
