"""Find out which functions of the runtime's WebAssembly run, by having the page do all its work.

    python -m tests.browser.functions_used            says what `runtime.functions.txt` lacks
    python -m tests.browser.functions_used --write    writes it

The work (work.py and visit.py) runs in the real page, in Chromium, on modules whose
functions note that they were called: from the stored memory, and without it. `build.py` leaves the
other functions out of what is sent first, and constants that only those read (unread.py).
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser

import build
from tests.browser import chromium, wasm
from tests.browser.drawing import ask_python, wait_for_engine
from tests.browser.hosting import static_host
from tests.browser.modules_used import (
    add_program,
    add_work,
    files_in,
    replace_file,
    wants_to_write,
    work,
)
from tests.browser.unread import changing, unread
from tests.browser.visit import visit
from tests.browser.wasm import Reader, encoded, long, sized

LIST = build.ROOT / build.FUNCTIONS_FILE
HEADER = """\
# The functions of the runtime's WebAssembly modules that the page's work was seen to run
# (`runs`), and the constants that none of them reads (`unread`, bytes of its data). A module
# is known by the SHA-256 of its code and data.
# `python -m tests.browser.functions_used --write` writes this file.
"""
CORE = "core.wasm"
SEEN = "digitsSeen"
WATCH = """
globalThis.%(seen)s = [];
const { instantiate, Instance } = WebAssembly;
const watched = (made) => {
  const names = Object.keys(made.exports ?? {});
  const own = names.find((name) => name.startsWith('seen '));
  if (!own) return made;
  const { [own]: seen, ...exports } = made.exports;
  globalThis.%(seen)s.push([own.slice(5), new Uint8Array(seen.buffer)]);
  return { exports };
};
WebAssembly.instantiate = async (module, imports) => watched(await instantiate(module, imports));
WebAssembly.Instance = function (module, imports) {
  return watched(new Instance(module, imports));
};
"""
TELL = f"""
import gc, js
gc.set_threshold(10, 10, 10)  # what is alive when memory is collected is chance: collect often
sync.seen = lambda: "\\n".join(f"{{name}} {{note.to_py().hex()}}" for name, note in js.{SEEN})
"""


def watching(name: str, module: bytes) -> bytes:
    """Return `module` with a second memory, in which each function sets a byte at its number.

    It is exported as "seen" and the module's `name`.
    """
    memory = (wasm.MEMORIES, b"\1\0\1")  # one, of one page: 65,536 functions
    parts = []
    for kind, content in wasm.sections(module):
        if kind == wasm.EXPORTS:
            reader = Reader(content)
            count = reader.number()
            content = encoded(count + 1) + content[reader.at :]
            content += sized(f"seen {name}".encode()) + b"\2\1"
        if kind == wasm.CODE:
            bodies = [_noting(i, body) for i, body in enumerate(wasm.entries(content))]
            content = encoded(len(bodies)) + b"".join(map(sized, bodies))
        if memory not in parts and kind in (wasm.GLOBALS, wasm.EXPORTS):
            parts.append(memory)  # in its place before these
        parts.append((kind, content))
    return wasm.MAGIC + b"".join(bytes([n]) + sized(content) for n, content in parts)


def _noting(number: int, body: bytes) -> bytes:
    """Return a function's body that first stores a 1 at `number` in memory 1."""
    begin = wasm.locals_end(body)
    return body[:begin] + b"\x41" + long(number) + b"\x41\1\x3a\x40\1\0" + body[begin:]


def find(browser: Browser) -> dict[str, tuple[bytes, set[int]]]:
    """Return each module by its file name, and the numbers of its functions that were called."""
    with tempfile.TemporaryDirectory() as directory:
        site = Path(directory) / "site"
        build.build_site(out=site, split=False)
        core, libraries = f"generated/pyodide/{CORE}", "generated/libraries.wasm"
        modules = {CORE: (site / core).read_bytes(), **files_in(site / libraries)}
        watched = {name: watching(name, module) for name, module in modules.items()}
        replace_file(site, core, watched.pop(CORE))
        replace_file(site, libraries, build.as_module(build.pack_tar(watched)))
        runtime = (site / "runtime.js").read_bytes()
        replace_file(site, "runtime.js", (WATCH % {"seen": SEEN}).encode() + runtime)
        add_work(site)
        add_program(site, TELL)
        called: dict[str, set[int]] = {name: set() for name in modules}
        with static_host(site) as host:
            for runtime_name in ("snapshot", "cut"):
                page = browser.new_page()
                page.goto(f"{host.url}?runtime={runtime_name}")
                wait_for_engine(page)
                work(page)
                visit(page)
                for line in ask_python(page, "seen").split("\n"):
                    name, note = line.split(" ")
                    called[name] |= {i for i, byte in enumerate(bytes.fromhex(note)) if byte}
                page.close()
        return {Path(name).name: (module, called[name]) for name, module in modules.items()}


def written(found: dict[str, tuple[bytes, set[int]]]) -> str:
    """Return the list as a text: what ran now, and what it has already of the same modules.

    Not every run calls all that may be needed: some of it depends on when memory is collected.
    """
    before = LIST.read_text("utf-8")
    lines = []
    for name, (module, called) in found.items():
        parts = dict(wasm.sections(module))
        digest = hashlib.sha256(parts[wasm.CODE] + parts[wasm.DATA]).hexdigest()
        seen = listed(name) if f"module {digest} {name}\n" in before else set()
        runs = called | changing(module) | seen
        lines.append(f"module {digest} {name}")
        spans = [f"{a}-{b}" for a, b in (unread(module, runs) if name == CORE else [])]
        for kind, values in (("unread", spans), ("runs", list(_spans(sorted(runs))))):
            text = textwrap.wrap(" ".join(values), 95, break_on_hyphens=False)
            lines += [f"{kind} {line}" for line in text]
    return HEADER + "".join(f"{line}\n" for line in lines)


def _spans(numbers: list[int]) -> Iterator[str]:
    begin = 0
    for i in range(len(numbers)):
        if i + 1 == len(numbers) or numbers[i + 1] != numbers[i] + 1:
            yield str(numbers[i]) if i == begin else f"{numbers[begin]}-{numbers[i]}"
            begin = i + 1


def spans(name: str, kind: str) -> list[tuple[int, int]]:
    """Return what the list says of the module `name`: the first and last number of each span."""
    text = LIST.read_text("utf-8").partition(f" {name}\n")[2].partition("module ")[0]
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith(kind)]
    bounds = [span.partition("-") for line in lines for span in line]
    return [(int(first), int(last or first)) for first, _, last in bounds]


def listed(name: str) -> set[int]:
    """Return the functions of the module `name` that the list has."""
    return {i for first, last in spans(name, "runs") for i in range(first, last + 1)}


def main(argv: Sequence[str] | None = None) -> int:
    """Compare or write the list as the command line asks; return the exit code."""
    is_writing = wants_to_write(__doc__, LIST, argv)
    found = chromium.of_running(find)
    if is_writing:
        LIST.write_text(written(found), "utf-8")
    differing = False
    for name, (_, runs) in found.items():
        known = listed(name)
        print(f"{name}: {len(known)} functions are listed, {len(runs)} ran, of which")
        print(f"  {len(runs - known)} are not listed: {sorted(runs - known)}")
        differing |= not runs <= known
    return int(differing)


if __name__ == "__main__":
    sys.exit(main())
