"""The Python side of the page: drawings come in as JSON, readings go out as JSON.

Runs in a worker, under PyScript, with the same `nn` package that trained the network. The page
calls the two functions that are given to `sync` at the end. Each answers
``{"ok": true, "result": ...}`` or ``{"ok": false, "error": "..."}``, so that a wrong drawing is an
answer and not a broken engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pyscript import sync

from nn import Recognizer

recognizer: Recognizer


def answering(work: Callable[..., Any]) -> Callable[..., str]:
    """Make `work` answer in JSON, its errors included."""

    def answer(*arguments: str) -> str:
        try:
            return json.dumps({"ok": True, "result": work(*arguments)})
        except Exception as error:
            return json.dumps({"ok": False, "error": str(error) or type(error).__name__})

    return answer


@answering
def start() -> dict[str, Any]:
    """Load the network; return what the page tells about it."""
    global recognizer
    recognizer = Recognizer.load()
    return {"model": recognizer.model_hash, "metadata": recognizer.metadata}


@answering
def read(strokes: str) -> dict[str, Any]:
    """Return the reading of `strokes`, JSON of a list of strokes."""
    return recognizer.read(json.loads(strokes)).to_dict()


sync.start = start
sync.read = read
