"""The log of a run for other tools: JSON lines, each written as soon as it is known.

Every line has these fields:

====================  ==========================================================================
``kind``              ``"steps"``: some steps of an epoch; ``"epoch"``: a whole one
``step``              steps (batches) learned since the run began
``epoch``             the same in passes through the data
``images``            the same in images
``seconds``           time learned, without the time that the run lay stopped
``images_per_second`` speed since the line before
``loss``              mean cross-entropy, in nats, of the steps since the line before (``"steps"``)
                      or since the epoch began (``"epoch"``)
``learning_rate``     of the last step
====================  ==========================================================================

A line of an epoch has ``validation_error_percent`` too: for each part of the data that is held
out, the share that the averaged weights read wrong, such as ``{"MNIST": 0.52, "pen": 1.9}``.

A run that is resumed from a checkpoint rewrites the file to hold just what went before that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.data.errors import DataError
from train.data.files import replacing

Entry = dict[str, Any]


def rewrite(path: Path, history: Sequence[Entry]) -> None:
    """Make the log hold these lines and no others, whole or not at all."""
    with replacing(path) as file:
        file.write("".join(json.dumps(entry) + "\n" for entry in history).encode())


def append(path: Path, entry: Entry) -> None:
    """Add a line."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def read(path: Path) -> list[Entry]:
    """Return the lines, without a last one that a kill cut short; none where there is no log.

    Raises DataError for a line that is no JSON object.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if not isinstance(entry, dict):
            raise DataError(f"{path}, line {number}: expected a JSON object, got {line[:40]}")
        entries.append(entry)
    return entries
