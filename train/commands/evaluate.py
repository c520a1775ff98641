"""`python -m train evaluate`: how often weights are wrong on data that nothing learned from."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nn.numbers import DIGITS, NO_DIGIT
from nn.reading import Reading
from nn.recognizer import Recognizer
from train.calibrate import calibration_error, calibration_error_by_chance
from train.commands.base import Command, register
from train.commands.data_options import (
    add_data_options,
    chosen_sources,
    read_task,
    shared_with,
)
from train.commands.parsing import Parser, number
from train.commands.targets import check_target
from train.commands.weights_option import add_weights_option, load_weights
from train.compose import (
    APART,
    GAPS,
    JOINED,
    NUMBERS,
    SIGNS,
    TOUCHING,
    Number,
    Picture,
    in_lines,
    numbers,
    pictures,
    pictures_in_lines,
    share_read_whole,
)
from train.data import DataError, Drawing, load_pen, split_by_writer
from train.data.unclear import clear, unclear
from train.evaluate import answers, error_rate, error_table, outputs_of, predictions
from train.examples import Labelled, Task, inked_drawings
from train.one_stroke import in_one_stroke
from train.photos import OBSTACLES, photos
from train.ranges import AT_LEAST_1
from train.report_page import Evaluation, write_evaluation
from train.robustness import PICTURES, Row, grid
from train.sources.nondigits import unseen_nondigits


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_data_options(parser)
    add_weights_option(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page with the mistakes as pictures, the reliability plot and the robustness "
        "grid, and read photos, which takes some minutes (without it: the table alone)",
    )
    parser.add_argument(
        "--pictures",
        type=number(int, AT_LEAST_1),
        default=PICTURES,
        metavar="INT",
        help="so many of MNIST's images are made into photos for the grid",
    )
    parser.add_argument(
        "--numbers",
        type=number(int, AT_LEAST_1),
        default=NUMBERS,
        metavar="INT",
        help="so many numbers of several digits are composed of each kind, and read",
    )


def run(options: argparse.Namespace) -> int:
    """Print the errors of each part, digit and site, and how honest the confidence is."""
    check_target(options, "report")
    recognizer = load_weights(options.weights)
    print(f"{options.weights}, sha256 {recognizer.model_hash[:12]}")
    trained_on = recognizer.metadata.get("trained_on")
    print(f"trained on {trained_on or 'data that the file does not name'}\n")
    task = read_task(options)
    table = error_table(recognizer, task.test)
    print(table)
    lines = [*shared_with(trained_on, options), *_confidence(recognizer, task)]
    lines += _refusals(recognizer, task)
    drawings = _unseen(options, "pen", lambda place: split_by_writer(load_pen(place)).test)
    if drawings:
        lines += _without_unclear(recognizer, drawings)
        lines += _as_drawn(recognizer, drawings, options.numbers)
        lines += _in_photos(recognizer, clear(drawings)) if options.report else []
    if others := _unseen(options, "nondigits", unseen_nondigits):
        readings = [recognizer.read(mark.strokes) for mark in others]
        lines.append(f"non-digits as drawn: {_with_a_question_mark(readings)}")
    images = task.test.get("MNIST")
    if images is not None:
        lines += _in_pictures(recognizer, images, options.numbers)
    print("\n".join(lines))
    if options.report:
        rows: list[Row] = []
        if images is None:
            print("No robustness grid: it takes MNIST's test images.")
        else:
            print(f"\n{'distortion':<22}{'level':<22}{'digits':>7}{'error':>9}{'ratio':>7}")
            for row in grid(recognizer, drawings, images, options.pictures):
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
            probabilities = predictions(recognizer, part)
            misread = probabilities[:, :DIGITS].argmax(axis=1) != part.labels
            lines += [
                f"{name}: {misread.sum()} of {misread.size} taken for another digit, if none were "
                f"refused: {misread.mean():.2%}",
                f"{name}: expected calibration error "
                f"{calibration_error(probabilities, part.labels):.2%} (where confidence is exact, "
                f"so few show {calibration_error_by_chance(probabilities):.2%} in the mean)",
            ]
    return lines


def _refusals(recognizer: Recognizer, task: Task) -> Sequence[str]:
    if outputs_of(recognizer) == DIGITS:
        return ["these weights refuse nothing: they were trained on digits alone"]
    lines = []
    for name, part in task.test.items():
        refused = answers(recognizer, part) == NO_DIGIT
        lines.append(f"{name}: {refused.mean():.2%} of {refused.size} refused")
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


def _as_drawn(recognizer: Recognizer, drawings: Sequence[Drawing], count: int) -> Sequence[str]:
    """Tell what becomes of drawings on their whole way, as numbers and as single digits."""
    lines = []
    for chosen, which in ((drawings, ""), (clear(drawings), ", of digits that can be told")):
        for gaps, signs, how in (
            (GAPS, "", ""),
            (TOUCHING, "", " that touch or overlap"),
            (GAPS, SIGNS, " with a point or a minus"),
        ):
            if not (composed := numbers(chosen, count, gaps=gaps, signs=signs)):
                continue  # nobody drew two digits
            whole = share_read_whole(recognizer, composed)
            lines.append(
                f"numbers of two to four digits{how}{which}, read whole: {whole:.2%} "
                f"of {len(composed)}"
            )
        if composed := in_one_stroke(chosen, count):
            whole = share_read_whole(recognizer, composed)
            lines.append(
                f"numbers of two or three digits in one stroke{which}, read whole: {whole:.2%} "
                f"of {len(composed)}"
            )
        if composed := in_lines(chosen, count):
            lines.append(_in_lines(recognizer, composed, which))
    readings = [recognizer.read(drawing.strokes) for drawing in drawings]
    one = np.mean([len(reading.digits) == 1 for reading in readings])
    return [
        *lines,
        f"single digits read as one mark: {one:.2%} of {len(readings)}",
        f"single digits as drawn: {_with_a_question_mark(readings)}",
    ]


def _in_pictures(recognizer: Recognizer, images: Labelled, count: int) -> Sequence[str]:
    """Tell how often numbers in pictures are read whole."""
    below_each_other = pictures_in_lines(images.images, images.labels, count)
    return [
        f"numbers of two to four digits in pictures{how}, read whole: "
        f"{share_read_whole(recognizer, composed):.2%} of {len(composed)}"
        for gaps, how in ((APART, ""), (JOINED, " that touch or overlap"))
        if (composed := pictures(images.images, images.labels, count, gaps=gaps))
    ] + [_in_lines(recognizer, below_each_other, " in pictures")]


def _in_photos(recognizer: Recognizer, drawings: Sequence[Drawing]) -> Sequence[str]:
    """Tell how often numbers in photos are read whole, whatever else the photos show."""
    return [
        f"photos of numbers of digits that can be told, {obstacle}, read whole: "
        f"{share_read_whole(recognizer, taken):.2%} of {len(taken)}"
        for obstacle in OBSTACLES
        if (taken := photos(drawings, obstacle))
    ]


def _in_lines(recognizer: Recognizer, composed: Sequence[Number | Picture], how: str) -> str:
    """Tell how often numbers below each other are read whole."""
    whole = share_read_whole(recognizer, composed)
    return (
        f"two or three such numbers below each other{how}, all read whole: {whole:.2%} "
        f"of {len(composed)}"
    )


def _with_a_question_mark(readings: Sequence[Reading]) -> str:
    """Tell how many drawings were refused, at least in part, on their whole way."""
    refused = np.mean(["?" in reading.text for reading in readings])
    return f"{refused:.2%} of {len(readings)} have a ? in what is read"


def _unseen(
    options: argparse.Namespace, source: str, read: Callable[[Path | None], list[Drawing]]
) -> list[Drawing]:
    """Return drawings by the writers that are kept for the test, if there are any."""
    places = chosen_sources(options)
    if source not in places:
        return []
    try:
        return read(places[source])
    except DataError:
        return []


register("evaluate", Command("print the errors of weights on the test parts", add_options, run))
