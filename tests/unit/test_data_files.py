"""Files are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

import build
from errors import BuildError
from nn import weights
from nn.model import Sequential
from train.data import DataError
from train.data.files import replacing
from train.data.places import cache_directory, data_directories


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    for content in (b"first", b"second"):
        with replacing(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as file:  # noqa: PT012 - the write is the point
        file.write(b"half of the n")
        raise error
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_and_a_full_disk_are_told_by_the_name_that_was_given(tmp_path: Path) -> None:
    expected = "expected the name of a file"
    with pytest.raises(IsADirectoryError, match=expected) as of_folder, replacing(tmp_path):
        pass
    table = tmp_path / "table.csv"
    with pytest.raises(OSError, match="No space left") as of_disk, replacing(table):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (of_folder.value.filename, of_disk.value.filename) == (
        str(tmp_path),
        str(table),
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files_is_told_by_the_name_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(dir: Path, prefix: str, **_: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", f"{dir}/{prefix}x8a1")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    table = tmp_path / "table.csv"
    with pytest.raises(PermissionError) as of_replacing, replacing(table):
        pass
    with pytest.raises(PermissionError) as of_weights:
        weights.save(table, Sequential([]), {})
    assert {of_replacing.value.filename, of_weights.value.filename} == {str(table)}


def test_a_replaced_file_may_be_read_like_any_other(tmp_path: Path) -> None:
    with replacing(tmp_path / "replaced"):
        pass
    (tmp_path / "usual").touch()
    modes = [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("replaced", "usual")]
    assert modes[0] == modes[1]


def test_the_cache_follows_the_environment() -> None:
    assert cache_directory({"DIGITS_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert cache_directory({"XDG_CACHE_HOME": "/b"}) == Path("/b/digits")
    assert cache_directory({}) == Path.home() / ".cache/digits"


def test_a_user_without_a_home_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    for name in ("DIGITS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match="no home folder"):
        cache_directory({})
    with pytest.raises(BuildError, match="no home folder"):
        build.cache_directory()


def test_the_users_data_come_first_and_the_cache_last() -> None:
    places = data_directories("mnist", {"DIGITS_DATA": "/d", "DIGITS_CACHE": "/c"})
    assert places[0] == Path("/d/mnist")
    assert places[-1] == Path("/c/mnist")
    assert len(places) == 4
    assert len(data_directories("mnist", {"DIGITS_CACHE": "/c"})) == 3
