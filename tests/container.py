"""Build the container image, start it, and ask it what any visitor asks.

    python -m tests.container

Says so, and ends with 0, where no container engine is running.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGE = "digits-check"
PATIENCE = 60
"""Seconds in which the server must be there."""


def main() -> int:
    """Check the image; return the exit code."""
    engine = _engine()
    if engine is None:
        print("container: not checked, because neither docker nor podman is running here")
        return 0
    subprocess.run([engine, "build", "--tag", IMAGE, str(ROOT)], check=True)
    start = [engine, "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp"]
    name = _output([*start, "--publish", "127.0.0.1::8080", IMAGE])
    try:
        port = int(_output([engine, "port", name, "8080/tcp"]).splitlines()[0].rpartition(":")[2])
        _wait(port)
        page = _ask(port, "GET", "/")
        assert b"<canvas" in page, page[:200]
        drawing = {"strokes": [[[20, 30], [80, 28], [45, 110]]]}
        reading = json.loads(_ask(port, "POST", "/predict", json.dumps(drawing)))
        assert reading["text"] == "7", reading
        user = _output([engine, "exec", name, "id", "-un"])
        assert user == "nobody", user
        before = time.monotonic()
        subprocess.run([engine, "stop", name], check=True, stdout=subprocess.DEVNULL)
        assert time.monotonic() - before < 9, "it did not stop when it was told to"
    except BaseException:
        subprocess.run([engine, "logs", name], check=False)
        subprocess.run([engine, "kill", name], check=False, capture_output=True)
        raise
    print("container: it serves the page, reads a 7, runs as nobody and stops when told to")
    return 0


def _engine() -> str | None:
    """Return docker or podman, whichever runs here."""
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if found and subprocess.run([found, "info"], capture_output=True).returncode == 0:
            return found
    return None


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _wait(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _ask(port, "GET", "/healthz")
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _ask(port: int, method: str, path: str, body: str | None = None) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, (response.status, answer[:500])
        return answer
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
