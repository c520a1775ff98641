"""How much is done at once: requests of one client, and large pictures of all of them."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator

from problems import Refused


def without_port(address: str) -> str:
    """Return a client's address as proxies name it, without quotes, brackets and port."""
    return re.sub(r"^([\d.]+):\d+$|^\[(.*)\](:\d+)?$", r"\1\2", address.strip(' "'))


class RateLimit:
    """A steady number of requests a second for each client, and two seconds' worth of them at once.

    The generic cell rate algorithm: all that is kept of a client is when it is even again.
    """

    CLIENTS = 10_000
    """Of so many clients the last request is remembered: the memory has a bound."""

    def __init__(self, per_second: float) -> None:
        self.interval, self.burst = 1 / per_second, max(2.0, 1 / per_second)
        self.even_at: OrderedDict[str, float] = OrderedDict()
        self.lock = threading.Lock()

    def count(self, client: str) -> None:
        """Count a request, or raise Refused (429) if it is one too many."""
        with self.lock:
            now = time.monotonic()
            even_at = max(self.even_at.pop(client, now), now)
            wait = (even_at - now) - (self.burst - self.interval)  # so that 0 is not rounded
            self.even_at[client] = even_at if wait > 0 else even_at + self.interval
            if len(self.even_at) > self.CLIENTS:
                self.even_at.popitem(last=False)
        if wait > 0:
            headers = {"Retry-After": str(int(wait) + 1)}
            raise Refused(429, f"at most {1 / self.interval:g} requests a second", headers=headers)


class Turns:
    """Lets one request unpack large pictures at a time, and one more wait: memory has a bound."""

    def __init__(self) -> None:
        self.lock, self.waiting = threading.Lock(), threading.BoundedSemaphore(2)

    @contextlib.contextmanager
    def take(self) -> Iterator[bool]:
        """Wait for the turn; yield whether it could be had."""
        had = self.waiting.acquire(blocking=False)
        try:
            with self.lock if had else contextlib.nullcontext():
                yield had
        finally:
            if had:
                self.waiting.release()
