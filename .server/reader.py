"""The body of a request becomes a reading: strokes or pictures, one or a batch of them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from nn import Reading, Recognizer
from pictures import ALL, FORMATS, ONE_DRAWING, Room, open_picture
from problems import Refused, as_problem, packed

ACCEPTED = ("application/json", *FORMATS)

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
            return 200, packed(self.read(media_type, body, allowed))
        except Refused as error:
            return error.code, as_problem(error.code, error.description, error.field)

    def read(self, media_type: str, body: bytes, allowed: int = ALL) -> dict[str, Any]:
        """Read {"strokes"}, {"image"} or {"batch": [...]} as JSON, or the bytes of a picture.

        Raises Refused for a body that is not what it should be, and with 503 for one that is more
        than what is allowed at this time.
        """
        room = Room(self.limits["MAX_DECODED"], allowed)
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

    def _item(self, item: dict[str, Any], place: str, room: Room) -> Reading:
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
            with self.turn:  # or threads would hand each other Python's lock at every layer
                return self.recognizer.read(strokes)
        except ValueError as error:  # it begins with the place: "strokes[2][5]: expected ..."
            detail = f"{place}{error}"
            raise Refused(400, detail, detail.partition(":")[0]) from error

    def _picture(self, picture: bytes, formats: list[str], field: str, room: Room) -> Reading:
        """Read a picture file of one of `formats`."""
        pixels, shrunk = open_picture(picture, formats, field, room)
        reading = self.recognizer.read_image(pixels)
        digits = []
        for digit in reading.digits:
            left, top, right, bottom = (side * shrunk for side in digit.box)
            digits.append(digit._replace(box=(left, top, right, bottom)))
        return reading._replace(digits=tuple(digits))


def _only_key(content: Any, known: Sequence[str], field: str) -> str:
    """The key of an object that has a single one, which is among the known."""
    if isinstance(content, dict) and len(content) == 1 and (key := next(iter(content))) in known:
        return str(key)
    expected = " or ".join(f'"{key}"' for key in known)
    came = f"an object with {list(content)}" if isinstance(content, dict) else repr(content)
    came = came if len(came) <= 80 else f"{came[:77]}..."
    raise Refused(400, f"{field}: expected an object with {expected} alone, got {came}", field)
