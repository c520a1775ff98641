"""Serve the page in `site/`, and read drawings for browsers without Python and for other programs.

    python server.py                                     http://127.0.0.1:5000/
    python server.py --host 0.0.0.0 --port 8080          for others too

`POST /predict` takes strokes as JSON, or a picture; `site/openapi.json` describes it. Another
WSGI server can run `server:create_app()`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import gc
import gzip
import io
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import threadpoolctl
import waitress
from flask import Flask, Response, g, request, send_file, send_from_directory
from numpy.typing import NDArray
from PIL import Image, ImageOps
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.security import safe_join

from nn import Reading, Recognizer
from nn.weights import WeightsError

ROOT = Path(__file__).resolve().parent
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
}
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
ACCEPTED = ("application/json", *FORMATS)
# Memory for each pixel at the peak, measured; a JPEG in one pass is shrunk as it is unpacked.
DECODER_BYTES = {"PNG": 13, "JPEG": 2, "progressive JPEG": 8, "WEBP": 21}
LARGE = 2**20  # pixels: only one picture larger than this is unpacked at a time
SHRUNK = 2**22  # pixels: a larger picture is shrunk before the network's own code sees it

TYPES = {  # whatever the system's own table says
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".npz": "application/zip",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".zip": "application/zip",
}
COMPRESSIBLE = {".css", ".html", ".js", ".json", ".mjs", ".py", ".svg", ".txt", ".wasm"}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {  # the better first; both take half a second
    "br": lambda data: brotli.compress(data, quality=6),  # for the largest file
    "gzip": lambda data: gzip.compress(data, compresslevel=6, mtime=0),
}
HASHED = re.compile(r"generated/.*(-[\w-]{8}\.m?js|[-.][0-9a-f]{8,64}\.\w+)$")  # core-C9KDLldu.js
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
GRACE = 10  # seconds that requests under way get when the server is told to stop

access_log = logging.getLogger("digits.access")


class Refused(HTTPException):
    """A request that is not answered: what was expected and what came, and in which field."""

    def __init__(
        self,
        code: int,
        detail: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.field, self.headers = code, field, dict(headers or {})

    def get_headers(self, *_: Any) -> list[tuple[str, str]]:
        """The headers that go with the answer."""
        return list(self.headers.items())


# The application: routes, errors, headers, log


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the WSGI application; `config` overrides DEFAULTS.

    Raises nn.weights.WeightsError if the weights are missing or not what they should be.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(DEFAULTS)
    app.config.update(config or {})
    site = Path(app.config["SITE"]).resolve()
    recognizer = Together.load(app.config["WEIGHTS"])
    reader = Reader(recognizer, app.config)
    headers = HEADERS | {"Content-Security-Policy": _content_policy(site)}
    limit = RateLimit(app.config["RATE_LIMIT"]) if app.config["RATE_LIMIT"] > 0 else None

    @app.before_request
    def start() -> None:
        g.start = time.perf_counter()

    @app.post("/predict")
    def predict() -> Response:
        if limit:
            limit.count(request.remote_addr or "")
        reader.check_type(request.content_encoding, request.mimetype)
        if request.mimetype == "application/json":
            request.max_content_length = app.config["MAX_JSON"]
        response = _json(reader.answer(request.mimetype, request.get_data(cache=False)))
        taken = (time.perf_counter() - g.start) * 1e3
        response.headers["Server-Timing"] = f"predict;dur={taken:.2f}"
        response.headers["Model-SHA256"] = recognizer.model_hash
        return response

    @app.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "ok", "model": recognizer.model_hash})

    @app.get("/")
    @app.get("/<path:path>")
    def file(path: str = "index.html") -> Response:
        return _file(site, path)

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error  # a redirection
        response = _problem(error.code, error.description or "", getattr(error, "field", None))
        response.headers.extend(h for h in error.get_headers() if h[0] != "Content-Type")
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        _log(response)
        return response

    return app


def _content_policy(site: Path) -> str:
    """The policy that the page itself states, and what can only be said in a header."""
    page = (site / "index.html").read_text("utf-8") if (site / "index.html").is_file() else ""
    stated = re.search(r'"Content-Security-Policy"\s+content="([^"]+)"', page)
    return (stated[1] if stated else "default-src 'self'") + "; frame-ancestors 'none'"


def _json(value: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    return Response(json.dumps(value, separators=(",", ":")), status, mimetype=mimetype)


def _problem(status: int, detail: str, field: str | None = None) -> Response:
    """An error in the form of RFC 9457; `field` names what is wrong in the request."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    problem |= {"detail": detail} | ({"field": field} if field else {})
    return _json(problem, status, "application/problem+json")


def _log(response: Response) -> None:
    """One line of JSON: nothing that a client sends can leave its string."""
    if access_log.isEnabledFor(logging.INFO):
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "client": request.remote_addr,
            "method": request.method,
            "path": request.path[:200],
            "status": response.status_code,
            "bytes": response.content_length,
            "ms": round((time.perf_counter() - g.start) * 1e3, 2),
            "agent": request.headers.get("User-Agent", "")[:200],
        }
        access_log.info(json.dumps(entry))


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
            wait = even_at + self.interval - self.burst - now
            self.even_at[client] = even_at if wait > 0 else even_at + self.interval
            if len(self.even_at) > self.CLIENTS:
                self.even_at.popitem(last=False)
        if wait > 0:
            later = {"Retry-After": str(int(wait) + 1)}
            raise Refused(429, f"at most {1 / self.interval:g} requests a second", headers=later)


# Reading: JSON or a picture in, a reading out


class Together(Recognizer):
    """A recognizer whose network looks at the images of all threads that wait for it in one pass.

    Threads that went through the network side by side would hand Python's lock to each other at
    every layer; so the first reads for all that wait, and the others sleep until it is done.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.waiting: deque[_Look] = deque()
        self.turn = threading.Lock()

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what `Recognizer.classify` returns, and raise what it raises."""
        look = _Look(images)
        self.waiting.append(look)
        with self.turn:
            if look.seen is None and look.error is None:
                self._look([self.waiting.popleft() for _ in range(len(self.waiting))])
        if look.seen is None:
            raise look.error or RuntimeError("nobody looked")
        return look.seen

    def _look(self, looks: list[_Look]) -> None:
        try:
            seen = super().classify(np.concatenate([look.images for look in looks]))
        except Exception as error:  # no memory: theirs, not that of whose turn it is
            for look in looks:
                look.error = error
            return
        ends = np.cumsum([len(look.images) for look in looks])
        for look, part in zip(looks, np.split(seen, ends[:-1]), strict=True):
            look.seen = part


class _Look:
    """Images that wait for the network, and what it saw."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images = images
        self.seen: NDArray[np.float32] | None = None
        self.error: Exception | None = None


class Reader:
    """Answers the body of a request, within the limits of a configuration."""

    def __init__(self, recognizer: Recognizer, limits: Mapping[str, Any]) -> None:
        self.recognizer, self.limits = recognizer, limits
        # Memory: one large picture is unpacked at a time, one more may wait.
        self.large = threading.Lock()
        self.waiting = threading.BoundedSemaphore(2)

    def check_type(self, encoding: str | None, media_type: str) -> None:
        """Raise Refused (415) for a body of another type, before any of it is taken in."""
        if not encoding and media_type in ACCEPTED:
            return
        field, came = "Content-Type", media_type or "nothing"
        if encoding:
            field, came = "Content-Encoding", encoding
        types = ", ".join(ACCEPTED)
        detail = f"{field}: expected {types} without further encoding, got {came}"
        raise Refused(415, detail, field, {"Accept-Post": types})

    def answer(self, media_type: str, body: bytes) -> dict[str, Any]:
        """Read {"strokes"}, {"image"} or {"batch": [...]} as JSON, or the bytes of a picture.

        Raises Refused for a body that is not what it should be.
        """
        room = _Room(self.limits["MAX_DECODED"])
        if media_type in FORMATS:
            return self._picture(body, [FORMATS[media_type]], "body", room).to_dict()
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"body: expected JSON: {error}", "body") from error
        if _only_key(content, ("strokes", "image", "batch"), "body") != "batch":
            return self._item(content, "", room).to_dict()
        batch = content["batch"]
        if not isinstance(batch, list):
            raise Refused(400, f"batch: expected a list, got {type(batch).__name__}", "batch")
        self._count("batch", "DRAWINGS", len(batch))
        for index, item in enumerate(batch):
            _only_key(item, ("strokes", "image"), f"batch[{index}]")
        readings = [self._item(item, f"batch[{index}].", room) for index, item in enumerate(batch)]
        return {"readings": [reading.to_dict() for reading in readings]}

    def _count(self, field: str, what: str, count: int) -> None:
        most = self.limits[f"MAX_{what}"]
        if count > most:
            raise Refused(413, f"{field}: at most {most} {what.lower()}, got {count}", field)

    def _item(self, item: dict[str, Any], place: str, room: _Room) -> Reading:
        """Read {"strokes": ...} or {"image": base64}, which stands at `place` in the body."""
        if "image" in item:
            field = f"{place}image"
            try:
                picture = base64.b64decode(item["image"], validate=True)
            except (ValueError, TypeError) as error:
                raise Refused(400, f"{field}: expected base64: {error}", field) from error
            return self._picture(picture, list(FORMATS.values()), field, room)
        strokes = item["strokes"]
        if isinstance(strokes, list):
            points = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
            self._count(f"{place}strokes", "STROKES", len(strokes))
            self._count(f"{place}strokes", "POINTS", points)
        try:
            return self.recognizer.read(strokes)
        except ValueError as error:  # it begins with the place: "strokes[2][5]: expected ..."
            detail = f"{place}{error}"
            raise Refused(400, detail, detail.partition(":")[0]) from error

    def _picture(self, picture: bytes, formats: list[str], field: str, room: _Room) -> Reading:
        """Read a picture file of one of `formats`; its header is checked before it is unpacked."""
        with contextlib.ExitStack() as turn:
            try:
                with Image.open(io.BytesIO(picture), formats=formats) as image:
                    room.take(image, field)
                    if image.width * image.height > LARGE:
                        turn.enter_context(self._turn(field))
                    pixels, shrunk = _unpack(image)
            except Refused:
                raise
            except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
                detail = f"{field}: expected a smaller picture: {error}"
                raise Refused(413, detail, field) from error
            except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
                expected = f"an intact picture ({', '.join(formats)})"
                raise Refused(400, f"{field}: expected {expected}: {error}", field) from error
            reading = self.recognizer.read_image(pixels)
        digits = []
        for digit in reading.digits:
            left, top, right, bottom = (side * shrunk for side in digit.box)
            digits.append(digit._replace(box=(left, top, right, bottom)))
        return reading._replace(digits=tuple(digits))

    @contextlib.contextmanager
    def _turn(self, field: str) -> Iterator[None]:
        if not self.waiting.acquire(blocking=False):
            later = {"Retry-After": "2"}
            raise Refused(503, "too many large pictures at once: try again", field, later)
        try:
            with self.large:
                yield
        finally:
            self.waiting.release()


class _Room:
    """What the pictures of one request may take while unpacked, in bytes."""

    def __init__(self, most: int) -> None:
        self.most, self.left = most, most

    def take(self, image: Image.Image, field: str) -> None:
        """Refuse what would take too much memory, and what is more than one picture."""
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # some phones' JPEG
        if kind == "JPEG" and "progressive" in image.info:
            kind = "progressive JPEG"
        self.left -= image.width * image.height * DECODER_BYTES[kind]
        if self.left < 0:
            most = f"{self.most / DECODER_BYTES[kind] / 1e6:.0f} million pixels"
            came = f"{image.width} x {image.height}"
            raise Refused(413, f"{field}: at most {most} of {kind} a request, got {came}", field)
        if kind in ("PNG", "WEBP") and getattr(image, "is_animated", False):
            raise Refused(400, f"{field}: expected a still picture, got an animated one", field)


def _only_key(content: Any, known: Sequence[str], field: str) -> str:
    """The key of an object that has a single one, which is among the known."""
    if isinstance(content, dict) and len(content) == 1 and (key := next(iter(content))) in known:
        return str(key)
    expected = " or ".join(f'"{key}"' for key in known)
    came = f"an object with {list(content)}" if isinstance(content, dict) else repr(content)
    came = came if len(came) <= 80 else f"{came[:77]}..."
    raise Refused(400, f"{field}: expected an object with {expected} alone, got {came}", field)


def _unpack(image: Image.Image) -> tuple[NDArray[Any], int]:
    """The pixels as `Recognizer.read_image` takes them, and how many times they were shrunk."""
    longer = max(image.size)
    part = 1
    while part < 8 and image.width * image.height > SHRUNK * part * part:
        part *= 2
    image.draft(image.mode, (image.width // part, image.height // part))  # what JPEG alone can
    image.load()
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    if image.width * image.height > SHRUNK:
        image = image.convert("L" if image.mode == "1" else image.mode)
        image = image.reduce(max(2, round((image.width * image.height / SHRUNK) ** 0.5)))
    shrunk = round(longer / max(image.size))
    return np.asarray(ImageOps.exif_transpose(image)), shrunk  # a phone's photos lie on their side


# Files


def _file(site: Path, path: str) -> Response:
    """A file of the site: conditional, in parts, or compressed, as the request asks."""
    if any(part.startswith(".") for part in path.split("/")):
        raise NotFound  # what a build is still writing, and whatever else lies hidden
    mimetype = TYPES.get(Path(path).suffix)
    found = safe_join(str(site), path)
    compressible = Path(path).suffix in COMPRESSIBLE and not request.range
    encoding = request.accept_encodings.best_match(ENCODINGS) if compressible else None
    if encoding and found and os.path.isfile(found):
        data, etag = _compressed(found, os.stat(found).st_mtime_ns, encoding)
        response = send_file(io.BytesIO(data), mimetype, conditional=True, etag=etag)
        response.headers["Content-Encoding"] = encoding
    else:
        response = send_from_directory(site, path, mimetype=mimetype, conditional=True)
    kept = "public, max-age=31536000, immutable" if HASHED.fullmatch(path) else "no-cache"
    response.headers["Cache-Control"] = kept
    response.vary.add("Accept-Encoding")
    return response


@lru_cache(maxsize=128)
def _compressed(path: str, changed: int, encoding: str) -> tuple[bytes, str]:
    """The compressed content of a file and its ETag, made once for each change of the file."""
    data = ENCODINGS[encoding](Path(path).read_bytes())
    return data, f"{changed:x}-{len(data):x}-{encoding}"


# The server: waitress, with a time limit for whole requests, its errors as problems, a soft stop


class ProblemTask(ErrorTask):  # type: ignore[misc]
    """What waitress itself refuses (a broken header, an endless body), in the form of the rest."""

    def execute(self) -> None:
        """Write the error that the parser met."""
        error = self.request.error
        problem = {"type": "about:blank", "title": error.reason, "status": error.code}
        body = json.dumps(problem | {"detail": error.body}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection on which a request must arrive whole within the time limit.

    Waitress alone takes every byte for a sign of life, and so waits for ever for a slow client.
    """

    error_task_class = ProblemTask
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

    def handle_read(self) -> None:
        """Take in what came; only the first bytes of a request count as activity."""
        unfinished, since = self.request, self.last_activity
        super().handle_read()
        if unfinished is not None and self.request is unfinished:
            self.last_activity = since


def _give_health_its_own_thread(listeners: Sequence[BaseWSGIServer]) -> ThreadedTaskDispatcher:
    """Answer /healthz at once, however many requests wait for the other threads."""
    health = ThreadedTaskDispatcher()
    health.set_thread_count(1)
    for listener in listeners:

        def add_task(channel: HTTPChannel, others: Any = listener.task_dispatcher) -> None:
            path = getattr(channel.requests[0], "path", "")
            (health if path == "/healthz" else others).add_task(channel)

        listener.add_task = add_task
    return health


def serve(app: Flask, options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; then answer what is under way, and return.

    Raises OSError if the address cannot be had.
    """
    with contextlib.suppress(AttributeError, OSError):  # only the GNU C library has it
        ctypes.CDLL(None).mallopt(-3, 2**20)  # M_MMAP_THRESHOLD: give back what pictures took
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look through it again and again
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
    health = _give_health_its_own_thread(listeners)
    for listener in listeners:
        listener.channel_class = Channel
        name, port = listener.getsockname()
        print(f"Serving on http://{f'[{name}]' if ':' in name else name}:{port}/", flush=True)
    while not stop.is_set():
        wasyncore.loop(timeout=0.5, use_poll=True, map=sockets, count=1)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
    for listener in listeners:
        wasyncore.dispatcher.close(listener)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(
        channel.request or channel.requests or channel.total_outbufs_len
        for listener in listeners
        for channel in list(listener.active_channels.values())
    ):
        wasyncore.loop(timeout=0.1, use_poll=True, map=sockets, count=1)
    health.shutdown(timeout=1)
    server.task_dispatcher.shutdown(timeout=1)


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
    add("threads", _number(1, 256), 4, "how many requests are worked on at once")
    add("timeout", _number(1, 3600), 30, "seconds in which a request must have arrived whole")
    add("rate-limit", float, 0.0, "requests a second that each client may make; 0 for any number")
    add("trusted-proxy", str, None, "address of a proxy; its X-Forwarded-For tells the client")
    add("site", Path, DEFAULTS["SITE"], "the directory with the built page")
    add("weights", Path, None, "the network; without it, that of the package")
    parser.add_argument("--quiet", action="store_true", help="write no access log")
    parser.add_argument(
        "--debug", action="store_true", help="Flask's development server: not in public"
    )
    options = parser.parse_args(argv)

    if not (options.site / "generated" / "precache.js").is_file():
        return _fail(f"{options.site / 'generated'} is missing: run `python build.py`")
    if not options.quiet:
        access_log.addHandler(logging.StreamHandler(sys.stdout))
        access_log.setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each waiting request
    threadpoolctl.threadpool_limits(1)  # requests are worked on side by side already
    try:
        chosen = {
            name: getattr(options, name.lower()) for name in ("SITE", "WEIGHTS", "RATE_LIMIT")
        }
        app = create_app(chosen)
        if options.debug:
            app.run(options.host, options.port, debug=True)
        else:
            serve(app, options)
    except WeightsError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {options.host}:{options.port}: {error}")
    return 0


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected {least} to {most}, got {text!r}")
        return int(text)

    return number


def _fail(message: str) -> int:
    print(f"server: error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
