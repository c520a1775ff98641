"""Drawings whose label no reader could tell: what is measured without them is told beside the rest.

All drawings of the test part were looked at beside their labels, large, one sheet after the other,
without any network's answer. These show something other than their label, or what is as often
written for another digit. They stay in the test part and count as wrong where they are read wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from train.data.pen import Drawing

UNCLEAR = {
    "a0f6a1764ba14000": "a bracket, labelled 0",
    "13c77cdad28fce17": "a serif that comes down like a 7's, labelled 1",
    "07473bb874285ebb": "a serif as long as a 7's bar, labelled 1",
    "64f907c33382b500": "a dot, labelled 1",
    "32323f2f2fc6b50e": "a dash, labelled 1",
    "f037913b543d7929": "an L, labelled 4",
    "a2bcf0c0433fe462": "a 7 and an equals sign, labelled 7",
    "2253526bf784973a": "a 6, labelled 8",
    "984a78ec98cac493": "a 0, labelled 8",
}
"""What each shows, by the drawing's ``fingerprint``."""


def fingerprint(drawing: Drawing) -> str:
    """Return 16 hexadecimal digits that depend on the writer, the label and every point."""
    sha256 = hashlib.sha256(f"{drawing.writer}\0{drawing.label}\0".encode("utf-8", "surrogatepass"))
    for stroke in drawing.strokes:
        sha256.update(stroke.tobytes())
    return sha256.hexdigest()[:16]


def clear(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Return the drawings whose label can be told."""
    return [drawing for drawing in drawings if fingerprint(drawing) not in UNCLEAR]


def unclear(drawings: Sequence[Drawing]) -> list[tuple[Drawing, str]]:
    """Return the others, each with what it shows."""
    named = ((drawing, UNCLEAR.get(fingerprint(drawing), "")) for drawing in drawings)
    return [(drawing, shown) for drawing, shown in named if shown]
