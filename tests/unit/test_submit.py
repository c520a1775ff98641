"""The submission for Kaggle: of the right form, whole or not at all; and what fetching says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nn import Recognizer
from nn.layers import Dense, Flatten
from nn.model import Sequential
from tests.sample import sample_images, write_kaggle, write_mnist, write_pen
from train.data import DataError
from train.data import places as data_places
from train.fetch import KAGGLE, fetch
from train.submit import submit


@pytest.fixture
def recognizer() -> Recognizer:
    """A network that reads the digit whose own pixel is lit: pixel 0 says 0, pixel 9 says 9."""
    dense = Dense(784, 10)
    for array in dense.params.values():
        array[...] = 0
    dense.params["weight"][:10, :10] = np.eye(10)
    return Recognizer(Sequential([Flatten(), dense]), {})


@pytest.fixture
def digits() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 10, 1234)


@pytest.fixture
def test_csv(tmp_path: Path, digits: np.ndarray) -> Path:
    pixels = np.zeros((len(digits), 784), np.uint8)
    pixels[np.arange(len(digits)), digits] = 255
    path = tmp_path / "test.csv"
    pd.DataFrame(pixels, columns=[f"pixel{i}" for i in range(784)]).to_csv(path, index=False)
    return path


def test_a_submission_has_kaggles_form_and_the_rows_order(
    tmp_path: Path, recognizer: Recognizer, test_csv: Path, digits: np.ndarray
) -> None:
    target = tmp_path / "submission.csv"
    assert submit(recognizer, test_csv, target) == (1234, None)
    assert target.read_bytes().startswith(f"ImageId,Label\n1,{digits[0]}\n2,".encode())
    frame = pd.read_csv(target)
    assert list(frame.columns) == ["ImageId", "Label"]
    assert list(frame["ImageId"]) == list(range(1, 1235))
    np.testing.assert_array_equal(frame["Label"], digits)


def test_labels_in_the_file_are_compared(tmp_path: Path, recognizer: Recognizer) -> None:
    path = write_kaggle(tmp_path / "train.csv", 50, seed=5)
    images, labels = sample_images(50, 5)
    wrong = int((recognizer.classify(images).argmax(1) != labels).sum())
    assert submit(recognizer, path, tmp_path / "out.csv") == (50, wrong)
    assert wrong > 0


def test_a_bad_table_leaves_the_older_submission(
    tmp_path: Path, recognizer: Recognizer, test_csv: Path
) -> None:
    target = tmp_path / "submission.csv"
    target.write_text("older")
    test_csv.write_text(test_csv.read_text().replace("0,255,0", "0,256,0", 1))
    with pytest.raises(DataError, match=r"line \d+, column 'pixel\d': expected .* got '256'"):
        submit(recognizer, test_csv, target)
    assert target.read_text() == "older"


def test_the_table_that_is_read_is_not_written_over(recognizer: Recognizer, test_csv: Path) -> None:
    before = test_csv.read_bytes()
    with pytest.raises(DataError, match="this is the file that is read"):
        submit(recognizer, test_csv, test_csv)
    assert test_csv.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, recognizer: Recognizer, test_csv: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/submission.csv: cannot be written: "):
        submit(recognizer, test_csv, tmp_path / "file" / "submission.csv")


def test_fetching_tells_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_places, "PROJECT", tmp_path / "project")
    monkeypatch.setenv("DIGITS_DATA", str(tmp_path))
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "cache"))
    write_mnist(tmp_path / "mnist", 20, 10)
    lines: list[str] = []
    fetch(tmp_path / "mnist", lines.append, mirrors=())
    assert "MNIST: 20 training and 10 test images" in lines
    assert any("Put a file digits.jsonl.gz" in line for line in lines)
    assert lines[-1] == KAGGLE
    write_pen(tmp_path / "unipen", writers=3)
    fetch(tmp_path / "mnist", lines.append, mirrors=())
    assert "pen-drawn digits: 30 by 3 writers" in lines


def test_fetching_what_cannot_be_had_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz cannot be downloaded"):
        fetch(tmp_path / "new", [].append, mirrors=("http://127.0.0.1:1/",))
