"""Reads Kaggle's Digit Recognizer CSV files: fast if they are sound, else naming the bad cell."""

from __future__ import annotations

import csv
import io
import os
import warnings
from pathlib import Path

import numpy as np

from train.data import table_cache
from train.data.errors import DataError
from train.data.files import read_content

PIXELS = [f"pixel{i}" for i in range(784)]
FORM = "label,pixel0,...,pixel783, or the same without label"
SEPARATORS = {";": "semicolons", "\t": "tabs"}
"""What spreadsheet programs write in a comma's place."""
NOT_CLOSED = 'expected whole numbers, got a quote (") that is not closed in this line; remove it'


def read_kaggle(path: str | os.PathLike[str]) -> table_cache.Table:
    """Read `train.csv` (with a column `label`) or `test.csv` (without one), gzip or not.

    Columns are known by their names, `label` and `pixel0` to `pixel783`, in any order; pixel
    28 * row + column is at that row and column of the image. The arrays of a large file are kept
    in the cache, where the next reading finds them as long as the file is the same.

    Returns:
        images `(n, 28, 28) uint8`, white ink (255) on black (0), and labels `(n,) uint8`, 0 to 9,
        or None where the file has no column `label`.

    Raises:
        DataError: the file is missing or damaged, a column is missing, or a cell is not a whole
            number from 0 to 255 (labels: 0 to 9). The message names the line, counted from 1 with
            the header, and the column.
    """
    path = Path(path)
    content = read_content(path)
    place = table_cache.place_for(content)
    if place is not None and (kept := table_cache.fetch(place)) is not None:
        return kept
    table = _parse(content, path)
    if place is not None:
        table_cache.keep(place, table)
    return table


def _parse(content: bytes, path: Path) -> table_cache.Table:
    """Turn a CSV file's content into arrays; `path` is for the errors alone."""
    import pandas as pd  # here, because it takes half a second and only these files need it

    columns = _header(content, path)
    try:
        # pandas compares what it casts with what it read, so NumPy need not warn of inf.
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            # pandas warns where it drops the cells of rows that are too long.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.BytesIO(content),
                names=columns,
                header=0,
                dtype=np.uint8,
                index_col=False,
                encoding="utf-8-sig",
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        raise _first_fault(content, columns, path) or DataError(f"{path}: {error}") from error
    labels = frame["label"].to_numpy() if "label" in columns else None
    if len(frame) == 0:
        raise DataError(f"{path}: expected rows of pixels below the header, got none")
    if labels is not None and labels.max() > 9:
        raise _first_fault(content, columns, path) or DataError(f"{path}: a label is above 9")
    images = np.ascontiguousarray(frame[PIXELS].to_numpy()).reshape(-1, 28, 28)
    return images, labels


def _header(content: bytes, path: Path) -> list[str]:
    """Return the names of the columns, which are exactly those of Kaggle's files."""
    try:
        first = content[: content.find(b"\n") + 1 or len(content)].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, line 1: expected text, {FORM}, got other bytes") from error
    for separator, came in SEPARATORS.items():
        if separator in first and "," not in first:
            raise DataError(
                f"{path}, line 1: expected the columns {FORM}, got {came} between them; "
                "save the file with commas"
            )
    try:
        columns = next(csv.reader([first.strip()], strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{path}, line 1: expected the columns {FORM}, got no CSV: {error}"
        ) from error
    if not columns:
        raise DataError(f"{path}, line 1: expected the columns {FORM}, got an empty line")
    known = {"label", *PIXELS}
    missing = [name for name in PIXELS if name not in columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"{path}, line 1: column {missing[0]!r}{more} is missing; "
            f"expected {FORM}, got {len(columns)} columns"
        )
    for i, name in enumerate(columns):
        if name not in known:
            raise DataError(
                f"{path}, line 1: column {i + 1} is named {name!r}; expected only {FORM}; "
                "remove or rename it"
            )
        if name in columns[:i]:
            raise DataError(f"{path}, line 1: column {name!r} comes twice; remove one of the two")
    return columns


def _first_fault(content: bytes, columns: list[str], path: Path) -> DataError | None:
    """Return an error that names the first bad cell, by reading again slowly, or None."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "replace", newline="")
    rows = csv.reader(text, strict=True)
    next(rows)
    line = 2  # where the next row begins: where it ends is far away if a quote is not closed
    try:
        for row in rows:
            where, one_line = f"{path}, line {line}", rows.line_num == line
            line = rows.line_num + 1
            if not one_line:
                return DataError(f"{where}: {NOT_CLOSED}")
            if not row:
                continue
            if len(row) != len(columns):
                return DataError(
                    f"{where}: expected {len(columns)} values, as in the header, got {len(row)}"
                )
            for name, cell in zip(columns, row, strict=True):
                highest = 9 if name == "label" else 255
                if not _is_whole(cell, highest):
                    return DataError(
                        f"{where}, column {name!r}: expected a whole number from 0 to {highest}, "
                        f"got {cell[:40]!r}"
                    )
    except csv.Error as error:
        what = f"not a CSV file: {error}" if rows.line_num == line else NOT_CLOSED
        return DataError(f"{path}, line {line}: {what}")
    return None


def _is_whole(cell: str, highest: int) -> bool:
    """Tell whether a cell holds a whole number from 0 to `highest`."""
    if "_" in cell or not cell.isascii():  # Python reads 1_0 and Arabic digits, pandas does not
        return False
    try:
        value = float(cell)
    except ValueError:
        return False
    return 0 <= value <= highest and value == int(value)
