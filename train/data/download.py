"""Downloads one file from the first of several addresses whose content is the right one."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from train.data.errors import DataError
from train.data.files import replacing, unpack

TIMEOUT_SECONDS = 30
# Ten times the largest file that is wanted: an endless answer must not fill the memory.
LIMIT_BYTES = 100_000_000


def download(
    addresses: Sequence[str],
    target: Path,
    sha256: str,
    report: Callable[[str], None] | None = None,
) -> None:
    """Write the file to `target`, whole or not at all.

    Args:
        addresses: where the file may be had, tried in order.
        target: where it goes; its folder is made if need be.
        sha256: of the content, in hexadecimal; of a gzip file, of what it holds unpacked.
        report: called with a line of text for a person to read.

    Raises:
        DataError: no address gave the right content, with what each gave instead; or the file
            cannot be written.
    """
    failures = []
    for address in addresses:
        if report is not None:
            report(f"downloading {address}")
        try:
            content = _fetch(address, sha256)
        except (OSError, http.client.HTTPException, DataError) as error:
            # An HTTPError says its status as text; another URLError only wraps what went wrong.
            if isinstance(error, urllib.error.URLError) and not hasattr(error, "code"):
                failures.append(f"{address}: {error.reason}")
            else:
                failures.append(f"{address}: {error}")
            continue
        try:
            with replacing(target) as file:
                file.write(content)
        except OSError as error:
            raise DataError(f"{target}: cannot be written: {error.strerror}") from error
        return
    raise DataError(f"{target.name} cannot be downloaded:\n    " + "\n    ".join(failures))


def _fetch(address: str, sha256: str) -> bytes:
    """Return the bytes at `address` as they came, if their unpacked content has the hash."""
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
        packed: bytes = answer.read(LIMIT_BYTES + 1)
    if len(packed) > LIMIT_BYTES:
        raise DataError(f"more than {LIMIT_BYTES} bytes came")
    got = hashlib.sha256(unpack(packed, "the download")).hexdigest()
    if got != sha256:
        raise DataError(f"expected content with SHA-256 {sha256}, got {got}")
    return packed
