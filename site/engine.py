"""The Python side of the page: drawings come in as numbers, readings go out as JSON.

Runs in a worker, under PyScript, with the same `nn` package that trained the network. The page
calls the functions that are given to `sync` at the end. Each answers
``{"ok": true, "result": ...}`` or ``{"ok": false, "error": "..."}``, so that a wrong drawing is an
answer and not a broken engine. Pictures travel as base64 of their bytes, row by row.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscript import sync

from nn import Recognizer
from nn.reading import Known
from nn.recognizer import DEFAULT_PATH

STEPS = 4  # of the evidence: fewer than on a computer's own Python, so that drawing never waits
PRACTICE = [[[80, 70], [200, 70], [140, 220]], [[100, 150], [190, 140]]]  # a seven with a bar
TIMES, QUIET, FIRST = 150, 0.03, 0.5  # so often it is read, after so many seconds without a
# question, at first after more: the page may be about to ask for what was drawn meanwhile
LOOKED_AT = 4  # new corrections, before what was drawn meanwhile is read

recognizer: Recognizer
pupil: Any = None
known: Known = {}  # the marks of the last drawing
asked = 0.0  # when the last question was answered
practice: asyncio.Future[None]


def answering(work: Callable[..., Any]) -> Callable[..., str]:
    """Make `work` answer in JSON, its errors included."""

    def answer(*arguments: Any) -> str:
        global asked
        try:
            return json.dumps({"ok": True, "result": work(*arguments)})
        except Exception as error:
            return json.dumps({"ok": False, "error": str(error) or type(error).__name__})
        finally:
            asked = time.monotonic()

    return answer


@answering
def start() -> dict[str, Any]:
    """Load the network; return what the page tells about it."""
    global practice, recognizer
    prepared = sys.modules.get("prepared")  # in a stored memory: .build/node/prepare.py
    recognizer = prepared.recognizer if prepared else Recognizer.load()
    practice = asyncio.ensure_future(practise())
    return {
        "model": recognizer.model_hash,
        "parameters": recognizer.model.parameter_count(),
        "metadata": recognizer.metadata,
        "teachable": DEFAULT_PATH.with_name("rehearsal.npz").exists(),
    }


async def practise() -> None:
    """Read a drawing again and again while nobody asks for anything.

    Browsers run WebAssembly slowly at first and compile well what has run for a while: a reading
    takes several times as long as fifty readings later.
    """
    await asyncio.sleep(FIRST)
    for _ in range(TIMES):
        while (quiet := time.monotonic() - asked) < QUIET:
            await asyncio.sleep(QUIET - quiet)
        json.dumps(recognizer.read(PRACTICE).to_dict())
        await asyncio.sleep(0)


@answering
def read(packed: Any) -> dict[str, Any]:
    """Return the reading of strokes, a Float64Array as pack.js makes them."""
    numbers = np.frombuffer(packed.to_bytes(), np.float64)
    points = 1 + int(numbers[0])
    ends = numbers[1:points].astype(int).cumsum().tolist()
    places = numbers[points:].reshape(-1, 2)
    strokes = [places[start:end] for start, end in pairwise([0, *ends])]
    return recognizer.read(strokes, known).to_dict()


@answering
def view(pixels: str, width: str, height: str) -> dict[str, Any]:
    """Return the reading of a picture: `width` times `height` greys in base64."""
    grey = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(int(height), int(width))
    return recognizer.read_image(grey).to_dict()


@answering
def look(image: str) -> list[dict[str, Any]]:
    """Return the network's feature maps for a 28x28 picture, each layer as bright as can be."""
    from nn.explain import feature_maps

    return [as_pictures(found) for found in feature_maps(recognizer.model, decode(image))]


@answering
def explain(image: str) -> dict[str, Any]:
    """Return what each pixel of a 28x28 picture said, from -127 (against) to 127 (for)."""
    from nn.explain import evidence

    found = evidence(recognizer.model, decode(image), STEPS)

    def shares(values: NDArray[np.float32]) -> str:
        return encode((values * (127 / max(float(abs(values).max()), 1e-9))).astype(np.int8))

    return {
        "digit": found.digit,
        "second": found.second,
        "forDigit": shares(found.for_digit),
        "againstSecond": shares(found.against_second),
    }


@answering
def lesson(about: str) -> dict[str, Any]:
    """Return `nn.lesson` of JSON's ``{"image": ..., "label": ...}``, its maps as pictures."""
    from nn.lesson import lesson as run

    question = json.loads(about)
    found = run(recognizer.model, decode(question["image"]), question["label"])
    product = found.product
    return {
        "stages": [
            {
                "kind": stage.kind,
                "parameters": stage.parameters,
                "multiplications": stage.multiplications,
                "shape": list(stage.output.shape),
                "maps": as_pictures(stage.output.clip(min=0)) if stage.output.ndim == 3 else None,
            }
            for stage in found.stages
        ],
        "scores": found.scores.tolist(),
        "probabilities": found.probabilities.tolist(),
        "product": product
        and {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in product._asdict().items()
        },
        "step": found.step._asdict(),
    }


def as_pictures(found: NDArray[np.float32]) -> dict[str, Any]:
    """Return ``(height, width, channels)`` maps, none negative, as bright as can be."""
    height, width, channels = found.shape
    scale = 255 / max(float(found.max()), 1e-9)
    pixels = (found.transpose(2, 0, 1) * scale).astype(np.uint8)  # one map after the other
    return {"height": height, "width": width, "channels": channels, "pixels": encode(pixels)}


@answering
def teach(corrections: str) -> dict[str, Any]:
    """Know these corrections and no others: JSON of a list of {"image", "digit"}.

    While there is anything `left` to look at, nothing is learned yet: ask again.
    """
    from nn.teach import Pupil, load_rehearsal

    global pupil
    if pupil is None:
        pupil = Pupil(recognizer.model, load_rehearsal(recognizer.model_hash))
    taught = json.loads(corrections)
    images = np.array([decode(each["image"]) for each in taught], np.uint8).reshape(-1, 28, 28)
    digits = np.array([each["digit"] for each in taught], np.uint8)
    if left := pupil.prepare(images, LOOKED_AT):
        return {"left": left}
    known.clear()  # what was seen before is seen otherwise from now on
    return {"corrections": len(taught), "steps": pupil.learn(images, digits)}


def decode(image: str) -> NDArray[np.uint8]:
    """Return the ``(28, 28) uint8`` picture that `image` is in base64."""
    return np.frombuffer(base64.b64decode(image), np.uint8).reshape(28, 28)


def encode(values: NDArray[Any]) -> str:
    """Return the bytes of `values` in base64."""
    return base64.b64encode(values.tobytes()).decode()


sync.start = start
sync.read = read
sync.view = view
sync.look = look
sync.explain = explain
sync.lesson = lesson
sync.teach = teach
