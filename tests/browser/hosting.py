"""Web servers for the tests: a static host that can lose files, and the project's own."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.serving import make_server

import server


class StaticHost:
    """A static host on a free port, as plain as they come; it counts what is asked of it."""

    def __init__(self, directory: Path, prefix: str = "/") -> None:
        self.directory, self.prefix = directory, prefix
        self.requests: Counter[str] = Counter()
        self.missing: set[str] = set()
        """Paths that answer 404."""
        self.cut: set[str] = set()
        """Paths of which only the first 1,000 bytes are there."""
        self.altered: set[str] = set()
        """Paths whose last byte is another."""
        self.prefixes: dict[str, bytes] = {}
        """What some paths have before their content."""
        self.aliases: dict[str, str] = {}
        """Paths that answer with another file."""
        self.headers: dict[str, str] = {}
        """Sent with every file."""
        self.held: set[str] = set()
        """Paths that send nothing until ``release`` is called."""
        self.released = threading.Event()
        handler = functools.partial(_StaticHandler, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let go of what was held."""
        self.released.set()

    def stop(self) -> None:
        """Go off the network."""
        self.release()
        self._server.shutdown()
        self._server.server_close()


class _StaticHandler(SimpleHTTPRequestHandler):
    def __init__(self, host: StaticHost, *arguments: object) -> None:
        self.host = host
        super().__init__(*arguments, directory=str(host.directory))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.host.requests[path.removeprefix(self.host.prefix)] += 1
        if not path.startswith(self.host.prefix):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        name = path.removeprefix(self.host.prefix)
        if name in self.host.held:
            self.host.released.wait()
        if name in self.host.missing:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.path = f"/{self.host.aliases.get(name, name)}"
        if name in self.host.cut | self.host.altered | self.host.prefixes.keys():
            data = (self.host.directory / name).read_bytes()
            if name in self.host.cut:
                data = data[:1000]
            if name in self.host.altered:
                data = data[:-1] + bytes([data[-1] ^ 1])
            data = self.host.prefixes.get(name, b"") + data
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", self.guess_type(name))
            self.end_headers()
            self.wfile.write(data)
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the page was closed
            super().do_GET()

    def end_headers(self) -> None:
        for name, value in self.host.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


class RefusingProxy:
    """A proxy that refuses every request and remembers for which host it was."""

    def __init__(self) -> None:
        self.hosts: Counter[str] = Counter()
        handler = functools.partial(_RefusingHandler, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _RefusingHandler(BaseHTTPRequestHandler):
    def __init__(self, proxy: RefusingProxy, *arguments: object) -> None:
        self.proxy = proxy
        super().__init__(*arguments)  # type: ignore[arg-type]

    def refuse(self) -> None:
        self.proxy.hosts[urlsplit(self.path).hostname or self.path] += 1
        self.send_error(HTTPStatus.FORBIDDEN)

    do_GET = do_POST = do_HEAD = do_CONNECT = refuse  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def static_host(directory: Path, prefix: str = "/") -> Iterator[StaticHost]:
    """Serve ``directory`` below ``prefix`` until the block ends."""
    host = StaticHost(directory, prefix)
    try:
        yield host
    finally:
        host.stop()


class AppServer:
    """The project's own server on a free port."""

    def __init__(self, site: Path, **config: Any) -> None:
        app = server.create_app({"SITE": site, **config})
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Go off the network."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def app_server(site: Path, **config: Any) -> Iterator[AppServer]:
    """Run the project's server with the page in ``site`` until the block ends."""
    running = AppServer(site, **config)
    try:
        yield running
    finally:
        running.stop()
