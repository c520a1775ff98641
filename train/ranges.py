"""The numbers that settings and options can be, and how a message calls them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple


class Range(NamedTuple):
    """Some of the numbers."""

    words: str
    """What a message says that it expected."""
    holds: Callable[[float], bool]
    """Tells whether a number is one of them; what is not a number never is."""


AT_LEAST_0 = Range("at least 0", lambda number: number >= 0)
AT_LEAST_1 = Range("at least 1", lambda number: number >= 1)
FINITE = Range("at least 0, and finite", lambda number: 0 <= number < inf)
ABOVE_0 = Range("more than 0, and finite", lambda number: 0 < number < inf)
UP_TO_1 = Range("0 to 1", lambda number: 0 <= number <= 1)
BELOW_1 = Range("at least 0 and less than 1", lambda number: 0 <= number < 1)
WITHIN_1 = Range("more than 0 and less than 1", lambda number: 0 < number < 1)
