"""The server as the tests meet it: through Flask's client, and as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from nn import Recognizer
from server import create_app

ROOT = Path(__file__).parents[2]
SECONDS = 60
"""Far more than any answer takes, even on a busy machine."""


class Running:
    """`python server.py`, or another `program`, on a free port, started with `options`."""

    def __init__(self, site: Path, *options: str, program: str = "", **environment: str) -> None:
        script = ["-c", program] if program else ["server.py"]
        command = [sys.executable, *script, "--port", "0", "--site", str(site), *options]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"DIGITS_HOST": "127.0.0.1", **environment},
        )
        assert self.process.stdout
        self.lines: list[str] = []
        """What it printed: the address, then the access log."""
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.match(r"Serving on (http://127\.0\.0\.1:(\d+)/)$", line):
                self.url, self.port = found[1], int(found[2])
                break
        else:
            raise AssertionError(f"the server ended: {''.join(self.lines)}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    @contextlib.contextmanager
    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> Iterator[HTTPResponse]:
        """Make one request on a connection of its own; `content_type` names a header."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            yield connection.getresponse()
        finally:
            connection.close()

    def post(self, body: bytes, content_type: str = "application/json") -> tuple[int, bytes]:
        """Post to /predict; return the status and the answer."""
        with self.ask("POST", "/predict", body, content_type=content_type) as response:
            return response.status, response.read()

    def connect(self) -> socket.socket:
        """Open a connection for bytes that no well-behaved client sends."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def readers(self) -> list[int]:
        """Return the numbers of the processes that read for it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def memory(self) -> int:
        """The most memory, in bytes, that it and the processes that read for it ever had.

        The peak of each is counted, though they come at different times; the files that all have
        mapped, which are the same pages of memory, are counted once.
        """
        peaks, files = [], []
        for number in (self.process.pid, *self.readers()):
            status = Path(f"/proc/{number}/status").read_text()
            taken = {name: int(kb) for name, kb in re.findall(r"(\w+):\s+(\d+) kB", status)}
            peaks.append(taken["VmHWM"])
            files.append(taken["RssFile"])
        return (sum(peaks) - sum(files) + max(files)) * 1024

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop, and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def close(self) -> None:
        """End it for certain."""
        self.process.kill()
        self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        if self.process.stdout:
            self.process.stdout.close()


Start = Callable[..., Running]


@pytest.fixture
def start(built_site: Path) -> Iterator[Start]:
    """Return what starts a server with options of the test's own; it is ended after the test."""
    running: list[Running] = []

    def start_one(*options: str, **environment: str) -> Running:
        running.append(Running(built_site, *options, **environment))
        return running[-1]

    yield start_one
    for each in running:
        each.close()


@pytest.fixture(scope="session")
def running(built_site: Path) -> Iterator[Running]:
    """Return a running server that many tests share."""
    server = Running(built_site)
    yield server
    server.close()


@pytest.fixture(scope="module")
def client(built_site: Path) -> FlaskClient:
    """Return a client of the application, without a network between."""
    return create_app({"SITE": built_site, "TESTING": True}).test_client()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """Return the network that ships."""
    return Recognizer.load()
