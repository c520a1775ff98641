"""WebAssembly modules as far as `functions_used.py` looks into them.

The format: https://webassembly.github.io/spec/core/binary/index.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"\0asm\1\0\0\0"
CUSTOM, TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS = range(8)
START, CODE, DATA = 8, 10, 11

# Instructions that are looked for.
END, GLOBAL_GET, GLOBAL_SET, I32_STORE = 0x0B, 0x23, 0x24, 0x36
I32_CONST, I32_ADD, I32_SUB = 0x41, 0x6A, 0x6B
# The others by what follows them. One number: branches, calls, variables, exceptions, references.
ONE = {0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0C, 0x0D, 0x10, 0x12, 0x18, 0x20, 0x21, 0x22}
ONE |= {GLOBAL_GET, GLOBAL_SET, 0x25, 0x26, 0x3F, 0x40, I32_CONST, 0x42, 0xD0, 0xD2}
TWO = {0x11, 0x13, *range(0x28, 0x3F)}
BULK = {8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}


class Reader:
    """Takes numbers and pieces, one after the other."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content, self.at = content, at

    def byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def number(self) -> int:
        """Take an unsigned number in LEB128."""
        return self._number()[0]

    def signed(self) -> int:
        """Take a signed number in LEB128."""
        value, bits = self._number()
        return value - (1 << bits) if value >> (bits - 1) else value

    def _number(self) -> tuple[int, int]:
        value = bits = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << bits
            bits += 7
            if byte < 0x80:
                return value, bits

    def take(self, size: int) -> bytes:
        self.at += size
        return self.content[self.at - size : self.at]


def encoded(value: int) -> bytes:
    """Return an unsigned number in LEB128."""
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def long(value: int) -> bytes:
    """Return a number in five bytes, which can be read as signed too."""
    return bytes(value >> bits & 0x7F | (0x80 if bits < 28 else 0) for bits in range(0, 35, 7))


def sized(content: bytes) -> bytes:
    """Return `content` with its length before it."""
    return encoded(len(content)) + content


def sections(module: bytes) -> list[tuple[int, bytes]]:
    """Return the sections of a module: number and content."""
    reader = Reader(module, len(MAGIC))
    found = []
    while reader.at < len(module):
        found.append((reader.byte(), reader.take(reader.number())))
    return found


def entries(code: bytes) -> list[bytes]:
    """Return the function bodies of a code section."""
    reader = Reader(code)
    return [reader.take(reader.number()) for _ in range(reader.number())]


def locals_end(body: bytes) -> int:
    """Return where a body's instructions begin."""
    reader = Reader(body)
    for _ in range(reader.number()):
        reader.number(), reader.byte()
    return reader.at


@dataclass(frozen=True)
class Instruction:
    """One instruction with the last of the numbers that follow it."""

    code: int
    value: int = 0


def instructions(body: bytes) -> Iterator[Instruction]:
    """Read the instructions of a function's body. Raises ValueError at one that is not known."""
    reader = Reader(body, locals_end(body))
    while reader.at < len(body):
        code = reader.byte()
        value = 0
        if code in ONE:
            value = reader.signed() if code in (I32_CONST, 0x42) else reader.number()
        elif code in TWO:
            value = [reader.number(), reader.number()][1]
        elif code in (0x0E, 0x1C):  # br_table, select with types
            for _ in range(reader.number() + (code == 0x0E)):
                reader.number()
        elif code in (0x43, 0x44):  # floats
            reader.take(4 if code == 0x43 else 8)
        elif code == 0xFC:
            for _ in range(BULK.get(reader.number(), 0)):
                reader.number()
        elif code == 0xFD:
            _skip_vector(reader)
        elif code > 0xC4 and code != 0xD1:
            raise ValueError(f"unknown instruction {code:#x}")
        yield Instruction(code, value)


def _skip_vector(reader: Reader) -> None:
    """Skip what follows the prefix of a SIMD instruction."""
    code = reader.number()
    if code <= 11 or 84 <= code <= 93:
        reader.number(), reader.number()
        reader.take(int(84 <= code <= 91))
    elif code in (12, 13):
        reader.take(16)
    elif 21 <= code <= 34:
        reader.byte()
