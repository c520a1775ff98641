"""Do in the page's Python all that its engine may ever do, failures included.

It runs after site/engine.py, in the same namespace (see modules_used.py), and tells which modules
that took.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from pyscript import sync

from nn.weights import WeightsError, load

# start, read, view, look, explain, lesson, teach and recognizer are engine.py's.
DRAWING = (3, 3, 2, 1, 10, 10, 60, 12, 30, 90, 20, 50, 50, 50, 5, 5)
WRONG_DRAWINGS = ((), (1,), (1, 1, np.nan, 1), (1, 1, 1, np.inf), (1, 2, 1, 2, 3), (np.nan, 1))


class Packed:
    """Numbers as a Float64Array hands them over."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = numbers

    def to_bytes(self) -> bytes:
        """Return eight bytes a number."""
        return np.array(self.numbers, np.float64).tobytes()


def fails(work: Callable[[], Any]) -> str:
    """Do `work`, which has to fail; return all that Python says about it."""
    try:
        work()
    except Exception:
        return traceback.format_exc()
    raise RuntimeError(f"{work} did not fail")


def pictures() -> None:
    """Read pictures as the page hands them over: one mark, several, nothing; and what is none."""
    blank = np.zeros((60, 80), np.uint8)
    ramp = np.broadcast_to(np.linspace(0, 255, 80).astype(np.uint8), (60, 80))
    cross = blank.copy()
    cross[10:50, 38:44] = cross[28:33, 20:60] = 255
    row = np.hstack([cross, cross[:, 30:55], cross])
    for picture in (blank, ramp, cross, 255 - cross, row, np.kron(row, np.ones((9, 9), np.uint8))):
        height, width = picture.shape
        greys = base64.b64encode(picture.tobytes()).decode()
        if not json.loads(view(greys, str(width), str(height)))["ok"]:
            raise RuntimeError(f"picture of {picture.shape}")
    view("", "0", "0"), view("AAAA", "9", "9")


def chance() -> int:
    """Take a part of NumPy that is compiled, and that the page does not use."""
    return int(np.random.default_rng(0).integers(10))


def weights_files() -> None:
    """Load weights that are damaged in several ways."""
    whole = recognizer.path.read_bytes() if hasattr(recognizer, "path") else b""
    for content in (b"", b"no archive", whole[: len(whole) // 2] or b"PK\x03\x04"):
        with open("/tmp/weights.npz", "wb") as file:
            file.write(content)
        fails(lambda: load("/tmp/weights.npz"))
    pickled = io.BytesIO()
    np.savez(pickled, format=np.array([{}], object))
    with open("/tmp/weights.npz", "wb") as file:
        file.write(pickled.getvalue())
    fails(lambda: load("/tmp/weights.npz"))
    fails(lambda: load("/tmp/none.npz"))
    str(WeightsError("in words"))


def everything() -> str:
    """Do it all; return the names of the modules that were imported, one a line."""
    start()
    for drawing in (DRAWING, (0,), *WRONG_DRAWINGS):
        read(Packed(*drawing))
    for mark in json.loads(read(Packed(*DRAWING)))["result"]["digits"]:
        about = json.dumps({"image": mark["image"], "label": 3})
        known = json.dumps([{"image": mark["image"], "digit": 3}])
        answers = (
            look(mark["image"]),
            explain(mark["image"]),
            lesson(about),
            teach(known),
            teach("[]"),
        )
        for answer in answers:
            if not json.loads(answer)["ok"]:
                raise RuntimeError(answer)
    pictures()
    look("no picture"), explain(""), lesson("{}"), teach("{}")
    recognizer.classify(np.zeros((3, 28, 28), np.uint8))
    fails(lambda: recognizer.classify(np.zeros((3, 28))))
    weights_files()
    with np.errstate(all="warn"), warnings.catch_warnings():
        warnings.simplefilter("always")
        np.float32(1) / np.zeros(2, np.float32)
        warnings.warn("shown", stacklevel=1)
    repr(np.linspace(0, 1, 2000)), repr(np.eye(2)), str(np.float32(3)), repr(np.dtype("f4"))
    # Modules that are compiled into Python itself need no file.
    return "\n".join(
        name
        for name, module in sys.modules.items()
        if getattr(getattr(module, "__spec__", None), "origin", None) not in ("frozen", "built-in")
    )


sync.work = everything
sync.chance = chance
