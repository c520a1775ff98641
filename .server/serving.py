"""The server: waitress, with drawings read first and a soft stop."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from typing import Any

import waitress
from flask import Flask
from waitress import wasyncore
from waitress.server import BaseWSGIServer

from connections import Channel
from files import compress_largest
from processes import settle
from shortcut import Shortcut

GRACE = 10  # seconds that requests under way get when the server is told to stop


def serve(app: Flask, options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; then answer what is under way, and return.

    Raises OSError if the address cannot be had, ValueError for a name that is no host's.
    """
    settle()
    sockets: dict[int, Any] = {}
    forwarded = {"x-forwarded-for", "x-forwarded-proto"}
    trusted = options.trusted_proxy
    proxy = {"trusted_proxy": trusted, "trusted_proxy_headers": forwarded} if trusted else {}
    server = waitress.create_server(
        app,
        map=sockets,
        host=options.host,
        port=options.port,
        threads=options.threads,
        ident=None,
        connection_limit=500,
        channel_timeout=options.timeout,
        cleanup_interval=min(5, options.timeout),
        asyncore_use_poll=True,
        # Up to here a body that is too large is read, so that its sender gets to see the answer.
        max_request_body_size=4 * app.config["MAX_CONTENT_LENGTH"],
        max_request_header_size=32 * 1024,
        clear_untrusted_proxy_headers=True,
        **proxy,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    listeners = [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]
    shortcut = Shortcut(app, trusted, sockets)
    for listener in listeners:
        listener.channel_class, listener.add_task = Channel, shortcut.add_task
        name, port = listener.getsockname()
        print(f"Serving on http://{f'[{name}]' if ':' in name else name}:{port}/", flush=True)
    threading.Thread(target=compress_largest, args=(options.site,), daemon=True).start()

    def turn(seconds: float) -> None:
        try:
            wasyncore.loop(timeout=seconds, use_poll=True, map=sockets, count=1)
            shortcut.act()
        except Exception:  # nobody foresaw it: other clients are served nonetheless
            logging.getLogger("waitress").exception("in the main loop")
            time.sleep(0.1)

    while not stop.is_set():
        turn(0.5)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
    for listener in listeners:
        wasyncore.dispatcher.close(listener)
        listener.channel_class.stopping = True  # each connection ends with its next answer
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(
        channel.request or channel.requests or channel.total_outbufs_len
        for listener in listeners
        for channel in list(listener.active_channels.values())
    ):
        turn(0.1)
    server.task_dispatcher.shutdown(timeout=1)
