"""`python -m train sweep`: trains with several seeds and settings, and tables what came of it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from train.commands.base import Command, register
from train.commands.data_options import add_data_options, chosen_sources
from train.commands.described import make_parser
from train.commands.parsing import Parser, UsageError, as_json, number
from train.commands.run_options import add_settings, settings
from train.config import Config
from train.ranges import AT_LEAST_0, AT_LEAST_1
from train.sweep import SweepError, combinations, run_all, table, write_table

CORES = os.cpu_count() or 1
OWN = {"seeds", "set", "jobs", "dask", "run", "command"}
"""The options that are not those of each run."""


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    option = parser.add_argument
    option(
        "--seeds",
        type=number(int, AT_LEAST_0),
        nargs="+",
        default=[0],
        metavar="INT",
        help="seeds, a run with each",
    )
    option(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="a setting and the values to try, such as learning_rate=0.05,0.1; may come several "
        "times: every combination is run (without it: the seeds alone)",
    )
    option(
        "--jobs",
        type=number(int, AT_LEAST_1),
        default=CORES,
        metavar="INT",
        help="runs at the same time; each learns with its share of the cores, or --threads",
    )
    option(
        "--dask",
        metavar="ADDRESS",
        help="address of a Dask scheduler, such as tcp://10.0.0.5:8786, whose workers have this "
        "project and --run at the same places (without it: this computer)",
    )
    option(
        "--run",
        type=Path,
        default=Path("runs/sweep"),
        metavar="DIR",
        help="folder of the sweep; each run has one in it. A sweep that was stopped goes on when "
        "it is started again",
    )
    option(
        "--teacher",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="weights of trained networks to learn from, see fit (without it: labels alone)",
    )
    add_data_options(parser)
    add_settings(parser, Config(), without=("seed", "threads"))
    parser.add_argument(
        "--threads",
        type=number(int, AT_LEAST_1),
        metavar="INT",
        help="processor cores of each run (without it: all cores divided by --jobs)",
    )


def run(options: argparse.Namespace) -> int:
    """Run every combination, print the table and write it."""
    try:
        runs = combinations(options.set, options.seeds)
    except ValueError as error:
        raise UsageError(str(error)) from error
    arguments = fit_arguments(options)
    for own in runs:  # complains before anything is started
        settings(argparse.Namespace(**vars(options) | own), Config())
    print(f"{len(runs)} runs, {options.jobs} at a time, in {options.run}")
    results = run_all(arguments, runs, options.run.absolute(), options.jobs, options.dask)
    print("\n" + table(results))
    write_table(options.run / "sweep.csv", results)
    print(
        f"\nWrote {options.run / 'sweep.csv'}. The errors are those of the validation parts: "
        "the test parts choose nothing."
    )
    failed = [result for result in results if result.problem]
    if failed:
        raise SweepError(
            f"{len(failed)} of {len(results)} runs failed, the first for this: "
            f"{failed[0].problem} ({options.run / failed[0].name / 'output.txt'})"
        )
    return 0


def fit_arguments(options: argparse.Namespace) -> list[str]:
    """Return what each run has in common, as arguments of ``fit``."""
    chosen_sources(options)  # complains too
    if options.threads is None:
        options.threads = max(1, CORES // options.jobs)
    varied = {choice.partition("=")[0].replace("-", "_") for choice in options.set}
    common = {
        name: as_json(value) for name, value in vars(options).items() if name not in OWN | varied
    }
    return make_parser("fit").to_arguments(common, Path("sweep"))


register("sweep", Command("train with several seeds and settings", add_options, run))
