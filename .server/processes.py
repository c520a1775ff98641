"""Processes that read, beside the one that speaks HTTP: the network has a core to itself."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import threadpoolctl

from nn import Recognizer
from nn.weights import WeightsError
from problems import LATER, Refused, fail
from reader import ACCEPTED, Answer, Reader

PROGRAM = Path(__file__).resolve().parents[1] / "server.py"
HEAD = struct.Struct("!HBI")
"""Before each message: the number of a type, or a status; what is allowed; the body's length."""
SHORT = 2**16
"""Bytes of a drawing's request: less than a line holds, so that sending them never waits."""
LINES = 4
"""To each process, so that it finds the next drawing when it has read one."""
ENDED = "what read this came to an end, or took too long: try again"


class Readers:
    """Processes that read: some for drawings alone, one for all that may take longer."""

    def __init__(self, count: int, limits: Mapping[str, Any]) -> None:
        """Start them, and wait until they have loaded the weights, which may raise WeightsError."""
        self.rest = ReaderProcess(limits, 1)
        self.drawings = [ReaderProcess(limits, LINES) for _ in range(count)]
        self.turn = threading.Lock()
        try:
            hashes = {each.greeted() for each in (self.rest, *self.drawings)}
            self.model_hash = hashes.pop()
            if hashes:
                raise WeightsError("the weights changed while they were loaded")
        except BaseException:
            for each in (self.rest, *self.drawings):
                each.process.kill()
            raise

    def answer(self, media_type: str, body: bytes, allowed: int) -> Answer:
        """Return what `Reader.answer` does; raise Refused (503) if the process came to an end."""
        with self.turn:
            (line,) = self.rest.lines
            try:
                send(line, ACCEPTED.index(media_type), allowed, body)
                status, _, answer = receive(line)
            except (OSError, EOFError) as error:
                self.rest.replace()
                raise Refused(503, ENDED, headers=LATER) from error
        return status, answer


class ReaderProcess:
    """A process that reads. It ends with this one: when nobody is at the other end of its lines."""

    def __init__(self, limits: Mapping[str, Any], lines: int) -> None:
        self.limits, self.count = dict(limits), lines
        self._start()

    def _start(self) -> None:
        with contextlib.ExitStack() as sockets:
            pairs = [socket.socketpair() for _ in range(self.count)]
            ours, theirs = (
                [sockets.enter_context(e) for e in ends] for ends in zip(*pairs, strict=True)
            )
            for end in (*ours, *theirs):  # of itself, macOS has room for less than a drawing
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * SHORT)
            numbers = [end.fileno() for end in theirs]
            setup = json.dumps([numbers, self.limits], default=str)
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, "--read", setup],
                stdin=subprocess.DEVNULL,
                pass_fds=numbers,
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # or NumPy starts one for each core
            )
            self.numbers = [end.fileno() for end in ours]
            self.lines = [end.makefile("rwb") for end in ours]  # which keep our ends open

    def greeted(self) -> str:
        """Wait until it has loaded the weights; return their hash, or raise WeightsError."""
        try:
            status, _, told = receive(self.lines[0])
        except (OSError, EOFError) as error:
            raise WeightsError("a process that reads came to an end") from error
        if status != HTTPStatus.OK:
            raise WeightsError(told.decode())
        self.limits["MODEL"] = told.decode()
        return told.decode()

    def replace(self) -> None:
        """End it, and start another: what it is sent waits until it has loaded the same weights."""
        self.process.kill()
        self.process.wait()
        try:
            self._start()
        except OSError as error:  # its lines stay dead: whoever uses them tries this again
            fail(f"cannot start a process that reads: {error}")


def send(line: io.BufferedRWPair, kind: int, allowed: int, body: bytes) -> None:
    """Send a message: see HEAD for what stands before its body."""
    line.write(HEAD.pack(kind, allowed, len(body)))
    line.write(body)
    line.flush()


def receive(line: io.BufferedRWPair) -> tuple[int, int, bytes]:
    """Return the next message, as it was sent; raise EOFError if nobody is at the other end."""
    head = line.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    kind, allowed, length = HEAD.unpack(head)
    body = line.read(length)
    if len(body) < length:
        raise EOFError
    return kind, allowed, body


def read_for_another(numbers: Sequence[int], limits: Mapping[str, Any]) -> int:
    """Be a process that reads: answer what comes until nobody is at the other end of the lines."""
    for each in (signal.SIGINT, signal.SIGTERM):  # meant for all processes of a terminal or a unit
        signal.signal(each, signal.SIG_IGN)
    lines = {number: socket.socket(fileno=number).makefile("rwb") for number in numbers}
    known = limits.get("MODEL")
    try:
        reader = Reader(Recognizer.load(limits["WEIGHTS"]), limits)
        if known not in (None, reader.model_hash):
            raise WeightsError("the weights are others than before: start the server again")
        greeting = HTTPStatus.OK, reader.model_hash
    except WeightsError as error:
        greeting = HTTPStatus.INTERNAL_SERVER_ERROR, str(error)
    if not known:
        with contextlib.suppress(OSError):  # the server was ended meanwhile: see below
            send(lines[numbers[0]], greeting[0], 0, greeting[1].encode())
    if greeting[0] != HTTPStatus.OK:
        return fail(greeting[1]) if known else 1
    settle()
    ready = selectors.DefaultSelector()
    for number in numbers:
        ready.register(number, selectors.EVENT_READ)
    with contextlib.suppress(EOFError, OSError):
        while True:
            for key, _ in ready.select():
                line = lines[key.fd]
                kind, allowed, body = receive(line)
                signal.alarm(limits["TIMEOUT"])  # it would end the process, whatever that is at
                status, answer = reader.answer(ACCEPTED[kind], body, allowed)
                signal.alarm(0)
                send(line, status, allowed, answer)
    return 0


def settle() -> None:
    """Make ready for many requests, once all is loaded."""
    threadpoolctl.threadpool_limits(1)  # requests are worked on side by side already
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only GNU's C library has it
        ctypes.CDLL(None).mallopt(-3, 2**20)  # M_MMAP_THRESHOLD: give back what pictures took
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look through it again and again
