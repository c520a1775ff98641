"""Serve the page in `site/`, and read drawings for browsers without Python and for other programs.

    python server.py                                     http://127.0.0.1:5000/
    python server.py --host 0.0.0.0 --port 8080          for others too

`POST /predict` takes strokes as JSON, or a picture; `site/openapi.json` describes it. Another
WSGI server can run `server:create_app()`.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from nn import Recognizer
from nn.weights import WeightsError

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / ".server"))  # the server's parts: a hidden folder is no package

from files import site_file  # noqa: E402
from limits import RateLimit, Turns, without_port  # noqa: E402
from pictures import ALL, NOTHING_LARGE  # noqa: E402
from problems import LATER, Refused, as_problem, fail, packed  # noqa: E402
from processes import Readers, read_for_another  # noqa: E402
from reader import ACCEPTED, Answer, Reader  # noqa: E402
from serving import serve  # noqa: E402

DEFAULTS: dict[str, Any] = {
    "SITE": ROOT / "site",
    "WEIGHTS": None,  # those of the package
    "MAX_CONTENT_LENGTH": 10 * 2**20,
    "MAX_JSON": 2**20,  # bytes; parsed it takes up to 30 times as many
    "MAX_DRAWINGS": 64,  # of one batch
    "MAX_STROKES": 1_000,  # of one drawing
    "MAX_POINTS": 20_000,
    "MAX_DECODED": 128 * 2**20,  # bytes that the pictures of one request take while unpacked
    "RATE_LIMIT": 0.0,  # requests a second for each client; 0: no limit
    "READERS": 0,  # processes beside this one that read; 0: it reads itself
    "TIMEOUT": 30,  # seconds that one of them may take for a request
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

access_log = logging.getLogger("digits.access")


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the WSGI application; `config` overrides DEFAULTS.

    Raises nn.weights.WeightsError if the weights are missing or not what they should be.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(DEFAULTS)
    app.config.update(config or {})
    site = Path(app.config["SITE"]).resolve()
    limits = {name: app.config[name] for name in DEFAULTS}
    count = app.config["READERS"]
    reader = Readers(count, limits) if count else Reader(Recognizer.load(limits["WEIGHTS"]), limits)
    turns = Turns()
    policies = {f"/{page.name}": _content_policy(page) for page in site.glob("*.html")}
    others = _content_policy(site / "index.html")
    limit = RateLimit(app.config["RATE_LIMIT"]) if app.config["RATE_LIMIT"] > 0 else None
    app.extensions |= {"digits.reader": reader, "digits.limit": limit}

    @app.before_request
    def start() -> None:
        g.start = request.environ.get("digits.began") or time.perf_counter()
        g.client = without_port(request.remote_addr or "")

    @app.post("/predict")
    def predict() -> Response:
        status, answer = request.environ.get("digits.answer") or read()
        response = _json(answer, status)
        taken = (time.perf_counter() - g.start) * 1e3
        response.headers["Server-Timing"] = f"predict;dur={taken:.2f}"
        response.headers["Model-SHA256"] = reader.model_hash
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.update(LATER)
        return response

    def read() -> Answer:
        if limit and not request.environ.get("digits.counted"):
            limit.count(g.client)
        media_type = request.mimetype
        _check_type(request.content_encoding, media_type)
        most = app.config["MAX_JSON" if media_type == "application/json" else "MAX_CONTENT_LENGTH"]
        # One byte more: a body whose length is not told, as in chunks elsewhere, is cut off there.
        request.max_content_length = most + 1
        body = request.get_data(cache=False)
        if len(body) > most:
            raise RequestEntityTooLarge
        status, answer = reader.answer(media_type, body, NOTHING_LARGE)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            with turns.take() as had:
                if had:
                    status, answer = reader.answer(media_type, body, ALL)
        return status, answer

    @app.get("/predict")
    def not_read() -> Response:
        raise MethodNotAllowed(["POST", "OPTIONS"])

    @app.get("/healthz")
    def healthz() -> Response:
        return _json(packed({"status": "ok", "model": reader.model_hash}))

    @app.get("/")
    @app.get("/<path:path>")
    def file(path: str = "index.html") -> Response:
        return site_file(site, path)

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error  # a redirection
        field = getattr(error, "field", None)
        response = _json(as_problem(error.code, error.description or "", field), error.code)
        response.headers.extend(h for h in error.get_headers() if h[0] != "Content-Type")
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers["Content-Security-Policy"] = policies.get(request.path, others)
        response.headers.setdefault("Cache-Control", "no-store")
        if request.path == "/predict" and "Allow" in response.headers:
            response.headers["Allow"] = "OPTIONS, POST"  # its GET only says so
        _log(response)
        return response

    return app


def _content_policy(page: Path) -> str:
    """The policy that a page itself states, and what can only be said in a header."""
    text = page.read_text("utf-8", errors="replace") if page.is_file() else ""
    stated = re.search(r'"Content-Security-Policy"\s+content="([^"]+)"', text)
    return (stated[1] if stated else "default-src 'self'") + "; frame-ancestors 'none'"


def _json(body: bytes, status: int = 200) -> Response:
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Response(body, status, mimetype=kind)


def _check_type(encoding: str | None, media_type: str) -> None:
    """Raise Refused (415) for a body of another type, before any of it is taken in."""
    if not encoding and media_type in ACCEPTED:
        return
    field, came = "Content-Type", media_type or "nothing"
    if encoding:
        field, came = "Content-Encoding", encoding
    types = ", ".join(ACCEPTED)
    detail = f"{field}: expected {types} without further encoding, got {came}"
    raise Refused(415, detail, field, {"Accept-Post": types})


def _log(response: Response) -> None:
    """One line of JSON: nothing that a client sends can leave its string."""
    if access_log.isEnabledFor(logging.INFO):
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "client": g.client,
            "method": request.method,
            "path": request.path[:200],
            "status": response.status_code,
            "bytes": response.content_length,
            "ms": round((time.perf_counter() - g.start) * 1e3, 2),
            "agent": request.headers.get("User-Agent", "")[:200],
        }
        access_log.info(json.dumps(entry))


def main(argv: Sequence[str] | None = None) -> int:
    """Serve as the command line and the environment ask; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Options with a value can stand in the environment: DIGITS_RATE_LIMIT=5.",
    )

    def add(name: str, kind: Any, default: Any, text: str) -> None:
        value = os.environ.get(f"DIGITS_{name.upper().replace('-', '_')}") or default
        shown = f"{text} (%(default)s)" if default is not None else text
        parser.add_argument(f"--{name}", type=kind, default=value, help=shown)

    add("host", str, "127.0.0.1", "the address to listen on; 0.0.0.0 for all of IPv4")
    add("port", _number(0, 65535), 5000, "the port; 0 for any that is free")
    add("threads", _number(1, 256), 4, "how many other requests are worked on at once")
    readers = "processes that read single drawings; one more reads all else; 0: none, threads read"
    add("readers", _number(0, 64), 1 if os.name == "posix" else 0, readers)
    add("timeout", _number(1, 3600), 30, "seconds for a request to arrive, and again to be read")
    add("rate-limit", _rate, 0.0, "requests a second that each client may make; 0 for any number")
    add("trusted-proxy", _address, None, "IP address of a proxy; its X-Forwarded-For tells clients")
    add("site", Path, DEFAULTS["SITE"], "the directory with the built page")
    add("weights", Path, None, "the network; without it, that of the package")
    parser.add_argument("--quiet", action="store_true", help="write no access log")
    parser.add_argument(
        "--debug", action="store_true", help="Flask's development server: not in public"
    )
    parser.add_argument("--read", type=json.loads, help=argparse.SUPPRESS)  # be such a process
    options = parser.parse_args(argv)
    if options.read:
        return read_for_another(*options.read)

    if not (options.site / "generated" / "precache.js").is_file():
        return fail(f"{options.site / 'generated'} is missing: run `python build.py`")
    if not options.quiet:
        access_log.addHandler(logging.StreamHandler(sys.stdout))
        access_log.setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each waiting request
    given = ("SITE", "WEIGHTS", "RATE_LIMIT", "READERS", "TIMEOUT")
    chosen = {name: getattr(options, name.lower()) for name in given}
    try:
        app = create_app(chosen | ({"READERS": 0} if options.debug else {}))
    except (WeightsError, OSError) as error:
        return fail(str(error))
    except KeyboardInterrupt:  # while the processes that read load the weights
        return 130
    try:
        if options.debug:
            app.run(options.host, options.port, debug=True)
        else:
            serve(app, options)
    except (OSError, ValueError) as error:  # waitress takes a name that is no host's for a value
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        advice = "; --port chooses another (`make run PORT=5001`)" if taken else ""
        return fail(f"cannot listen on {options.host}:{options.port}: {error}{advice}")
    return 0


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected {least} to {most}, got {text!r}")
        return int(text)

    return number


def _address(text: str) -> str:
    """Return an IP address as clients' are written: a name would be that of none of them."""
    with contextlib.suppress(ValueError):
        return text if text == "*" else str(ipaddress.ip_address(text))
    raise argparse.ArgumentTypeError(f"expected an IP address, got {text!r}")


def _rate(text: str) -> float:
    with contextlib.suppress(ValueError):
        if (rate := float(text)) == 0 or 1e-6 <= rate <= 1e6:
            return rate
    raise argparse.ArgumentTypeError(f"expected 0, or 0.000001 to 1000000, got {text!r}")


if __name__ == "__main__":
    sys.exit(main())
