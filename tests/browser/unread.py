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
    """Where something begins: an address that is computed as such."""
    perhaps: set[int]
    """What functions that run may take for an address: every number in them."""
    pointers: list[tuple[int, int]]
    """Addresses that stand in the data: where, and what address."""
    end: int
    """Where the first address of any kind stands, a function's included."""


def unread(module: bytes, runs: set[int]) -> list[tuple[int, int]]:
    """Return the long parts of `module`'s constants that no function in `runs` names.

    What such a function names is taken for read: what the address lies in, to where the next thing
    begins, and what begins shortly after it, since an index that does not begin at 0 is folded into
    the address. So is what an address leads to that stands in what is read. Constants are what lies
    before the first address. Each part is its first and last byte.

    It is no proof: a table of which only functions that never ran name a later part would count as
    two. Look at what lies at the edges when the core is another.
    """
    names = named(module, runs)
    end = names.end
    begins = sorted({0, end} | {address for address in names.exact if address >= 0})

    def thing(address: int) -> int:
        return bisect.bisect_right(begins, address) - 1

    leads: dict[int, set[int]] = {}
    for where, address in names.pointers:
        leads.setdefault(thing(where), set()).add(thing(address))
    reached: set[int] = set()
    ahead = {
        each
        for address in names.perhaps
        for each in range(thing(max(address, 0)), thing(max(address, 0) + MARGIN) + 1)
    }
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
    exact, perhaps, pointers, ends = set(exported), exported, list[tuple[int, int]](), []
    for i, body in enumerate(wasm.entries(parts[wasm.CODE])):
        if found := list(_pointers(body, values, own)):
            ends.append(min(where for where, _ in found))
            pointers += [(where, address) for where, address in found if address is not None]
            exact.update(address for _, address in pointers)
            continue
        before = last = Instruction(0)
        for each in wasm.instructions(body):
            if each.code == wasm.GLOBAL_GET and each.value >= own:
                exact.add(values[each.value - own])
                if i in runs:
                    perhaps.add(values[each.value - own])
            if i in runs and (each.code == wasm.I32_CONST or each.code in wasm.TWO):
                perhaps.add(each.value)
            if each.code in SIGNS and before == BASE and last.code == wasm.I32_CONST:
                exact.add(SIGNS[each.code] * last.value)
            before, last = last, each
    return Named(exact, perhaps, pointers, min(ends))


def changing(module: bytes) -> set[int]:
    """Return the functions that use a global of the module's own which is changed in its life.

    Each half has its own copy of such a global: these functions must be in the same half.
    """
    parts = dict(wasm.sections(module))
    own = _imported_globals(parts[wasm.IMPORTS])
    start = Reader(parts[wasm.START]).number() - _imported(parts[wasm.IMPORTS])[0]
    users: dict[int, set[int]] = {}
    changed = set()
    for i, body in enumerate(wasm.entries(parts[wasm.CODE])):
        for each in wasm.instructions(body):
            if each.code in (wasm.GLOBAL_GET, wasm.GLOBAL_SET) and each.value >= own:
                users.setdefault(each.value, set()).add(i)
                if each.code == wasm.GLOBAL_SET and i != start:
                    changed.add(each.value)
    return {i for number in changed for i in users[number]} - {start}


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
    return _imported(content)[3]


def _imported(content: bytes) -> list[int]:
    """Return how many functions, tables, memories, globals and tags a module imports."""
    reader = Reader(content)
    counts = [0] * 5
    for _ in range(reader.number()):
        reader.take(reader.number())
        reader.take(reader.number())
        kind = reader.byte()
        counts[kind] += 1
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
    return counts


def _exported(content: bytes, values: list[int], own: int) -> Iterator[int]:
    """Read the values of the globals that a module exports."""
    reader = Reader(content)
    for _ in range(reader.number()):
        reader.take(reader.number())
        kind, number = reader.byte(), reader.number()
        if kind == 3:
            yield values[number - own]


def _pointers(body: bytes, values: list[int], own: int) -> list[tuple[int, int | None]]:
    """Return what a function does that only puts addresses into the data; of another, nothing.

    Where, and what address: None for a function's.
    """
    found: list[tuple[int, int | None]] = []
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
        known = number == 0 or number >= own
        offset = values[number - own] if number >= own else 0
        found.append((where, value + offset if known else None))
    return found if body[reader.at] == wasm.END else []
