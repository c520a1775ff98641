"""Archives: those that the build writes, and those in which packages come."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path


def pack_tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of `files`, the same for the same content.

    It is not compressed: hosts compress what they send, some better than gzip.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def read_tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file in a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                yield member.name, content.read()


def read_archive(path: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield those of `names` that a package has, a wheel or a tarball, with their content."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            yield from ((name, wheel.read(name)) for name in names & set(wheel.namelist()))
    else:
        with tarfile.open(path) as tarball:
            for member in tarball:
                if member.name in names and (content := tarball.extractfile(member)):
                    yield member.name, content.read()


def as_module(content: bytes) -> bytes:
    """Return a WebAssembly module that does nothing, and holds `content` in a custom section.

    Hosts compress WebAssembly, as GitHub Pages does; archives, which mostly are compressed already,
    they leave alone. The content begins after 20 bytes; site/tar.js skips them.
    """
    name = b"files"
    size = len(name) + 1 + len(content)
    length = bytes(size >> shift & 0x7F | (0x80 if shift < 28 else 0) for shift in range(0, 35, 7))
    head = b"\0asm\1\0\0\0" + b"\0" + length + bytes([len(name)]) + name
    return head + content
