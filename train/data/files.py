"""Reading whole files, compressed or not, and writing them so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from train.data.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"


def read_content(path: Path) -> bytes:
    """Return what the file holds, unpacked if it is gzip: its first bytes decide, not its name.

    Raises:
        DataError: the file cannot be read, is a zip archive, or its gzip data are damaged.
    """
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return unpack(packed, str(path))


def unpack(packed: bytes, name: str) -> bytes:
    """Return `packed` as it is, or what it holds if it is gzip; `name` is for the error alone.

    Raises DataError if the gzip data are damaged, or it is a zip archive.
    """
    if packed.startswith(ZIP_MAGIC):
        raise DataError(f"{name}: is a zip archive; unpack it and give the file inside")
    if not packed.startswith(GZIP_MAGIC):
        return packed
    try:
        return gzip.decompress(packed)
    except EOFError:
        raise DataError(
            f"{name}: the gzip data end too early, after {len(packed)} bytes; "
            "the file was cut short, copy or download it again"
        ) from None
    except (OSError, zlib.error) as error:
        raise DataError(
            f"{name}: the gzip data are damaged ({error}); copy or download the file again"
        ) from error


_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block ends, and vanishes if it fails.

    The new file is written beside the old one and renamed, so that readers find the old content
    or the new, whole, whatever happens in between.
    """
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "expected the name of a file, not a folder", str(path)
        )
    if path.exists() and not path.is_file():
        raise OSError(
            errno.EINVAL, "expected the name of a file, not of a pipe or a device", str(path)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=".part", dir=path.parent
        )
    except OSError as error:  # it would name a file that nobody asked for
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        os.replace(name, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.errno in _OF_DISKS and not error.filename:
            error.filename = str(path)  # else it would name no file
        raise


def _umask() -> int:
    """Return the process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
