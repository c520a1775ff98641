"""Connections of waitress, with a time limit for whole requests and its errors as problems."""

from __future__ import annotations

from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from problems import as_problem


class ProblemTask(ErrorTask):  # type: ignore[misc]
    """What waitress itself refuses (a broken header, an endless body), in the form of the rest."""

    def execute(self) -> None:
        """Write the error that the parser met."""
        error = self.request.error
        body = as_problem(error.code, error.body)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Task(WSGITask):  # type: ignore[misc]
    """A request that the application answers, maybe with what Shortcut has got for it."""

    def get_environment(self) -> dict[str, Any]:
        """Return WSGI's environment of the request."""
        environ: dict[str, Any] = super().get_environment()
        for name in ("began", "counted", "answer"):
            environ[f"digits.{name}"] = getattr(self.request, name, None)
        return environ

    def execute(self) -> None:
        """Answer, and end the connection once the server is to stop: else it would never finish."""
        if self.channel.stopping:
            self.set_close_on_finish()
        super().execute()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection on which a request must arrive whole within the time limit.

    Waitress alone takes every byte for a sign of life, and so waits for ever for a slow client.
    """

    error_task_class = ProblemTask
    task_class = Task
    stopping = False
    last_activity: float

    def writable(self) -> bool:
        """Tell whether the main loop should write: not while the thread that answers is at it.

        Or the loop would find the connection writable and locked, over and over.
        """
        wants: bool = super().writable()
        waits = self.total_outbufs_len > self.adj.outbuf_high_watermark  # that thread, for us
        if wants and self.requests and not waits and not self.will_close:
            if not self.outbuf_lock.acquire(False):
                return False  # when it has finished it wakes the loop
            self.outbuf_lock.release()
        return wants

    def service(self) -> None:
        """Answer a request; an error that nobody foresaw ends this connection alone."""
        try:
            super().service()
        except Exception:
            self.logger.exception("a connection is given up")
            self.will_close = True

    def handle_read(self) -> None:
        """Take in what came; only the first bytes of a request count as activity."""
        unfinished, since = self.request, self.last_activity
        super().handle_read()
        if unfinished is not None and self.request is unfinished:
            self.last_activity = since
