"""The options that name data, one or two for each registered source, and what they come to."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from train.augment import AUGMENTATIONS
from train.commands.parsing import Parser, UsageError
from train.config import Config
from train.data import DataError, MissingDataError
from train.examples import Examples, Part, Task, combine
from train.sources import SOURCES

OTHER_DATA = "name a source of data, such as --mnist"


def add_data_options(parser: Parser) -> None:
    """Add ``--mnist DIR``, ``--no-mnist`` and so on."""
    group = parser.add_argument_group("data")
    for name, source in SOURCES.items():
        group.add_argument(f"--{name}", type=Path, metavar=source.metavar, help=source.help)
        if source.by_default:
            group.add_argument(
                f"--no-{name}", action="store_true", help=f"leave {source.title} out"
            )


def data_option_names() -> set[str]:
    """Return the names of these options' values."""
    return set(SOURCES) | {f"no_{name}" for name in SOURCES}


def chosen_sources(options: argparse.Namespace) -> dict[str, Path | None]:
    """Return the sources to use, each with its place, or None for the usual places.

    Raises UsageError for options that exclude each other.
    """
    named = {name for name in SOURCES if getattr(options, name) is not None}
    left_out = {name for name in SOURCES if getattr(options, f"no_{name}", False)}
    for name in named:
        other = SOURCES[name].instead_of
        if other in named:
            raise UsageError(f"--{name} is in --{other}'s place: give one of the two")
        left_out |= {other} - {""}
    if both := named & left_out:
        name = both.pop()
        raise UsageError(f"--{name} and --no-{name}: give one of the two")
    for name, source in SOURCES.items():
        if source.along_with in left_out and name not in named:
            left_out.add(name)
    return {
        name: getattr(options, name) or getattr(options, source.along_with, None)
        for name, source in SOURCES.items()
        if name in named or (source.by_default and name not in left_out)
    }


def shared_with(trained_on: object, options: argparse.Namespace) -> list[str]:
    """Say of which chosen sources a network has seen most images under another name.

    ``trained_on`` is what its metadata name. Kaggle's images are MNIST's, divided otherwise.
    """
    learned = set(trained_on) if isinstance(trained_on, Mapping) else set()
    return [
        f"These weights learned from {other.title}, which shares most images with {source.title}: "
        f"the figures of {source.title} are too good to be true."
        for name, source in ((name, SOURCES[name]) for name in chosen_sources(options))
        for other_name, other in SOURCES.items()
        if other.title in learned and (source.instead_of == other_name or other.instead_of == name)
    ]


def read_parts(options: argparse.Namespace) -> dict[str, Part]:
    """Read the sources that the options come to, by title.

    One that may be missing and is in no usual place is left out aloud, and the options then say
    so. Raises UsageError and train.data.DataError.
    """
    parts = {}
    for name, place in chosen_sources(options).items():
        source = SOURCES[name]
        try:
            parts[source.title] = source.read(place)
        except MissingDataError as error:
            if not source.may_be_missing or getattr(options, name) is not None:
                raise
            print(f"Going on without the {source.title} data. {error}", file=sys.stderr)
            setattr(options, f"no_{name}", True)
    return parts


def read_task(options: argparse.Namespace) -> Task:
    """Read the data that the options name, for a command that measures.

    Raises DataError if none of them is there to measure on.
    """
    task = combine(read_parts(options))
    if not task.test:
        raise DataError(f"there is nothing to measure on; {OTHER_DATA}")
    return task


def read_examples(options: argparse.Namespace) -> Examples:
    """Read what there is to learn from, for a command that does not train. Raises DataError."""
    return _with_examples(combine(read_parts(options))).train


def training_task(parts: Mapping[str, Part], config: Config) -> tuple[Task, dict[str, str]]:
    """Put parts together for training; return a hash of each, which tells whether data changed.

    Raises DataError if there is nothing to learn from.
    """
    hashes = {f"data {title}": fingerprint(part) for title, part in parts.items()}
    task = combine(parts, config.pen_repeats, AUGMENTATIONS[config.augmentation])
    return _with_examples(task), hashes


def _with_examples(task: Task) -> Task:
    if len(task.train) == 0:
        raise DataError(f"there is nothing to learn from; {OTHER_DATA}")
    return task


def fingerprint(part: Part) -> str:
    """Return the SHA-256 of all that a part holds, in hexadecimal."""
    sha256 = hashlib.sha256()
    for images in (part.images, part.validation.images, part.test.images):
        sha256.update(images.tobytes() if not images.flags.c_contiguous else images.data)
    for labels in (part.labels, part.validation.labels, part.test.labels):
        sha256.update(labels.tobytes())
    for drawing in part.drawings:
        sha256.update(f"{drawing.writer}\0{drawing.label}\0".encode("utf-8", "surrogatepass"))
        for stroke in drawing.strokes:
            sha256.update(stroke.tobytes())
    return sha256.hexdigest()
