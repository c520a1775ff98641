"""The IDX reader: what is sound comes back whole, and what is not is refused with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.sample import idx_bytes
from train.data import DataError, read_idx

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 9], np.uint8)

same_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@same_folder
@given(
    array=hnp.arrays(
        np.uint8,
        st.one_of(
            hnp.array_shapes(min_dims=1, max_dims=1, min_side=0),
            hnp.array_shapes(min_dims=3, max_dims=3, min_side=0),
        ),
    ),
    compress=st.booleans(),
)
def test_what_was_written_is_read(tmp_path: Path, array: np.ndarray, compress: bool) -> None:
    content = idx_bytes(array)
    read = read_idx(written(tmp_path, gzip.compress(content) if compress else content))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


@same_folder
@given(cut=st.integers(0, len(idx_bytes(IMAGES)) - 1))
def test_a_file_cut_anywhere_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, idx_bytes(IMAGES)[:cut])
    with pytest.raises(DataError, match=r"file: expected .* got"):
        read_idx(path)


@same_folder
@given(cut=st.integers(2, len(gzip.compress(idx_bytes(IMAGES), mtime=0)) - 1))
def test_gzip_data_cut_anywhere_are_refused_by_name(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, gzip.compress(idx_bytes(IMAGES), mtime=0)[:cut])
    with pytest.raises(DataError, match=r"file: the gzip data .* again"):
        read_idx(path)


@same_folder
@given(content=st.binary(max_size=64))
def test_any_bytes_are_read_or_refused_but_never_crash(tmp_path: Path, content: bytes) -> None:
    try:
        read = read_idx(written(tmp_path, content))
    except DataError:
        return
    assert idx_bytes(read) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an IDX file, which begins with a 4-byte magic number, got 0 bytes"),
        (b"\0\0", "got 2 bytes"),
        (b"\x89PNG\r\n\x1a\n", "got 0x89504e47; is this an IDX file?"),
        (b"\0\0\x0d\x01" + b"\0" * 8, r"expected the magic number .* got 0x00000d01"),
        (b"\0\0\x08\x02" + b"\0" * 16, r"0x00000803 \(images\) or 0x00000801 \(labels\), got"),
        (b"\0\0\x08\x03\0\0", "expected a header of 16 bytes for images, got 6 bytes"),
        (idx_bytes(IMAGES)[:-1], r"expected 60 bytes of images \(3 x 4 x 5, .* got 59; .* short"),
        (idx_bytes(LABELS) + b"\0", r"expected 3 bytes of labels \(3, .* got 4; .* added"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "expected 79228162458924105385300197375 bytes of images"),
        (b"PK\x03\x04 and so on", "is a zip archive; unpack it"),
        (b"\x1f\x8b\x08 no more", "the gzip data"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_flipped_bits_in_gzip_data_are_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(idx_bytes(IMAGES)))
    packed[-6] ^= 1  # in the check sum
    with pytest.raises(DataError, match=r"the gzip data are damaged \(.*\); copy or download"):
        read_idx(written(tmp_path, bytes(packed)))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: there is no such file"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_idx(tmp_path)
