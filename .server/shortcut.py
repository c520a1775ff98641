"""Short drawings and health checks, which the main loop itself sees to: no thread waits."""

from __future__ import annotations

import time
from collections import deque
from http import HTTPStatus
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from limits import without_port
from pictures import ONE_DRAWING
from problems import Refused, as_problem
from processes import ENDED, SHORT, ReaderProcess, Readers, receive, send
from reader import ACCEPTED


class Shortcut:
    """Has short drawings read first, from the main loop, and then lets the application answer.

    So no thread waits for them, nor has to be woken twice. /healthz is answered here as well, and
    waits for nobody.
    """

    def __init__(self, app: Flask, trusted_proxy: str | None, sockets: dict[int, Any]) -> None:
        self.limit, self.trusted_proxy = app.extensions["digits.limit"], trusted_proxy
        self.sockets = sockets
        self.waiting: deque[HTTPChannel] = deque()
        self.health: deque[HTTPChannel] = deque()
        self.drawings: deque[HTTPChannel] = deque()
        self.free: deque[Line] = deque()
        reader = app.extensions["digits.reader"]
        self.processes = reader.drawings if isinstance(reader, Readers) else []
        for process in self.processes:
            self._connect(process)

    def add_task(self, channel: HTTPChannel) -> None:
        """Take a request that has arrived; what is not for here goes on to the threads."""
        if channel.total_outbufs_len:  # first the client takes what it asked for before
            self.waiting.append(channel)
            return
        request = channel.requests[0]
        request.began = time.perf_counter()
        if not request.error and request.path == "/healthz":
            self.health.append(channel)
        elif self.processes and self._is_drawing(request) and self._is_allowed(channel):
            self.drawings.append(channel)
        else:
            channel.server.task_dispatcher.add_task(channel)

    def act(self) -> None:
        """Do what there is to do between two rounds of the main loop."""
        for _ in range(len(self.waiting)):
            channel = self.waiting.popleft()
            if time.time() - channel.last_activity > channel.adj.channel_timeout:
                channel.will_close = True
            elif channel.connected:
                self.add_task(channel)
        for _ in range(len(self.health)):
            self.health.popleft().service()
        while self.drawings and self.free:
            line, channel = self.free.popleft(), self.drawings.popleft()
            stream = channel.requests[0].get_body_stream()
            body = stream.read()
            stream.seek(0)
            try:
                send(line.stream, ACCEPTED.index("application/json"), ONE_DRAWING, body)
                line.channel = channel
            except OSError:  # it ended while it had nothing to do
                self._replace(line.process)
                self._finish(channel, 503, as_problem(503, ENDED))

    def receive(self, line: Line, channel: HTTPChannel) -> None:
        """Take the answer for a channel's request, and let the application send it."""
        try:
            status, _, answer = receive(line.stream)
        except (OSError, EOFError):
            self._replace(line.process)
            return
        line.channel = None
        self.free.append(line)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:  # it has pictures after all
            channel.server.task_dispatcher.add_task(channel)
        else:
            self._finish(channel, status, answer)

    def _finish(self, channel: HTTPChannel, status: int, answer: bytes) -> None:
        """Let the application send an answer."""
        channel.requests[0].answer = status, answer
        channel.service()

    def _is_drawing(self, request: HTTPRequestParser) -> bool:
        return (
            not request.error
            and (request.command, request.path) == ("POST", "/predict")
            and request.headers.get("CONTENT_TYPE", "").partition(";")[0] == "application/json"
            and "CONTENT_ENCODING" not in request.headers
            and 0 < len(request.body_rcv or "") <= SHORT
        )

    def _is_allowed(self, channel: HTTPChannel) -> bool:
        request, client = channel.requests[0], channel.addr[0]
        if self.trusted_proxy in (client, "*"):  # the latter stands for any, as in waitress
            client = request.headers.get("X_FORWARDED_FOR", client).rpartition(",")[2]
            client = without_port(client)
        try:
            if self.limit:
                self.limit.count(client)
                request.counted = True
        except Refused:  # as the application will find, and say
            return False
        return True

    def _connect(self, process: ReaderProcess) -> None:
        lines = [Line(self, process, stream) for stream in process.lines]
        self.sockets.update(zip(process.numbers, lines, strict=True))
        self.free.extend(lines)

    def _replace(self, process: ReaderProcess) -> None:
        lines = [self.sockets.pop(number) for number in process.numbers]
        self.free = deque(line for line in self.free if line.process is not process)
        process.replace()
        self._connect(process)
        for line in lines:
            if line.channel:
                self._finish(line.channel, 503, as_problem(503, ENDED))


class Line:
    """A line to a process that reads, as the main loop takes it."""

    accepting = False

    def __init__(self, shortcut: Shortcut, process: ReaderProcess, stream: Any) -> None:
        self.shortcut, self.process, self.stream = shortcut, process, stream
        self.channel: HTTPChannel | None = None
        """Whose drawing is being read."""

    def readable(self) -> bool:
        """Tell whether an answer will come."""
        return self.channel is not None

    def writable(self) -> bool:
        """Tell whether to wait for room: there is always enough."""
        return False

    def handle_read_event(self) -> None:
        """Take the answer that came."""
        if self.channel:
            self.shortcut.receive(self, self.channel)

    def handle_close(self) -> None:
        """Do nothing: the end of the process has been read."""

    def handle_error(self) -> None:
        """Let what nobody expected end the server, rather than be overlooked."""
        raise
