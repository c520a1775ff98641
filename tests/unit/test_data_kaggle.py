"""Kaggle's CSV: columns go by name, and a bad cell is refused with its line and column."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sample import kaggle_frame, sample_images, write_kaggle
from train.data import DataError, read_kaggle
from train.sources.kaggle import read_train_csv

Row = list[str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Five sound rows below their header, cell by cell."""
    frame = kaggle_frame(5)
    return [list(frame.columns), *(list(map(str, row)) for row in frame.to_numpy())]


def written(folder: Path, rows: list[Row]) -> Path:
    path = folder / "train.csv"
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def copied(rows: list[Row]) -> list[Row]:
    return [list(row) for row in rows]


def test_labels_and_pixels_come_back_as_they_were(tmp_path: Path) -> None:
    images, labels = read_kaggle(write_kaggle(tmp_path / "train.csv", 30, seed=8))
    expected_images, expected_labels = sample_images(30, 8)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images, expected_images)
    assert labels is not None
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, expected_labels)


def test_a_file_without_labels_gives_none(tmp_path: Path) -> None:
    images, labels = read_kaggle(write_kaggle(tmp_path / "test.csv", 7, labels=False))
    assert images.shape == (7, 28, 28)
    assert labels is None


def test_columns_go_by_name_not_by_place(tmp_path: Path) -> None:
    frame = kaggle_frame(6)
    order = np.random.default_rng(0).permutation(frame.columns)
    frame[order].to_csv(tmp_path / "mixed.csv", index=False)
    frame.to_csv(tmp_path / "usual.csv", index=False)
    for mixed, usual in zip(
        read_kaggle(tmp_path / "mixed.csv"), read_kaggle(tmp_path / "usual.csv"), strict=True
    ):
        np.testing.assert_array_equal(mixed, usual)


@pytest.mark.parametrize(
    "change",
    [
        gzip.compress,
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b"\n", b"\n\n"),
        lambda content: content.rstrip(b"\n"),
        lambda content: content.replace(b",0", b", 0"),
        lambda content: content.replace(b",0,", b",0.0,"),
        lambda content: content.replace(b"pixel0,", b'"pixel0",'),
        lambda content: b" " + content.replace(b"pixel783", b"pixel783\t"),
    ],
    ids=["gzip", "byte order mark", "CRLF", "empty lines", "no last newline", "spaces",
         "0.0 for 0", "quotes", "space about the header"],
)  # fmt: skip
def test_harmless_differences_are_read_alike(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    usual = write_kaggle(tmp_path / "usual.csv", 6)
    (tmp_path / "other.csv").write_bytes(change(usual.read_bytes()))
    for other, expected in zip(
        read_kaggle(tmp_path / "other.csv"), read_kaggle(usual), strict=True
    ):
        np.testing.assert_array_equal(other, expected)


@pytest.mark.parametrize(
    "cell", ["300", "256", "-1", "x", "", " ", "nan", "NA", "inf", "1e400", "1.5", "0x10", "True",
             "99999999999999999999", "1_0", "300.0", "-1.0", "-inf", "٣"]
)  # fmt: skip
def test_a_bad_pixel_is_named_by_line_and_column(
    tmp_path: Path, rows: list[Row], cell: str
) -> None:
    rows = copied(rows)
    rows[3][400] = cell
    with pytest.raises(DataError) as caught:
        read_kaggle(written(tmp_path, rows))
    assert str(caught.value) == (
        f"{tmp_path / 'train.csv'}, line 4, column 'pixel399': "
        f"expected a whole number from 0 to 255, got {cell!r}"
    )


@pytest.mark.parametrize("cell", ["11", "10", "-1", "seven", "", "255"])
def test_a_bad_label_is_named_by_line(tmp_path: Path, rows: list[Row], cell: str) -> None:
    rows = copied(rows)
    rows[5][0] = cell
    with pytest.raises(DataError, match=r"line 6, column 'label': expected .* 0 to 9, got"):
        read_kaggle(written(tmp_path, rows))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(line=st.integers(1, 5), column=st.integers(0, 784), empty=st.integers(0, 3))
def test_the_first_bad_cell_is_found_wherever_it_is(
    tmp_path: Path, rows: list[Row], line: int, column: int, empty: int
) -> None:
    rows = copied(rows)
    rows[line][column] = "?"
    rows[5][784] = "?"  # a later one, or the same
    path = written(tmp_path, [rows[0], *[[""]] * empty, *rows[1:]])
    with pytest.raises(DataError, match=f"line {line + empty + 1}, column '{rows[0][column]}'"):
        read_kaggle(path)


@pytest.mark.parametrize("line", [1, 3, 5])
@pytest.mark.parametrize("change", ["short", "long"])
def test_a_row_of_another_length_is_named_by_line(
    tmp_path: Path, rows: list[Row], line: int, change: str
) -> None:
    rows = copied(rows)
    rows[line] = rows[line][:-1] if change == "short" else [*rows[line], "0"]
    got = 784 if change == "short" else 786
    with pytest.raises(
        DataError,
        match=f"line {line + 1}: expected 785 values, as in the header, got {got}",
    ):
        read_kaggle(written(tmp_path, rows))


@pytest.mark.parametrize("column", [0, 400, 784])
@pytest.mark.parametrize("copies", [1, 40])  # the reader gives up, as it is set, or comes to an end
@pytest.mark.parametrize("closed", [False, True])
def test_a_quote_that_is_not_closed_is_told_by_its_own_line(
    tmp_path: Path, rows: list[Row], column: int, copies: int, closed: bool
) -> None:
    rows = copied([rows[0], *rows[1:] * copies])
    rows[2][column] = '"' + rows[2][column]
    if closed:  # some lines farther down
        rows[-1][column] += '"'
    message = "line 3: expected whole numbers, got a quote .* not closed in this line; remove it"
    with pytest.raises(DataError, match=message):
        read_kaggle(written(tmp_path, rows))


def test_a_quote_in_the_header_or_the_last_line_that_is_not_closed_is_told(
    tmp_path: Path, rows: list[Row]
) -> None:
    for line in (0, 5):
        quoted = copied(rows)
        quoted[line][784] = '"' + quoted[line][784]
        with pytest.raises(DataError, match=f"line {line + 1}: .*unexpected end of data"):
            read_kaggle(written(tmp_path, quoted))


def test_rows_that_are_all_too_long_are_refused(tmp_path: Path, rows: list[Row]) -> None:
    long = [rows[0], *([*row, "0"] for row in rows[1:])]
    with pytest.raises(DataError, match=r"line 2: expected 785 values, .* got 786"):
        read_kaggle(written(tmp_path, long))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h[:-1], "column 'pixel783' is missing; expected .* got 784 columns"),
        (lambda h: h[:1] + h[3:], "column 'pixel0' and 1 more is missing"),
        (lambda h: [f"p{name}" for name in h], "column 'pixel0' and 783 more is missing"),
        (lambda h: [*h, "id"], "column 786 is named 'id'; expected only .* remove or rename it"),
        (lambda h: [*h, "pixel5"], "column 'pixel5' comes twice"),
        (lambda h: ["Label", *h[1:]], "column 1 is named 'Label'"),
        (lambda h: [""], "expected the columns .* got an empty line"),
    ],
)
def test_a_wrong_header_is_refused_with_its_column(
    tmp_path: Path, rows: list[Row], change: Callable[[Row], Row], message: str
) -> None:
    with pytest.raises(DataError, match=f"line 1: {message}"):
        read_kaggle(written(tmp_path, [change(rows[0]), *rows[1:]]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected the columns .* got an empty line"),
        (b"\xff\xfe\0\0\n", "line 1: expected text"),
        (b"PK\x03\x04", "is a zip archive; unpack it and give the file inside"),
        (b"label,pixel0\r7,0\r", "line 1: expected the columns .* got no CSV"),
        (b"label;pixel0\n7;0\n", "got semicolons between them; save the file with commas"),
        (b'"label";"pixel0"\n7;0\n', "got semicolons between them; save the file with commas"),
        (b"label\tpixel0\n7\t0\n", "got tabs between them"),
        (b"7,0,0\n", "column 'pixel0' and 783 more is missing"),
    ],
)
def test_what_is_no_such_csv_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_kaggle(path)


def test_a_header_alone_is_refused(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(DataError, match="expected rows of pixels below the header, got none"):
        read_kaggle(written(tmp_path, rows[:1]))


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path, rows: list[Row]) -> None:
    path = written(tmp_path, rows)
    content = path.read_bytes().split(b"\n")
    content[2] = b"\xff" + content[2][1:]
    path.write_bytes(b"\n".join(content))
    with pytest.raises(DataError, match="line 3, column 'label'"):
        read_kaggle(path)


def test_the_sample_table_has_kaggles_form() -> None:
    frame = kaggle_frame(3)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns[[0, 1, -1]]) == ["label", "pixel0", "pixel783"]


@pytest.mark.parametrize("rows", [3, 9, 10, 29])
def test_a_tenth_of_the_rows_but_at_least_one_is_held_out_for_each_purpose(
    tmp_path: Path, rows: int
) -> None:
    part = read_train_csv(write_kaggle(tmp_path / "train.csv", rows))
    held_out = max(1, rows // 10)
    assert len(part.validation.labels) == len(part.test.labels) == held_out
    assert len(part.labels) == rows - 2 * held_out


def test_rows_that_cannot_be_divided_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train.csv: expected at least 3 rows, .* got 2"):
        read_train_csv(write_kaggle(tmp_path / "train.csv", 2))
