"""What a fuzzer needs: requests to begin with, ways to change them, and what must always hold."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nn import Reading, Recognizer
from server import DEFAULTS, Reader, Refused, create_app
from tests.sample import drawings

JSON, PNG, JPEG, WEBP, PICTURE = range(5)
"""The first byte of an input, modulo their number, says as what the rest is sent.

PICTURE is a picture of any kind, in base64 and within JSON.
"""
TYPES = {JSON: "application/json", PNG: "image/png", JPEG: "image/jpeg", WEBP: "image/webp"}
MEMORY = 16 * 2**20
"""What unpacked pictures may take, bytes: less than by default, for speed."""
LITTLE = 2**20
"""The same for the decoders alone."""
CORNER = 16
"""So many pixels of a side are looked at after the decoders,"""
SOME = 16
"""in one of so many pictures."""
ALLOWED = {200, 400, 413}
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class Hasty(Recognizer):
    """A recognizer that takes in all that it is given, and then looks at little of it.

    What follows the decoders takes a hundred times as long as they do. It has tests of its own.
    """

    def read_image(self, array: NDArray[Any]) -> Reading:
        """Read a corner of some, and nothing in the others."""
        corner = array[:CORNER, :CORNER]
        return Reading("", ()) if int(corner.sum()) % SOME else super().read_image(corner)

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities that depend on the images, quickly."""
        chosen = images.reshape(len(images), -1).sum(axis=1) % 11
        return np.eye(11, dtype=np.float32)[chosen] * np.float32(0.89) + np.float32(0.01)


def decoders() -> Callable[[bytes], int]:
    """Return a function that hands an input to the server's decoders and checks the answer.

    It returns the status, and raises whatever they raise: no answer may be a 500. Nothing of HTTP
    is in between, and no network behind.
    """
    reader = Reader(Hasty.load(), DEFAULTS | {"MAX_DECODED": LITTLE})

    def check(data: bytes) -> int:
        media_type, body = _request(data)
        try:
            answer = reader.read(media_type, body)
        except Refused as problem:
            problem_detail = {"status": problem.code, "detail": problem.description}
            _check_answer(problem.code, problem_detail | {"field": problem.field})
            return problem.code
        json.dumps(answer)
        _check_answer(200, answer)
        return 200

    return check


def _request(data: bytes) -> tuple[str, bytes]:
    """Return an input's media type and body."""
    kind, body = (data[0] % 5 if data else JSON), data[1:]
    if kind == PICTURE:
        body = json.dumps({"image": base64.b64encode(body).decode()}).encode()
    return TYPES.get(kind, TYPES[JSON]), body


def checker() -> Callable[[bytes], int]:
    """Return a function that sends an input to the application and checks the answer.

    It returns the status, and raises whatever the application raises: no answer may be a 500.
    """
    application = create_app({"TESTING": True, "MAX_DECODED": MEMORY}).wsgi_app

    def check(data: bytes) -> int:
        media_type, body = _request(data)
        status: list[int] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/predict",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "CONTENT_TYPE": media_type,
            "CONTENT_LENGTH": str(len(body)),
        }
        answer = b"".join(application(environ, lambda line, *_: status.append(int(line[:3]))))
        _check_answer(status[0], json.loads(answer))
        return status[0]

    return check


def _check_answer(status: int, answer: dict[str, Any]) -> None:
    if status not in ALLOWED:
        raise AssertionError(f"status {status}: {answer}")
    if status != 200:
        if answer["status"] != status or not answer["detail"] or not answer["field"]:
            raise AssertionError(f"a problem without its parts: {answer}")
        return
    for reading in answer.get("readings", [answer]):
        if not isinstance(reading["text"], str) or (reading["text"] == "") != (
            reading["digits"] == []
        ):
            raise AssertionError(f"an answer without its parts: {reading}")
        for digit in reading["digits"]:
            probabilities = digit["probabilities"]
            if len(probabilities) != 10 or not 0 <= sum(probabilities) <= 1.001:
                raise AssertionError(f"no probabilities: {probabilities}")


def seeds() -> list[bytes]:
    """Return good inputs of every kind, from which the changed ones are made."""
    bodies = [(JSON, {"strokes": sample.strokes}) for sample in drawings()[::5]]
    few = {"strokes": [[[20, 30], [80.5, 2.8e1], [45, 110]]]}
    bodies += [(JSON, few), (JSON, {"batch": [few, {"strokes": []}]})]
    inputs = [bytes([kind]) + json.dumps(body).encode() for kind, body in bodies]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        inputs.append(bytes([PNG]) + _seven(mode, "PNG"))
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            inputs.append(bytes([JPEG]) + _seven(mode, "JPEG", progressive=progressive))
    for mode in ("L", "RGBA"):
        for lossless in (False, True):
            inputs.append(bytes([WEBP]) + _seven(mode, "WEBP", lossless=lossless))
    frames: dict[str, Any] = {"save_all": True, "append_images": [Image.new("RGB", (40, 60))]}
    for kind, name in ((PNG, "PNG"), (WEBP, "WEBP"), (JPEG, "MPO")):
        inputs.append(bytes([kind]) + _seven("RGB", name, **frames))
    turned = Image.Exif()
    turned[0x0112] = 6  # the orientation
    inputs.append(bytes([JPEG]) + _seven("RGB", "JPEG", exif=turned))
    return inputs + [bytes([PICTURE]) + data[1:] for data in inputs[-20::4]]


def _seven(mode: str, kind: str, **options: Any) -> bytes:
    image = Image.new("L", (40, 60), 255)
    ImageDraw.Draw(image).line([(10, 15), (30, 15), (18, 48)], fill=0, width=4)
    image = image.convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 257).convert("I;16")
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def repaired(data: bytes) -> bytes:
    """Return an input whose PNG has right checksums again, or a change would not get past them."""
    if data[1:9] != PNG_MAGIC:
        return data
    parts, at = [data[:9]], 9
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 8 + min(length, len(data) - at - 12)
        body = data[at + 4 : end]
        parts += [struct.pack(">I", len(body) - 4), body, struct.pack(">I", zlib.crc32(body))]
        at = end + 4
    return b"".join(parts)


def changed(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return a copy with some bytes set, cut, repeated, or taken from another input."""
    result = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(result) + 1)
        span = rng.randint(1, 8)
        match rng.randrange(5):
            case 0:
                result[at : at + span] = rng.randbytes(span)
            case 1:
                del result[at : at + rng.randint(1, 64)]
            case 2:
                result[at:at] = result[at : at + 16 * span]
            case 3:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                result[at : at + span] = other[start : start + 16 * span]
            case _:
                odd = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"NaN", b"1e999")
                chosen = rng.choice(odd)
                result[at : at + len(chosen)] = chosen
    return repaired(bytes(result)) if rng.random() < 0.9 else bytes(result)
