"""Divides drawings by writer, so that a network is never tested on a hand that it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from train.data.pen import Drawing

# Chosen once, by counts alone and not by any network's errors. Ten of the 282 writers of the
# pen-drawn digits drew more than half of them: with this one all ten are in `train`, so that no
# single hand decides what is measured, and the other writers are spread evenly over their sites.
SALT = "writer-1959:"


class WriterSplit(NamedTuple):
    """Drawings in three parts that have no writer in common; in each the order is kept."""

    train: list[Drawing]
    validation: list[Drawing]
    test: list[Drawing]


def split_by_writer(
    drawings: Iterable[Drawing], validation: float = 0.15, test: float = 0.15
) -> WriterSplit:
    """Divide drawings by a hash of the writer's name alone.

    A writer is in the same part on every machine and in every collection: drawings that are
    added later move nobody.

    Args:
        drawings: in any order.
        validation: about this share of the writers, 0 to 1, goes to `validation`.
        test: about this share of the writers, 0 to 1, goes to `test`; the rest goes to `train`.

    Raises:
        ValueError: a share is below 0, or the two add up to more than 1.
    """
    if not (validation >= 0 and test >= 0 and validation + test <= 1):
        raise ValueError(
            "expected two shares of at least 0 that add up to at most 1, "
            f"got validation={validation}, test={test}"
        )
    parts = WriterSplit([], [], [])
    for drawing in drawings:
        place = writer_position(drawing.writer)
        if place < 1 - validation - test:
            parts.train.append(drawing)
        elif place < 1 - test:
            parts.validation.append(drawing)
        else:
            parts.test.append(drawing)
    return parts


def told_of_empty(parts: WriterSplit, what: str) -> str:
    """Say in a line what none of the drawings is there for; "" if each part has some.

    ``what`` they are, in the plural. A few writers can all fall into the same part.
    """
    uses = ("to learn from", "to choose by", "to measure on")
    lacking = [use for use, part in zip(uses, parts, strict=True) if not part]
    if not lacking:
        return ""
    drawings = [drawing for part in parts for drawing in part]
    names = sorted({drawing.writer for drawing in drawings})
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return (
        f"None of the {len(drawings)} {what} is there {' or '.join(lacking)}: a hash of the "
        f"writer's name ({shown}) says whether all of a writer's are learned, chosen by or "
        "measured on. Drawings by other writers, or other names, go elsewhere."
    )


def writer_position(writer: str) -> float:
    """Return the writer's fixed place in [0, 1), as even as SHA-256 makes it."""
    digest = hashlib.sha256((SALT + writer).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
