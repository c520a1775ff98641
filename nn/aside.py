"""Finds strokes that are no part of a number: a line under it, a ring or frame about it, a touch of
the hand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from nn.ink import Box, longer_side, union
from nn.layout import MOST_PARTS, UNKNOWN, Parts, row_height

# Shares of the stroke's own width or height, or of the height of what it goes with.
LEVEL = 0.15  # a line under a number, or of a frame, is so straight, or more,
UNDER = 0.7  # lies under so much of the number,
CLOSE = 0.2  # and reaches so little up into it
FOOT = 0.08  # it lies so much lower than it, or more, to be surely no foot of a digit
FILLED = 0.25  # a ring about a number is filled so far up by it, or more
WHOLE = 0.8  # of a frame's height or width: so long are its lines, or longer
TAP = 0.05  # a touch is so small, or smaller,
ASTRAY, ASTRAY_BESIDE = 0.5, 1.0  # and farther than this above or below the number, or beside it,
REFUSED_BESIDE = 0.15  # or this where something was refused beside digits: it may be the touch


def strokes_aside(boxes: Sequence[Box], text: str) -> Parts:
    """Return which strokes of a drawing that was read as ``text`` may be left out; () if none."""
    around = surrounding(boxes)
    is_frame = len(around) > 1
    if around and (is_frame or UNKNOWN in text or text == "0"):  # as a digit in a ring looks
        return around
    if touches := astray(boxes):
        return touches
    if UNKNOWN not in text:
        return underlining(boxes, is_read=True)
    if about := enclosing(boxes) or underlining(boxes):
        return about
    return astray(boxes, REFUSED_BESIDE) if len(text) > 2 else ()  # one letter may have a dot


def astray(boxes: Sequence[Box], beside: float = ASTRAY_BESIDE) -> Parts:
    """Return which strokes are touches far from all others, by their ``boxes``; () if none.

    ``beside``: what is far to a side, in heights of the number.
    """
    if not 1 < len(boxes) <= MOST_PARTS:
        return ()
    height = row_height(boxes)
    taps = [place for place, box in enumerate(boxes) if longer_side(box) <= TAP * height]
    number = [box for place, box in enumerate(boxes) if place not in taps]
    if not (taps and number):
        return ()
    left, top, right, bottom = union(number)
    height = row_height(number)  # taps above each other make a high column
    return tuple(
        place
        for place in taps
        if max(top - boxes[place][3], boxes[place][1] - bottom) > ASTRAY * height
        or max(left - boxes[place][2], boxes[place][0] - right) > beside * height
    )


def surrounding(boxes: Sequence[Box]) -> Parts:
    """Return which stroke, or which four, are about all others, by their ``boxes``; () if none."""
    if not 1 < len(boxes) <= MOST_PARTS:
        return ()
    outer = union(boxes)
    frames: list[Parts] = [(place,) for place, box in enumerate(boxes) if box == outer]
    if len(boxes) > 4 and _is_frame([boxes[place] for place in _outermost(boxes)], outer):
        frames.append(_outermost(boxes))
    return next((frame for frame in frames if _is_filled(boxes, frame, outer)), ())


def enclosing(boxes: Sequence[Box]) -> Parts:
    """Return the strokes, two or three, of a frame that has no stroke for each side; () if none."""
    if not 2 < len(boxes) <= MOST_PARTS:
        return ()
    outer = union(boxes)
    wide = outer[2] - outer[0]
    frame = tuple(i for i, box in enumerate(boxes) if box[2] - box[0] >= WHOLE * wide)
    if not 1 < len(frame) < 4 or union([boxes[i] for i in frame]) != outer:
        return ()
    return frame if _is_filled(boxes, frame, outer) else ()


def underlining(boxes: Sequence[Box], is_read: bool = False) -> Parts:
    """Return which stroke underlines all others, by their ``boxes``; () if none.

    Below a single digit it may be the digit's foot, if all together is read (``is_read``).
    """
    if not 1 < len(boxes) <= MOST_PARTS:
        return ()
    for place, (left, top, right, bottom) in enumerate(boxes):
        others = union([box for i, box in enumerate(boxes) if i != place])
        wide, high = others[2] - others[0], others[3] - others[1]
        if is_read and wide <= high:
            continue
        least = FOOT if is_read or wide <= high else -CLOSE
        beside = min(right, others[2]) - max(left, others[0])
        is_under = beside >= UNDER * wide and top >= others[3] + least * high
        is_level = bottom - top <= LEVEL * (right - left)
        if is_under and is_level:
            return (place,)
    return ()


def _is_filled(boxes: Sequence[Box], frame: Parts, outer: Box) -> bool:
    """Tell whether all other strokes lie within a frame's ``outer`` box, and fill it far up."""
    others = [box for i, box in enumerate(boxes) if i not in frame]
    if not others:
        return False
    left, top, right, bottom = union(others)
    is_within = outer[0] < left and outer[1] < top and right < outer[2] and bottom < outer[3]
    return is_within and bottom - top >= FILLED * (outer[3] - outer[1])


def _outermost(boxes: Sequence[Box]) -> Parts:
    """Return the strokes farthest to the left, to the right, to the top and to the bottom."""
    places = range(len(boxes))
    return (
        min(places, key=lambda place: boxes[place][2]),
        max(places, key=lambda place: boxes[place][0]),
        min(places, key=lambda place: boxes[place][3]),
        max(places, key=lambda place: boxes[place][1]),
    )


def _is_frame(sides: Sequence[Box], outer: Box) -> bool:
    """Tell whether strokes, as `_outermost` returns them, are the lines of a frame."""
    wide, high = outer[2] - outer[0], outer[3] - outer[1]
    sizes = [(right - left, bottom - top) for left, top, right, bottom in sides]
    is_upright = all(w <= LEVEL * high and h >= WHOLE * high for w, h in sizes[:2])
    return is_upright and all(h <= LEVEL * wide and w >= WHOLE * wide for w, h in sizes[2:])
