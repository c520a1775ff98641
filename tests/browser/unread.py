"""Find constants of a WebAssembly module that no function which runs can read.

The linker has put position-independent code together, so that each address is spelled out: a
function adds a number to global 0, where the data lies, or takes a global of the module's own; and
one function writes into the data the addresses that stand there.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from tests.browser import wasm
from tests.browser.wasm import Instruction, Reader

# A run of constants so long is left out. So much is kept at its ends, in case the address of one
# thing is computed from that of another.
LONG, MARGIN = 32_768, 1024
BASE = Instruction(wasm.GLOBAL_GET, 0)


@dataclass(frozen=True)
class Named:
    """The addresses in a module's data that its code and its data name."""

    exact: set[int]
    """Where something begins for certain: an address that is computed as such."""
    perhaps: set[int]
    """What functions that run may take for an address: every number in them."""
    pointers: list[tuple[int, int]]
    """Addresses that stand in the data: where, and what address."""


def unread(module: bytes, runs: set[int]) -> list[tuple[int, int]]:
    """Return the long parts of `module`'s constants that no function in `runs` can find.

    What begins at an address that such a function names is read, to where the next thing begins; so
    is what begins at an address that stands in what is read. Constants are what lies before the
    first pointer. Each part is its first and last byte.
    """
    names = named(module, runs)
    end = min(where for where, _ in names.pointers)
    begins = sorted({0, end} | {address for address in names.exact if address >= 0})

    def thing(address: int) -> int:
        return bisect.bisect_right(begins, address) - 1

    leads: dict[int, set[int]] = {}
    for where, address in names.pointers:
        leads.setdefault(thing(where), set()).add(thing(address))
    reached: set[int] = set()
    ahead = {thing(address) for address in names.perhaps if address >= 0}
    while ahead:
        reached |= ahead
        ahead = {other for one in ahead for other in leads.get(one, ())} - reached
    reached.add(thing(end))
    found, first = [], 0
    for i in sorted(each for each in reached if begins[each] <= end):
        if begins[i] - begins[first] >= LONG:
            found.append((begins[first] + MARGIN, begins[i] - MARGIN - 1))
        first = i + 1
    return found


def named(module: bytes, runs: set[int]) -> Named:
    """Return the addresses that `module` names, if the functions in `runs` are those that run."""
    parts = dict(wasm.sections(module))
    values = list(_globals(parts[wasm.GLOBALS]))
    own = _imported_globals(parts[wasm.IMPORTS])  # the number of the module's first own global
    exported = set(_exported(parts[wasm.EXPORTS], values, own))  # libraries and JavaScript see them
    result = Named(set(exported), exported, [])
    for i, body in enumerate(wasm.entries(parts[wasm.CODE])):
        if pointers := _pointers(body, values, own):
            result.pointers.extend(pointers)
            result.exact.update(address for _, address in pointers)
            continue
        before = last = Instruction(0)
        for each in wasm.instructions(body):
            if each.code == wasm.GLOBAL_GET and each.value >= own:
                result.exact.add(values[each.value - own])
                if i in runs:
                    result.perhaps.add(values[each.value - own])
            if i in runs and (each.code == wasm.I32_CONST or each.code in wasm.TWO):
                result.perhaps.add(each.value)
            if each.code in SIGNS and before == BASE and last.code == wasm.I32_CONST:
                result.exact.add(SIGNS[each.code] * last.value)
            before, last = last, each
    return result


SIGNS = {wasm.I32_ADD: 1, wasm.I32_SUB: -1}


def _globals(content: bytes) -> Iterator[int]:
    """Read the initial values of a module's own globals, each a number."""
    reader = Reader(content)
    for _ in range(reader.number()):
        reader.take(2)
        if reader.byte() != wasm.I32_CONST:
            raise ValueError("a global that is no number of 32 bits")
        yield reader.signed()
        reader.byte()


def _imported_globals(content: bytes) -> int:
    """Return how many globals a module imports."""
    reader = Reader(content)
    count = 0
    for _ in range(reader.number()):
        reader.take(reader.number())
        reader.take(reader.number())
        kind = reader.byte()
        count += kind == 3
        if kind == 0:
            reader.number()
        elif kind == 3:
            reader.take(2)
        elif kind == 4:
            reader.byte()
            reader.number()
        else:  # a table, of some type, or a memory; and how large
            reader.take(int(kind == 1))
            for _ in range(1 + (reader.byte() & 1)):
                reader.number()
    return count


def _exported(content: bytes, values: list[int], own: int) -> Iterator[int]:
    """Read the values of the globals that a module exports."""
    reader = Reader(content)
    for _ in range(reader.number()):
        reader.take(reader.number())
        kind, number = reader.byte(), reader.number()
        if kind == 3:
            yield values[number - own]


def _pointers(body: bytes, values: list[int], own: int) -> list[tuple[int, int]]:
    """Return what a function does that only puts addresses into the data; of another, nothing."""
    found = []
    reader = Reader(body, 1)

    def address() -> tuple[int, int]:
        """Read a global and, if there is one, the number that is added."""
        number, offset = reader.number(), 0
        if body[reader.at] == wasm.I32_CONST:
            reader.byte()
            offset = reader.signed()
            offset *= SIGNS.get(reader.byte(), 0)
        return number, offset

    while body[reader.at] == wasm.GLOBAL_GET:
        reader.byte()
        base, where = address()
        if base != 0 or reader.byte() != wasm.GLOBAL_GET:
            return []
        number, value = address()
        if reader.byte() != wasm.I32_STORE:
            return []
        reader.number()
        where += reader.number()
        if number == 0 or number >= own:
            found.append((where, value if number == 0 else values[number - own] + value))
    return found if body[reader.at] == wasm.END else []
