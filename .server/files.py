"""Files of the page: of the right type, compressed, in parts, kept by browsers if they can be."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import brotli
from flask import Response, request, send_file, send_from_directory
from waitress.buffers import ReadOnlyFileBasedBuffer
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

TYPES = {  # whatever the system's own table says
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".npz": "application/zip",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".zip": "application/zip",
}
COMPRESSIBLE = {".css", ".html", ".js", ".json", ".mjs", ".py", ".svg", ".txt", ".wasm"}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {  # the better first
    "br": lambda data: brotli.compress(data, quality=6),
    "gzip": lambda data: gzip.compress(data, compresslevel=6, mtime=0),
}
LARGEST = ("generated/pyodide/core.wasm", "generated/snapshot.wasm")
"""Files of a first visit that take a second to compress, both together, on a slow core."""
HASHED = re.compile(r"generated/.*(-[\w-]{8}\.m?js|[-.][0-9a-f]{8,64}\.\w+)$")  # core-C9KDLldu.js


def site_file(site: Path, path: str) -> Response:
    """A file of the site: conditional, in parts, or compressed, as the request asks."""
    if path.endswith("/") or any(part.startswith(".") for part in path.split("/")):
        raise NotFound  # no file, or what a build is still writing, and whatever else lies hidden
    mimetype = TYPES.get(Path(path).suffix)
    found = safe_join(str(site), path)
    is_part = _is_part(found)
    if not is_part:
        request.environ.pop("HTTP_RANGE", None)  # so the whole file is sent, as HTTP has it
    compressible = Path(path).suffix in COMPRESSIBLE and not is_part
    encoding = request.accept_encodings.best_match(ENCODINGS) if compressible else None
    try:
        if encoding and found and os.path.isfile(found):
            data, etag = _compressed(found, encoding).content()
            response = send_file(io.BytesIO(data), mimetype, conditional=True, etag=etag)
            response.headers["Content-Encoding"] = encoding
        else:
            response = send_from_directory(site, path, mimetype=mimetype, conditional=True)
    except OSError as error:  # it may not be read, or went away meanwhile
        raise NotFound from error
    whole = getattr(response.response, "iterable", None)
    if response.content_range and isinstance(whole, ReadOnlyFileBasedBuffer):
        whole.seek(response.content_range.start)  # a part: waitress sends it from the file
        response.response = whole
    kept = "public, max-age=31536000, immutable" if HASHED.fullmatch(path) else "no-cache"
    response.headers["Cache-Control"] = kept
    response.vary.add("Accept-Encoding")
    return response


def _is_part(found: str | None) -> bool:
    """Tell whether the request is for one part of a file, in bytes.

    Werkzeug refuses all else that Range can say, even what there is to send: several parts, a
    unit that nobody knows, and more of the end than the file has.
    """
    part = request.range
    if part is None or part.units != "bytes" or len(part.ranges) != 1:
        return False
    first = part.ranges[0][0]
    try:
        return first >= 0 or -first <= os.path.getsize(found or "")
    except (OSError, ValueError):  # there is no such file, as the answer will say
        return True


def compress_largest(site: Path) -> None:
    """Compress what takes longest, as browsers take it, so that the first visitor need not wait."""
    for path in map(site.resolve().joinpath, LARGEST):
        with contextlib.suppress(OSError):  # not there: `build.py --stock` makes neither
            _compressed(str(path), next(iter(ENCODINGS))).content()


class _Compressed:
    """A file that is compressed once for each change, by whoever asks first.

    Who asks meanwhile waits for that.
    """

    def __init__(self, path: str, encoding: str) -> None:
        self.path, self.encoding = Path(path), encoding
        self.seen: tuple[int, ...] = ()
        self.made = b"", ""
        self.lock = threading.Lock()

    def content(self) -> tuple[bytes, str]:
        """Return the compressed content and its ETag; raise OSError if it cannot be read."""
        with self.lock:
            found = os.stat(self.path)
            seen = found.st_mtime_ns, found.st_ctime_ns, found.st_size
            if seen != self.seen:
                data = ENCODINGS[self.encoding](self.path.read_bytes())
                etag = "-".join(f"{number:x}" for number in (*seen, len(data)))
                self.seen, self.made = seen, (data, f"{etag}-{self.encoding}")
            return self.made


_compressed = lru_cache(maxsize=128)(_Compressed)
