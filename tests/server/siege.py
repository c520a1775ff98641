"""Hostile clients of every kind at the same time, and what well-behaved ones see meanwhile."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.sample import drawings
from tests.server.conftest import Running
from tests.server.test_pictures import bomb, encoded, seven

GOOD = 200
"""Well-behaved clients, all at once."""
SLOW = 80
"""Clients that send a byte now and then, that close their side, or that take no answer: each."""
HEALTH_CHECKS = """
import select, sys, time
from http.client import HTTPConnection

while not select.select([sys.stdin], [], [], 0.05)[0]:
    start = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    response.read()
    connection.close()
    print(response.status, time.perf_counter() - start)
"""
"""A process of its own: among the threads of the hostile clients it would wait for its own turn.

It ends with its standard input.
"""
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

Job = tuple[bytes, str, set[int], str | None]
"""A body, its type, the statuses that are right, and the text if it must be read."""


@dataclass
class Seen:
    """What came of a siege."""

    wrong: list[str] = field(default_factory=list)
    """What should not have happened, in words."""
    health: list[float] = field(default_factory=list)
    """Seconds that each health check took."""
    answered: int = 0
    memory: int = 0
    """The most that the server had, bytes."""


def besiege(server: Running, rounds: int = 4) -> Seen:
    """Send everything at once, `rounds` times the hostile requests; return what was seen."""
    seen = Seen()
    command = [sys.executable, "-c", HEALTH_CHECKS, str(server.port)]
    checks = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    jobs = _hostile() * rounds + _good()
    random.Random(1).shuffle(jobs)

    def work(job: Job) -> None:
        body, media_type, right, text = job
        status, answer = server.post(body, media_type)
        seen.answered += 1
        if status not in right:
            seen.wrong.append(f"{media_type} {body[:20]!r}: {status} {answer[:200]!r}")
        elif text is not None and json.loads(answer)["text"] != text:
            seen.wrong.append(f"read as something else than {text!r}: {body[:60]!r}")

    try:
        with _bad_connections(server), ThreadPoolExecutor(GOOD + 24) as pool:
            list(pool.map(work, jobs))
    finally:
        told, _ = checks.communicate()
    for line in told.splitlines():
        status, taken = line.split()
        seen.health.append(float(taken))
        if status != "200":
            seen.wrong.append(f"/healthz: {status}")
    seen.memory = server.memory()
    return seen


def _good() -> list[Job]:
    samples = [sample for sample in drawings() if sample.label in "0123456789"][:10]
    bodies = [json.dumps({"strokes": sample.strokes}).encode() for sample in samples]
    jobs: list[Job] = []
    for index in range(GOOD):
        sample, body = samples[index % len(samples)], bodies[index % len(samples)]
        jobs.append((body, "application/json", {200}, sample.label))
    return jobs


def _hostile() -> list[Job]:
    large = seven(size=(2400, 1900))
    picture = encoded(seven("RGBA", (900, 900)), "WEBP")
    batch = {"batch": [{"image": base64.b64encode(bomb(3_000)).decode()}] * 64}
    requests = [
        (bomb(30_000), "image/png", {413}),
        (json.dumps(batch).encode(), "application/json", {413, 503}),
        (encoded(seven(size=(3200, 3200))), "image/png", {200, 503}),
        (encoded(large.convert("RGBA"), "WEBP", quality=1), "image/webp", {200, 503}),
        (encoded(large.convert("RGB"), "JPEG", progressive=True), "image/jpeg", {200, 503}),
        (picture, "image/webp", {200}),
        (picture[:-900], "image/webp", {400}),
        (b"[" * 900_000, "application/json", {400}),
        (b"[" + b"{}," * 340_000 + b"{}]", "application/json", {400}),
        (b'{"strokes": [[[NaN, 1]]]}', "application/json", {400}),
        (b'{"strokes": [[[1e999, 1]]]}', "application/json", {400}),
        (b'{"strokes": ' + b"9" * 100_000 + b"}", "application/json", {400}),
        (json.dumps({"strokes": [[[1, 2]] * 20_000]}).encode(), "application/json", {200}),
        (b"\xff" * 9_000_000, "image/jpeg", {400}),
        (b"x" * 11_000_000, "image/png", {413}),
    ]
    return [(*request, None) for request in requests]


@contextlib.contextmanager
def _bad_connections(server: Running) -> Iterator[None]:
    """Hold connections that send slowly, are half closed, or take no answer, until the end."""
    over = threading.Event()
    with contextlib.ExitStack() as opened:
        slow, closed, deaf = (
            [opened.enter_context(server.connect()) for _ in range(SLOW)] for _ in range(3)
        )
        for connection in closed:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
            connection.shutdown(socket.SHUT_WR)
        for connection in deaf:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)

        def drip() -> None:
            for byte in HEAD * 100:
                for connection in slow:
                    with contextlib.suppress(OSError):  # the server has had enough of it
                        connection.send(bytes([byte]))
                if over.wait(0.1):
                    return

        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            yield
        finally:
            over.set()
            dripper.join()
