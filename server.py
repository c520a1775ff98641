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
import selectors
import signal
import socket
import struct
import subprocess
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
from PIL import Image, ImageOps, UnidentifiedImageError
from waitress import wasyncore
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask, WSGITask
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
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
    "READERS": 0,  # processes beside this one that read; 0: it reads itself
    "TIMEOUT": 30,  # seconds that one of them may take for a request
}
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
ACCEPTED = ("application/json", *FORMATS)
# Memory for each pixel at the peak, measured; a JPEG in one pass is shrunk as it is unpacked.
DECODER_BYTES = {"PNG": 13, "JPEG": 2, "progressive JPEG": 8, "WEBP": 21}
LARGE = 2**20  # pixels: only one picture larger than this is unpacked at a time
ONE_DRAWING, NOTHING_LARGE, ALL = range(3)  # what may be read for a request at this time
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
LATER = {"Retry-After": "2"}  # seconds: goes with each 503
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
        self.code: int = code
        self.description: str = detail
        self.field, self.headers = field, dict(headers or {})

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
            limit.count(request.remote_addr or "")
        media_type = request.mimetype
        _check_type(request.content_encoding, media_type)
        if media_type == "application/json":
            request.max_content_length = app.config["MAX_JSON"]
        body = request.get_data(cache=False)
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
        return _json(_packed({"status": "ok", "model": reader.model_hash}))

    @app.get("/")
    @app.get("/<path:path>")
    def file(path: str = "index.html") -> Response:
        return _file(site, path)

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error  # a redirection
        field = getattr(error, "field", None)
        response = _json(_problem(error.code, error.description or "", field), error.code)
        response.headers.extend(h for h in error.get_headers() if h[0] != "Content-Type")
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers["Content-Security-Policy"] = policies.get(request.path, others)
        response.headers.setdefault("Cache-Control", "no-store")
        _log(response)
        return response

    return app


def _content_policy(page: Path) -> str:
    """The policy that a page itself states, and what can only be said in a header."""
    text = page.read_text("utf-8") if page.is_file() else ""
    stated = re.search(r'"Content-Security-Policy"\s+content="([^"]+)"', text)
    return (stated[1] if stated else "default-src 'self'") + "; frame-ancestors 'none'"


def _packed(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _json(body: bytes, status: int = 200) -> Response:
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Response(body, status, mimetype=kind)


def _problem(status: int, detail: str, field: str | None = None) -> bytes:
    """An error in the form of RFC 9457; `field` names what is wrong in the request."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return _packed(problem | {"detail": detail} | ({"field": field} if field else {}))


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


# Reading: JSON or a picture in, a reading out


Answer = tuple[int, bytes]
"""A status and its JSON: a reading, or a problem."""


class Reader:
    """Answers the body of a request, within the limits of a configuration."""

    def __init__(self, recognizer: Recognizer, limits: Mapping[str, Any]) -> None:
        self.recognizer, self.limits = recognizer, limits
        self.model_hash = recognizer.model_hash
        self.turn = threading.Lock()

    def answer(self, media_type: str, body: bytes, allowed: int) -> Answer:
        """Return what `read` returns or refuses, as JSON."""
        try:
            return 200, _packed(self.read(media_type, body, allowed))
        except Refused as error:
            return error.code, _problem(error.code, error.description, error.field)

    def read(self, media_type: str, body: bytes, allowed: int = ALL) -> dict[str, Any]:
        """Read {"strokes"}, {"image"} or {"batch": [...]} as JSON, or the bytes of a picture.

        Raises Refused for a body that is not what it should be, and with 503 for one that is more
        than what is allowed at this time.
        """
        room = _Room(self.limits["MAX_DECODED"], allowed)
        if media_type in FORMATS:
            return self._picture(body, [FORMATS[media_type]], "body", room).to_dict()
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"body: expected JSON: {error}", "body") from error
        if _only_key(content, ("strokes", "image", "batch"), "body") != "batch":
            return self._item(content, "", room).to_dict()
        if allowed == ONE_DRAWING:
            raise Refused(503, "a batch may take long", "batch")
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
            with (
                self.turn
            ):  # side by side, threads would hand each other Python's lock at every layer
                return self.recognizer.read(strokes)
        except ValueError as error:  # it begins with the place: "strokes[2][5]: expected ..."
            detail = f"{place}{error}"
            raise Refused(400, detail, detail.partition(":")[0]) from error

    def _picture(self, picture: bytes, formats: list[str], field: str, room: _Room) -> Reading:
        """Read a picture file of one of `formats`; its header is checked before it is unpacked."""
        try:
            with Image.open(io.BytesIO(picture), formats=formats) as image:
                room.take(image, field)
                pixels, shrunk = _unpack(image)
        except Refused:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            detail = f"{field}: expected a smaller picture: {error}"
            raise Refused(413, detail, field) from error
        except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
            expected = f"an intact picture ({', '.join(formats)})"
            is_none = isinstance(error, UnidentifiedImageError)  # whose text has an address in it
            came = ", got other bytes" if is_none else f": {error}"
            raise Refused(400, f"{field}: expected {expected}{came}", field) from error
        reading = self.recognizer.read_image(pixels)
        digits = []
        for digit in reading.digits:
            left, top, right, bottom = (side * shrunk for side in digit.box)
            digits.append(digit._replace(box=(left, top, right, bottom)))
        return reading._replace(digits=tuple(digits))


class _Room:
    """What the pictures of one request may take while unpacked, in bytes."""

    def __init__(self, most: int, allowed: int) -> None:
        self.most, self.left, self.allowed = most, most, allowed

    def take(self, image: Image.Image, field: str) -> None:
        """Refuse what would take too much memory, and what is more than one picture."""
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # some phones' JPEG
        if kind == "JPEG" and "progressive" in image.info:
            kind = "progressive JPEG"
        self.left -= image.width * image.height * DECODER_BYTES[kind]
        if self.left < 0:
            most = f"{int(self.most / DECODER_BYTES[kind] / 1e6)} million pixels"
            came = f"{image.width} x {image.height}"
            raise Refused(413, f"{field}: at most {most} of {kind} a request, got {came}", field)
        if kind in ("PNG", "WEBP") and getattr(image, "is_animated", False):
            raise Refused(400, f"{field}: expected a still picture, got an animated one", field)
        if self.allowed < (ALL if image.width * image.height > LARGE else NOTHING_LARGE):
            raise Refused(503, "too many large pictures at once: try again", field)


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


# Processes that read: beside this one, so that HTTP and the network use a core each


HEAD = struct.Struct("!HBI")
"""Before each message: the number of a type, or a status; what is allowed; the body's length."""
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
                _send(line, ACCEPTED.index(media_type), allowed, body)
                status, _, answer = _receive(line)
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
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * Shortcut.SHORT)
            numbers = [end.fileno() for end in theirs]
            setup = json.dumps([numbers, self.limits], default=str)
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--read", setup],
                stdin=subprocess.DEVNULL,
                pass_fds=numbers,
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # or NumPy starts one for each core
            )
            self.numbers = [end.fileno() for end in ours]
            self.lines = [end.makefile("rwb") for end in ours]  # which keep our ends open

    def greeted(self) -> str:
        """Wait until it has loaded the weights; return their hash, or raise WeightsError."""
        try:
            status, _, told = _receive(self.lines[0])
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
            _fail(f"cannot start a process that reads: {error}")


def _send(line: io.BufferedRWPair, kind: int, allowed: int, body: bytes) -> None:
    line.write(HEAD.pack(kind, allowed, len(body)))
    line.write(body)
    line.flush()


def _receive(line: io.BufferedRWPair) -> tuple[int, int, bytes]:
    head = line.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    kind, allowed, length = HEAD.unpack(head)
    body = line.read(length)
    if len(body) < length:
        raise EOFError
    return kind, allowed, body


def _read_for_another(numbers: Sequence[int], limits: Mapping[str, Any]) -> int:
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
        _send(lines[numbers[0]], greeting[0], 0, greeting[1].encode())
    if greeting[0] != HTTPStatus.OK:
        return _fail(greeting[1]) if known else 1
    _settle()
    ready = selectors.DefaultSelector()
    for number in numbers:
        ready.register(number, selectors.EVENT_READ)
    with contextlib.suppress(EOFError, OSError):
        while True:
            for key, _ in ready.select():
                line = lines[key.fd]
                kind, allowed, body = _receive(line)
                signal.alarm(limits["TIMEOUT"])  # it would end the process, whatever that is at
                status, answer = reader.answer(ACCEPTED[kind], body, allowed)
                signal.alarm(0)
                _send(line, status, allowed, answer)
    return 0


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
        whole = getattr(response.response, "iterable", None)
        if response.content_range and isinstance(whole, ReadOnlyFileBasedBuffer):
            whole.seek(response.content_range.start)  # a part: waitress sends it from the file
            response.response = whole
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


class Task(WSGITask):  # type: ignore[misc]
    """A request that the application answers, maybe with what Shortcut has got for it."""

    def get_environment(self) -> dict[str, Any]:
        """Return WSGI's environment of the request."""
        environ: dict[str, Any] = super().get_environment()
        for name in ("began", "counted", "answer"):
            environ[f"digits.{name}"] = getattr(self.request, name, None)
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection on which a request must arrive whole within the time limit.

    Waitress alone takes every byte for a sign of life, and so waits for ever for a slow client.
    """

    error_task_class = ProblemTask
    task_class = Task
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


def _settle() -> None:
    """Make ready for many requests, once all is loaded."""
    threadpoolctl.threadpool_limits(1)  # requests are worked on side by side already
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only GNU's C library has it
        ctypes.CDLL(None).mallopt(-3, 2**20)  # M_MMAP_THRESHOLD: give back what pictures took
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look through it again and again


class Shortcut:
    """Has short drawings read first, from the main loop, and then lets the application answer.

    So no thread waits for them, nor has to be woken twice. /healthz is answered here as well, and
    waits for nobody.
    """

    SHORT = 2**16
    """Bytes: less than a line holds, so that sending them never waits."""

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
                _send(line.stream, ACCEPTED.index("application/json"), ONE_DRAWING, body)
                line.channel = channel
            except OSError:  # it ended while it had nothing to do
                self._replace(line.process)
                self._finish(channel, 503, _problem(503, ENDED))

    def receive(self, line: Line, channel: HTTPChannel) -> None:
        """Take the answer for a channel's request, and let the application send it."""
        try:
            status, _, answer = _receive(line.stream)
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
            and 0 < len(request.body_rcv or "") <= self.SHORT
        )

    def _is_allowed(self, channel: HTTPChannel) -> bool:
        request, client = channel.requests[0], channel.addr[0]
        if client == self.trusted_proxy:
            client = request.headers.get("X_FORWARDED_FOR", client).rpartition(",")[2].strip()
            client = re.sub(r"^([\d.]+):\d+$|^\[(.*)\](:\d+)?$", r"\1\2", client)  # no port
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
                self._finish(line.channel, 503, _problem(503, ENDED))


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


def serve(app: Flask, options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; then answer what is under way, and return.

    Raises OSError if the address cannot be had.
    """
    _settle()
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
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(
        channel.request or channel.requests or channel.total_outbufs_len
        for listener in listeners
        for channel in list(listener.active_channels.values())
    ):
        turn(0.1)
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
    add("threads", _number(1, 256), 4, "how many other requests are worked on at once")
    readers = "processes that read single drawings; one more reads all else; 0: none, threads read"
    add("readers", _number(0, 64), 1 if os.name == "posix" else 0, readers)
    add("timeout", _number(1, 3600), 30, "seconds for a request to arrive, and again to be read")
    add("rate-limit", _rate, 0.0, "requests a second that each client may make; 0 for any number")
    add("trusted-proxy", str, None, "address of a proxy; its X-Forwarded-For tells the client")
    add("site", Path, DEFAULTS["SITE"], "the directory with the built page")
    add("weights", Path, None, "the network; without it, that of the package")
    parser.add_argument("--quiet", action="store_true", help="write no access log")
    parser.add_argument(
        "--debug", action="store_true", help="Flask's development server: not in public"
    )
    parser.add_argument("--read", type=json.loads, help=argparse.SUPPRESS)  # be such a process
    options = parser.parse_args(argv)
    if options.read:
        return _read_for_another(*options.read)

    if not (options.site / "generated" / "precache.js").is_file():
        return _fail(f"{options.site / 'generated'} is missing: run `python build.py`")
    if not options.quiet:
        access_log.addHandler(logging.StreamHandler(sys.stdout))
        access_log.setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each waiting request
    given = ("SITE", "WEIGHTS", "RATE_LIMIT", "READERS", "TIMEOUT")
    chosen = {name: getattr(options, name.lower()) for name in given}
    try:
        app = create_app(chosen | ({"READERS": 0} if options.debug else {}))
    except (WeightsError, OSError) as error:
        return _fail(str(error))
    try:
        if options.debug:
            app.run(options.host, options.port, debug=True)
        else:
            serve(app, options)
    except (OSError, ValueError) as error:  # waitress takes a name that is no host's for a value
        return _fail(f"cannot listen on {options.host}:{options.port}: {error}")
    return 0


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected {least} to {most}, got {text!r}")
        return int(text)

    return number


def _rate(text: str) -> float:
    with contextlib.suppress(ValueError):
        if (rate := float(text)) == 0 or 1e-6 <= rate <= 1e6:
            return rate
    raise argparse.ArgumentTypeError(f"expected 0, or 0.000001 to 1000000, got {text!r}")


def _fail(message: str) -> int:
    print(f"server: error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
