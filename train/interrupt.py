"""Lets a step finish before Ctrl-C or a polite kill takes effect: what is saved is whole."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
"""Ctrl-C, a polite kill, a terminal that was closed."""


def _handled() -> list[int]:
    """Return those that this process is to take: not a closed terminal that ``nohup`` hides."""
    closed = getattr(signal, "SIGHUP", None)
    return [each for each in SIGNALS if each != closed or signal.getsignal(each) != signal.SIG_IGN]


class Stopped(KeyboardInterrupt):
    """A run was asked to stop, and its state is saved; the message says where."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class StopRequest:
    """Becomes true when the first signal comes; ``signal_number`` says which."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __bool__(self) -> bool:
        return self.signal_number != 0


@contextmanager
def stop_request(call: Callable[[], None] | None = None) -> Iterator[StopRequest]:
    """Yield what the first SIGINT, SIGTERM or SIGHUP sets; the second one interrupts at once.

    ``call`` is called with the first one.
    """
    request = StopRequest()
    if current_thread() is not main_thread():  # only the main thread may set handlers
        yield request
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if request:
            raise KeyboardInterrupt
        request.signal_number = number
        if call is not None:
            call()

    before = {number: signal.signal(number, handle) for number in _handled()}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def polite_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: what is half written vanishes.

    They raise Stopped meanwhile, but for a time in which ``stop_request`` takes them.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise Stopped("stopped", number)

    if current_thread() is not main_thread():  # only the main thread may set handlers
        yield
        return
    before = {each: signal.signal(each, handle) for each in _handled() if each != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold these signals back meanwhile: a process that is started never gets them, and this one
    gets them in the end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
