"""The command line: `python -m train` makes weights, `python -m train evaluate` measures them."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from nn import Recognizer, weights
from nn.model import Sequential, fold_batchnorm
from nn.recognizer import DEFAULT_PATH
from nn.weights import WeightsError
from train.architectures import ARCHITECTURES
from train.calibrate import calibrate, calibration_error
from train.config import OPTIMIZERS, Config
from train.data import DataError, MissingDataError, load_mnist, load_pen, read_kaggle
from train.evaluate import error_rate, error_table, predictions
from train.examples import Task, add_pen, kaggle_task, mnist_task
from train.loop import DivergedError, fit

DEFAULTS = Config()
COMMANDS = ("fit", "evaluate")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; ``argv`` is without the program's name."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "fit")
    options = _parser().parse_args(arguments)
    try:
        if options.command == "evaluate":
            return _evaluate(options)
        return _fit(options)
    except (DataError, DivergedError, WeightsError, ValueError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntrain: stopped; the same command with --resume goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train", description="Train and measure the digit recognizer."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fit_parser = commands.add_parser(
        "fit",
        help="train a network and write the weights (the default command)",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_data_options(fit_parser)
    option = fit_parser.add_argument
    option("--model", choices=sorted(ARCHITECTURES), default=DEFAULTS.model, help="network")
    option("--epochs", type=int, default=DEFAULTS.epochs, help="passes through the data")
    option("--batch-size", type=int, default=DEFAULTS.batch_size, help="images a step")
    option("--optimizer", choices=OPTIMIZERS, default=DEFAULTS.optimizer, help="update rule")
    option(
        "--learning-rate",
        type=float,
        default=DEFAULTS.learning_rate,
        help="highest rate of the schedule; about 0.1 for sgd, 0.002 for adam",
    )
    option("--momentum", type=float, default=DEFAULTS.momentum, help="of sgd, 0 to 1")
    option("--weight-decay", type=float, default=DEFAULTS.weight_decay, help="a unit of rate")
    option(
        "--averaging",
        type=float,
        default=DEFAULTS.averaging,
        help="memory of the average of weights, 0 (none) to 1; 0.999 is some thousand steps",
    )
    option(
        "--pen-repeats", type=int, default=DEFAULTS.pen_repeats, help="uses of a drawing an epoch"
    )
    option("--seed", type=int, default=DEFAULTS.seed, help="of everything random")
    option("--threads", type=int, default=DEFAULTS.threads, help="cores to use")
    option("--out", type=Path, default=DEFAULT_PATH, help="where the weights go")
    option("--run", type=Path, default=Path("runs/latest"), help="folder of checkpoint and log")
    option("--resume", action="store_true", help="go on from the checkpoint in --run")

    evaluate_parser = commands.add_parser(
        "evaluate",
        help="print the errors of the weights on the test parts",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_data_options(evaluate_parser)
    evaluate_parser.add_argument(
        "--weights", type=Path, default=DEFAULT_PATH, help="what to measure"
    )
    return parser


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--mnist", type=Path, metavar="DIR", help="folder of MNIST's IDX files")
    source.add_argument("--kaggle", type=Path, metavar="CSV", help="Kaggle's train.csv, not MNIST")
    pen = parser.add_mutually_exclusive_group()
    pen.add_argument("--pen", type=Path, metavar="DIR", help="folder of digits.jsonl(.gz)")
    pen.add_argument("--no-pen", action="store_true", help="images only")


def _task(options: argparse.Namespace, pen_repeats: int) -> Task:
    """Read the data that the options name; where there are no pen digits, say so and go on."""
    if options.kaggle is not None:
        images, labels = read_kaggle(options.kaggle)
        if labels is None:
            raise DataError(f"{options.kaggle}: expected train.csv, with a column `label`")
        task = kaggle_task(images, labels)
    else:
        task = mnist_task(load_mnist(options.mnist))
    if options.no_pen:
        return task
    try:
        return add_pen(task, load_pen(options.pen), pen_repeats)
    except MissingDataError as error:
        if options.pen is not None:
            raise
        print(f"Going on without pen digits. {error}", file=sys.stderr)
        return task


def _fit(options: argparse.Namespace) -> int:
    names = [field.name for field in dataclasses.fields(Config)]
    config = Config(**{name: getattr(options, name) for name in names})
    if not options.out.parent.is_dir():
        raise ValueError(f"--out: the folder {options.out.parent} does not exist; make it first")
    options.run.mkdir(parents=True, exist_ok=True)
    task = _task(options, config.pen_repeats)
    print(f"Training on {'; '.join(f'{name}: {what}' for name, what in task.sources.items())}.")
    model = fold_batchnorm(fit(task, config, options.run, options.resume))
    temperature = calibrate(model, task.validation)
    _write(options.out, model, config, task, temperature)
    print(error_table(Recognizer.load(options.out), task.test))
    print(f"Wrote {options.out}. `python build.py` puts it into the page.")
    return 0


def _write(path: Path, model: Sequential, config: Config, task: Task, temperature: float) -> None:
    """Write the weights with the errors of the very numbers in the file, rounding included."""
    metadata = {
        "model": config.model,
        "trained_on": task.sources,
        "config": config.to_dict(),
        "temperature": temperature,
        "date": datetime.now(UTC).date().isoformat(),
    }
    draft = path.with_name(f".{path.name}.draft")
    try:
        weights.save(draft, model, metadata)
        recognizer = Recognizer.load(draft)
    finally:
        draft.unlink(missing_ok=True)
    metadata["errors"] = {
        "validation": {n: error_rate(recognizer, part) for n, part in task.validation.items()},
        "test": {n: error_rate(recognizer, part) for n, part in task.test.items()},
    }
    weights.save(path, model, metadata)


def _evaluate(options: argparse.Namespace) -> int:
    recognizer = Recognizer.load(options.weights)
    print(f"{options.weights}, sha256 {recognizer.model_hash[:12]}")
    print(f"trained on {recognizer.metadata.get('trained_on')}\n")
    task = _task(options, 1)
    print(error_table(recognizer, task.test))
    for name, part in task.test.items():
        error = calibration_error(predictions(recognizer, part), part.labels)
        print(f"{name}: expected calibration error {error:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
