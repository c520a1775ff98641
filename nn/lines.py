"""Numbers below each other: which strokes or pieces stand in which line, and whether they do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from nn.ink import Box, union
from nn.layout import MOST_PARTS, UNKNOWN, Parts
from nn.reading import Reading

# Shares are of the height of the highest part, unless they say otherwise.
TALL = 0.4  # what is lower is a bar, a minus or a point, and goes with the line that it is nearest
SAME_ROWS = 0.3  # of the lower one's: parts that share so many rows stand in one line,
NEAR = 1.5  # if so many empty columns, or fewer, are between them: lines may climb
PAPER = 0.03  # so many empty rows, or more, are between two lines,
ASIDE = 0.5  # where they share columns, or hardly miss them
BESIDE = 0.3  # so much nearer a line seems that is as far to the side as another above or below
ALIKE, TOGETHER = 0.6, 1.5  # of the lower one's: two strokes are no i, and no colon, if their
# heights are so alike, and no more than so many are empty between them
SURE = 0.95  # a row whose least sure digit is so likely is no two lines,
CLEAR = 0.6  # unless there is so much paper between them, and between more than two strokes: some
# 8s are two rings that do not touch
MANY, FEW = 3, 0.2  # so many lines are none of one row, if this share of marks is refused at most
SKIPPED = 0.2  # less paper, or any between two strokes, may be where the pen skipped


def read_lines(
    boxes: Sequence[Box],
    read: Callable[[Parts], Reading],
    continues: Callable[[int], bool] = lambda _: False,
) -> Reading:
    """Read parts as one row, or as several lines if those are read better, and no line is only the
    rest of a stroke of another one.

    Many lines are never read as one row, if most of their marks are digits, nor are their columns:
    brought to the size of one digit, a column is a line, and passes for a 1.
    """
    lines, paper = lines_of(boxes)
    if len(lines) == 1:
        return read(lines[0])
    of_part = {part: place for place, line in enumerate(lines) for part in line}
    rests = [continues(b) for b in range(1, len(boxes)) if of_part[b - 1] != of_part[b]]
    below = None
    if len(lines) >= MANY and paper >= SKIPPED and not all(rests):
        below = _in_lines([read(parts) for parts in lines])
        if _doubts(below)[0] <= FEW * len(below.digits):
            return below
    row = read(tuple(range(len(boxes))))
    if below and len(row.digits) > 1:
        return below
    refused, likely = _doubts(row)
    are_two_strokes = len(boxes) == 2
    if not refused and likely >= SURE and (paper < CLEAR or are_two_strokes):
        return row
    if any(rests) and (paper < SKIPPED or are_two_strokes):
        return row
    below = below or _in_lines([read(parts) for parts in lines])
    refused_then, likely_then = _doubts(below)
    is_better = likely_then > likely or paper >= CLEAR
    return below if refused_then < refused or (is_better and not refused_then) else row


def _in_lines(readings: Sequence[Reading]) -> Reading:
    """Return the readings of lines as one, from the top down."""
    return Reading(
        "\n".join(line.text for line in readings),
        tuple(digit for line in readings for digit in line.digits),
    )


def _doubts(reading: Reading) -> tuple[int, float]:
    """Return how many marks were refused, and how likely the least sure digit is."""
    likely = [found.confidence for found in reading.digits if found.digit is not None]
    return reading.text.count(UNKNOWN), min(likely, default=1.0)


def lines_of(boxes: Sequence[Box]) -> tuple[list[Parts], float]:
    """Return the parts of each line, from the top down, and how much paper is between two at least,
    in heights: one line and none where there are not surely more.

    A line hangs together from neighbour to neighbour. It stands above or below another one with
    paper between them: what climbs beside the rest is no line of its own.
    """
    one_line = [tuple(range(len(boxes)))], 0.0
    if not 1 < len(boxes) <= MOST_PARTS:
        return one_line
    highest = max(map(_height, boxes))
    tall = [part for part, box in enumerate(boxes) if _height(box) >= TALL * highest > 0]
    if not tall:
        return one_line

    def are_neighbours(a: Parts, b: Parts) -> bool:
        return any(
            _share_rows(boxes[p], boxes[q])
            and _columns_between(boxes[p], boxes[q]) <= NEAR * highest
            for p in a
            for q in b
        )

    def are_far_neighbours(a: Parts, b: Parts) -> bool:
        one, other = (union([boxes[part] for part in parts]) for parts in (a, b))
        return _share_rows(one, other) and _columns_between(one, other) >= 0

    lines = _joined([(part,) for part in tall], are_neighbours)
    # From left to right: what stands between two that are one already would seem to overlap them.
    lines.sort(key=lambda line: min(boxes[part][0] for part in line))
    lines = _joined(lines, are_far_neighbours)
    paper = _paper_between(lines, boxes, highest)
    if paper < PAPER:
        return one_line
    if len(boxes) == 2 and not _are_two_digits(*boxes):
        return one_line
    lines.sort(key=lambda line: sum(boxes[part][1] + boxes[part][3] for part in line) / len(line))
    nearest = [
        min(range(len(lines)), key=lambda line: min(_distance(box, boxes[p]) for p in lines[line]))
        for box in boxes
    ]
    return [
        tuple(part for part, line in enumerate(nearest) if line == place)
        for place in range(len(lines))
    ], paper


def _joined(groups: list[Parts], are_one: Callable[[Parts, Parts], bool]) -> list[Parts]:
    """Join the groups that are one, directly or through others."""
    joined: list[Parts] = []
    for group in groups:
        one = [other for other in joined if are_one(group, other)]
        joined = [other for other in joined if other not in one]
        joined.append(sum(one, group))
    return joined


def _paper_between(lines: Sequence[Parts], boxes: Sequence[Box], highest: float) -> float:
    """Return how many empty rows, in heights, are between two lines at least; 0 if there is a line
    that stands over no other one.

    Digits that each are a line have to share columns: a row may climb as steeply.
    """
    least = math.inf
    aside = ASIDE * highest if max(map(len, lines)) > 1 else 0.0
    over_each_other = set()
    for i, line in enumerate(lines):
        for j, other in enumerate(lines[:i]):
            rows = [
                _rows_between(boxes[p], boxes[q])
                for p in line
                for q in other
                if _columns_between(boxes[p], boxes[q]) < aside
            ]
            if rows:
                least = min(least, *rows)
                over_each_other |= {i, j}
    return least / highest if len(over_each_other) == len(lines) > 1 else 0.0


def _are_two_digits(a: Box, b: Box) -> bool:
    """Tell whether two strokes over each other are as high as two digits, and as near."""
    lower, higher = sorted((_height(a), _height(b)))
    return lower >= ALIKE * higher and _rows_between(a, b) <= TOGETHER * lower


def _height(box: Box) -> float:
    return box[3] - box[1]


def _columns_between(a: Box, b: Box) -> float:
    """Return the empty columns between two boxes; below 0 where they share some."""
    return max(a[0], b[0]) - min(a[2], b[2])


def _rows_between(a: Box, b: Box) -> float:
    """Return the empty rows between two boxes; below 0 where they share some."""
    return max(a[1], b[1]) - min(a[3], b[3])


def _share_rows(a: Box, b: Box) -> bool:
    return -_rows_between(a, b) >= SAME_ROWS * min(_height(a), _height(b))


def _distance(part: Box, digit: Box) -> float:
    """Return how far a part is from a digit's line: mostly, how far above or below it."""
    middle = (part[1] + part[3]) / 2
    away = max(digit[1] - middle, middle - digit[3], 0)
    return away + BESIDE * max(_columns_between(part, digit), 0)
