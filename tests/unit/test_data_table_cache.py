"""The cache of parsed tables: what comes from it is what the file holds, or the file is parsed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sample import write_kaggle
from train.data import DataError, kaggle, read_kaggle, table_cache


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that takes files of any size."""
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(table_cache, "WORTHWHILE_BYTES", 0)
    return tmp_path / "cache" / "tables"


@pytest.fixture
def parsings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were parsed, in order."""
    parsed: list[Path] = []
    real = kaggle._parse

    def parse(content: bytes, path: Path) -> table_cache.Table:
        parsed.append(path)
        return real(content, path)

    monkeypatch.setattr(kaggle, "_parse", parse)
    return parsed


def assert_same(one: table_cache.Table, other: table_cache.Table) -> None:
    np.testing.assert_array_equal(one[0], other[0])
    assert (one[1] is None) == (other[1] is None)
    if one[1] is not None:
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("labels", [True, False])
def test_the_second_reading_parses_nothing_and_gives_the_same(
    tmp_path: Path, parsings: list[Path], labels: bool
) -> None:
    path = write_kaggle(tmp_path / "a.csv", 9, labels=labels)
    first = read_kaggle(path)
    assert_same(read_kaggle(path), first)
    assert_same(read_kaggle(path.rename(tmp_path / "b.csv")), first)
    assert parsings == [path]


def test_a_changed_file_is_parsed_again(tmp_path: Path, parsings: list[Path]) -> None:
    path = write_kaggle(tmp_path / "a.csv", 9, seed=1)
    first = read_kaggle(path)
    second = read_kaggle(write_kaggle(path, 9, seed=2))
    assert len(parsings) == 2
    assert (first[0] != second[0]).any()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x93NUMPY", None, 1000, -68])
def test_a_damaged_cache_is_made_again(
    tmp_path: Path, cache: Path, parsings: list[Path], damage: bytes | int | None
) -> None:
    path = write_kaggle(tmp_path / "a.csv", 9)
    first = read_kaggle(path)
    (kept,) = cache.iterdir()
    content = bytearray(kept.read_bytes())
    if isinstance(damage, bytes):
        kept.write_bytes(damage)
    elif damage is None:
        kept.write_bytes(content[:-500])
    else:
        content[damage] ^= 255
        kept.write_bytes(content)
    assert_same(read_kaggle(path), first)
    assert_same(read_kaggle(path), first)
    assert len(parsings) == 2


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"images": np.zeros((3, 28, 28), np.uint8)},
        {"images": np.zeros((3, 784), np.uint8), "labels": np.zeros(3, np.uint8)},
        {"images": np.zeros((3, 28, 28), np.uint8), "labels": np.zeros(2, np.uint8)},
        {"images": np.zeros((3, 28, 28), np.float32), "labels": np.zeros(3, np.uint8)},
        {"images": np.array([None]), "labels": np.zeros(3, np.uint8)},
    ],
)
def test_arrays_of_another_form_are_not_taken_from_the_cache(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    np.savez(tmp_path / "odd.npz", **arrays)
    assert table_cache.fetch(tmp_path / "odd.npz") is None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    images, _ = read_kaggle(write_kaggle(tmp_path / "a.csv", 9))
    assert len(images) == 9


def test_a_bad_file_is_not_kept(tmp_path: Path, cache: Path) -> None:
    path = write_kaggle(tmp_path / "a.csv", 9)
    path.write_text(path.read_text().replace(",255,", ",256,", 1))
    for _ in range(2):
        with pytest.raises(DataError, match="column 'pixel"):
            read_kaggle(path)
    assert not cache.exists()


def test_small_files_are_not_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_cache, "WORTHWHILE_BYTES", 4_000_000)
    read_kaggle(write_kaggle(tmp_path / "a.csv", 9))
    assert not cache.exists()
