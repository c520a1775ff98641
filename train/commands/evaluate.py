"""`python -m train evaluate`: how often weights are wrong on data that nothing learned from."""

from __future__ import annotations

import argparse

from train.calibrate import calibration_error
from train.commands.base import Command, register
from train.commands.data_options import add_data_options, read_task
from train.commands.parsing import Parser
from train.commands.weights_option import add_weights_option, load_weights
from train.evaluate import error_table, predictions


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_data_options(parser)
    add_weights_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the errors of each part, digit and site, and how honest the confidence is."""
    recognizer = load_weights(options.weights)
    print(f"{options.weights}, sha256 {recognizer.model_hash[:12]}")
    print(f"trained on {recognizer.metadata.get('trained_on')}\n")
    task = read_task(options)
    print(error_table(recognizer, task.test))
    for name, part in task.test.items():
        error = calibration_error(predictions(recognizer, part), part.labels)
        print(f"{name}: expected calibration error {error:.2%}")
    return 0


register("evaluate", Command("print the errors of weights on the test parts", add_options, run))
