"""Reads characters that were drawn with a pen: on each line writer, label and strokes, as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from nn.ink import MAX_COORDINATE
from train.data.errors import DataError, MissingDataError
from train.data.files import read_content
from train.data.places import data_directories, find_file, named_folder

FORM = '{"writer": "ann", "label": "7", "strokes": [[[x, y], [x, y], ...], ...]}'
DIGITS = tuple("0123456789")
NUMBERS = f"two finite numbers of size at most {MAX_COORDINATE:g}"


class Drawing(NamedTuple):
    """One character as it was drawn.

    Attributes:
        writer: who drew it; only compared, so any name that is one person's alone.
        label: the character that was meant, such as `"7"`.
        strokes: one `(n, 2) float32` array a stroke, n >= 1: x to the right, y downwards, in any
            unit.
    """

    writer: str
    label: str
    strokes: list[NDArray[np.float32]]


def load_pen(
    directory: str | os.PathLike[str] | None = None, name: str = "digits"
) -> list[Drawing]:
    """Load the pen-drawn digits, or another file of the same collection.

    Args:
        directory: the only folder to look in. By default `$DIGITS_DATA/unipen`, `data/unipen`,
            `../shared/data/unipen` and the cache.
        name: `digits`, or `nondigits` for letters and signs: the file is `NAME.jsonl`, gzip or not.

    Raises:
        MissingDataError: the file is in none of the folders.
        DataError: it is not of the form that `read_drawings` reads, or one of the digits is
            labelled otherwise.
    """
    names = (f"{name}.jsonl.gz", f"{name}.jsonl")
    places = data_directories("unipen")
    if directory is not None:
        places = [named_folder(directory, " or ".join(names))]
    for place in places:
        path = find_file(place, names)
        if path is not None:
            return read_drawings(path, DIGITS if name == "digits" else None)
    raise MissingDataError(
        f"Pen-drawn {name} are missing. Put a file {names[0]} or {names[1]} into {places[0]}: "
        f"one JSON object a line, {FORM}, y growing downwards, in any scale. "
        "It was looked for in:\n    " + "\n    ".join(map(str, places))
    )


def read_drawings(
    path: str | os.PathLike[str], labels: Collection[str] | None = None
) -> list[Drawing]:
    """Read drawings from JSON lines, gzip or not.

    Each line is `{"writer": "ann", "label": "7", "strokes": [[[x, y], ...], ...]}`; other fields
    are left alone, and so are empty lines.

    Args:
        path: the file.
        labels: the labels that may come; None for any.

    Raises:
        DataError: the file is missing, damaged or empty, or a line is not of this form.
    """
    path = Path(path)
    drawings = []
    for number, line in enumerate(read_content(path).splitlines(), 1):
        if line.strip():
            drawing = _parse(line, f"{path}, line {number}")
            if labels is not None and drawing.label not in labels:
                expected = f"one of {', '.join(labels)}"
                _refuse(f"{path}, line {number}: label", expected, drawing.label)
            drawings.append(drawing)
    if not drawings:
        raise DataError(f"{path}: expected at least one line {FORM}, got none")
    return drawings


def _parse(line: bytes, where: str) -> Drawing:
    """Turn one line into a drawing; `where` begins its error messages."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected one JSON object, {FORM}: {error}") from error
    if not isinstance(record, dict):
        _refuse(where, f"one JSON object, {FORM}", record)
    for field in ("writer", "label"):
        if field not in record:
            raise DataError(f"{where}: field {field!r} is missing; expected {FORM}")
        if not isinstance(record[field], str) or not record[field]:
            _refuse(f"{where}: {field}", "a text that is not empty", record[field])
    if "strokes" not in record:
        raise DataError(f"{where}: field 'strokes' is missing; expected {FORM}")
    strokes = record["strokes"]
    if not isinstance(strokes, list) or not strokes:
        _refuse(f"{where}: strokes", "a list of at least one stroke", strokes)
    return Drawing(
        record["writer"],
        record["label"],
        [_stroke(stroke, f"{where}: strokes[{i}]") for i, stroke in enumerate(strokes)],
    )


def _stroke(points: Any, where: str) -> NDArray[np.float32]:
    """Turn one stroke into an `(n, 2) float32` array."""
    if not isinstance(points, list) or not points:
        _refuse(where, "a list of at least one point", points)
    try:
        array = np.asarray(points)
        if array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind in "if":
            with np.errstate(over="ignore"):
                stroke = array.astype(np.float32)
            if (np.abs(stroke) <= MAX_COORDINATE).all():  # False for NaN too
                return stroke
    except ValueError:  # the points differ in length
        pass
    for i, point in enumerate(points):
        if not (isinstance(point, list) and len(point) == 2 and all(map(_is_finite, point))):
            _refuse(f"{where}[{i}]", NUMBERS, point)
    raise DataError(f"{where}: expected a list of points, each {NUMBERS}")


def _is_finite(value: Any) -> bool:
    """Tell whether `value` is a number that `nn.ink` takes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -MAX_COORDINATE <= value <= MAX_COORDINATE  # False for NaN too


def _refuse(where: str, expected: str, got: Any) -> NoReturn:
    """Raise a DataError that shows at most a line's end of what came."""
    text = json.dumps(got)
    raise DataError(
        f"{where}: expected {expected}, got {text if len(text) <= 80 else text[:77] + '...'}"
    )
