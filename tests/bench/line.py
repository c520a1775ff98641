"""A host at the end of a line: so many bytes a second for all requests together, so long a way.

It sends what a plain static host sends: text and WebAssembly compressed with gzip, the rest as it
is. Without a line it only counts, and compresses nothing.
"""

from __future__ import annotations

import contextlib
import gzip
import mimetypes
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHUNK = 16_384
COMPRESSED = {".css", ".html", ".js", ".json", ".mjs", ".py", ".svg", ".wasm"}
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}


@dataclass
class Line:
    """A line that all requests share."""

    bytes_per_second: float
    delay: float
    """Seconds for a request and its answer, there and back."""
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, size: int) -> None:
        """Wait as long as it takes to send `size` bytes."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self.bytes_per_second
            free_at = self._free_at
        time.sleep(max(0.0, free_at - time.monotonic()))


class Host:
    """A static host of a directory on a free port; `asked` are the paths that were requested."""

    def __init__(self, directory: Path, line: Line | None = None) -> None:
        self.directory, self.line = directory, line
        self.asked: list[str] = []
        self._sent: dict[str, bytes] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Hosts send what they have: held back, each small file would come 40 ms late.
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with contextlib.suppress(ConnectionResetError):  # the browser was closed
                    super().handle()

            def do_GET(self) -> None:
                host.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send what `request` asks for, as slowly as the line is."""
        name = unquote(urlsplit(request.path).path).lstrip("/") or "index.html"
        path = self.directory / name
        self.asked.append(name)
        if self.line:
            time.sleep(self.line.delay)
        found = path.is_file()
        data = self._content(name) if found else b"not here"
        request.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.send_header("ETag", f'"{len(data)}"')
        if found and self.line and path.suffix in COMPRESSED:
            request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        try:
            if not self.line:
                request.wfile.write(data)
                return
            for start in range(0, len(data), CHUNK):
                chunk = data[start : start + CHUNK]
                self.line.send(len(chunk))
                request.wfile.write(chunk)
        except (BrokenPipeError, ConnectionResetError):  # the page was closed
            request.close_connection = True

    def _content(self, name: str) -> bytes:
        if name not in self._sent:
            data = (self.directory / name).read_bytes()
            if self.line and Path(name).suffix in COMPRESSED:
                data = gzip.compress(data, 6)
            self._sent[name] = data
        return self._sent[name]

    def warm(self) -> None:
        """Compress everything now, so that no visit waits for it."""
        for path in self.directory.rglob("*"):
            if path.is_file():
                self._content(path.relative_to(self.directory).as_posix())

    def stop(self) -> None:
        """Go off the network."""
        self._server.shutdown()
        self._server.server_close()
