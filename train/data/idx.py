"""Reads IDX, the format of MNIST's files: a magic number, the dimensions, then the bytes."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data.errors import DataError
from train.data.files import read_content

UNSIGNED_BYTE = 0x08
KINDS = {1: "labels", 3: "images"}


def read_idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzip or not.

    Format: http://yann.lecun.com/exdb/mnist/, "the IDX file format". Two zero bytes, one for the
    type (8: unsigned byte), one for the number of dimensions, each dimension as a big-endian
    32-bit integer, then the values in row-major order.

    Returns:
        images `(n, height, width) uint8` or labels `(n,) uint8`, a read-only array.

    Raises:
        DataError: the file is missing, damaged, or not of this form.
    """
    path = Path(path)
    content = read_content(path)
    if len(content) < 4:
        raise DataError(
            f"{path}: expected an IDX file, which begins with a 4-byte magic number, "
            f"got {len(content)} bytes; copy or download the file again"
        )
    zeros, kind, dimensions = content[:2], content[2], content[3]
    if zeros != b"\0\0" or kind != UNSIGNED_BYTE or dimensions not in KINDS:
        raise DataError(
            f"{path}: expected the magic number 0x00000803 (images) or 0x00000801 (labels), "
            f"got 0x{content[:4].hex()}; is this an IDX file?"
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(
            f"{path}: expected a header of {header} bytes for {KINDS[dimensions]}, "
            f"got {len(content)} bytes; the file was cut short, copy or download it again"
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, 4))
    expected, got = math.prod(shape), len(content) - header
    if got != expected:
        fault = "the file was cut short" if got < expected else "something was added to the file"
        raise DataError(
            f"{path}: expected {expected} bytes of {KINDS[dimensions]} "
            f"({' x '.join(map(str, shape))}, as the header says), got {got}; "
            f"{fault}, copy or download it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
