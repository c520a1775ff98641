"""The programs of .build/node, and what they made before of the same input."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from archives import pack_tar, read_tar
from cache import keep
from commands import call
from errors import BuildError, say
from fetcher import Fetcher

FUNCTIONS_FILE = "runtime.functions.txt"
FOLDER = ".build/node"
CORE_USERS = ("site/runtime.js", "site/libraries.js", f"{FOLDER}/snapshot.mjs")
KEPT_UNUSED = 30 * 86400  # seconds
PROGRAM_TIMEOUT = 600  # seconds that a program may take; here each takes some


class Programs:
    """Runs programs of .build/node, each in a folder with Pyodide's core and its input.

    What they write is kept in the cache, under the SHA-256 of all that lay in that folder.
    """

    def __init__(
        self, root: Path, core: Mapping[str, bytes], fetcher: Fetcher, cache: Path
    ) -> None:
        self.root, self.core, self.fetcher, self.cache = root, core, fetcher, cache / "made"

    def compile(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the .pyc of each .py in `sources`, by its path with that suffix."""
        return self._run("compile.mjs", {"compile.py": self._own(f"{FOLDER}/compile.py")}, sources)

    def trim(self, libraries: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return `pyodide.asm.js`, `pyodide.asm.wasm` and `core.mjs` of the trimmed core.

        All compiled `libraries` can be loaded into it.
        """
        users = {f"users/{PurePosixPath(name).name}": self._own(name) for name in CORE_USERS}
        for name in ("quicken.mjs", "wasm.mjs"):
            users[name] = self._own(f"{FOLDER}/{name}")
        return self._run("trim.mjs", users, libraries)

    def split(self, modules: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return WebAssembly `modules` without what visits were not seen to run; that as rest/…."""
        beside = {
            "wasm.mjs": self._own(f"{FOLDER}/wasm.mjs"),
            "seen.txt": self._own(FUNCTIONS_FILE),
        }
        return self._run("split.mjs", beside, modules)

    def take_snapshot(
        self,
        core: Mapping[str, bytes],
        runtime: Mapping[str, bytes],
        programs: Mapping[str, bytes],
    ) -> dict[str, bytes]:
        """Return the memory of a `core` with the file system `runtime`, and what restores it.

        `programs` are what it will run: engine.py, and PyScript's scripts with Python in them.
        """
        beside = {
            "prepare.py": self._own(f"{FOLDER}/prepare.py"),
            "libraries.mjs": self._own("site/libraries.js"),
            **{f"core/{name}": data for name, data in core.items()},
            **{f"programs/{name}": data for name, data in programs.items()},
        }
        return self._run("snapshot.mjs", beside, runtime)

    def _own(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def _run(
        self, program: str, beside: Mapping[str, bytes], given: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """Run a program in a folder with `beside` and, in its folder files, what is `given`."""
        files = {
            program: self._own(f"{FOLDER}/{program}"),
            **{f"core/{name}": data for name, data in self.core.items()},
            **{f"files/{path}": data for path, data in given.items()},
            **beside,
        }
        facts = [(name, hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())]
        cached = self.cache / hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        with contextlib.suppress(OSError):
            kept = cached.read_bytes()
            stated, packed = kept[:32], kept[32:]
            if hashlib.sha256(packed).digest() == stated:
                with contextlib.suppress(OSError):  # as where it belongs to somebody else
                    os.utime(cached)  # so that `prune` leaves it
                return dict(read_tar(packed))
        say(f"running {program}")
        with tempfile.TemporaryDirectory() as directory:
            work = Path(directory)
            for name, data in files.items():
                path = work / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            command, environment = self.fetcher.tool("node", work)
            try:
                whole = [*command, str(work / program), str(work)]
                call(whole, env=environment, timeout=PROGRAM_TIMEOUT)
            except BuildError as error:
                raise BuildError(
                    f"{program} failed in Node.js: {error}; --stock builds without it"
                ) from error
            out = work / "out"
            made = {
                path.relative_to(out).as_posix(): path.read_bytes()
                for path in out.rglob("*")
                if path.is_file()
            }
        packed = pack_tar(made)
        keep(cached, hashlib.sha256(packed).digest() + packed)
        return made

    def prune(self) -> None:
        """Delete what no build has used for a month, and what killed ones had begun to write."""
        with contextlib.suppress(OSError):
            for path in self.cache.iterdir():
                if time.time() - path.stat().st_mtime > KEPT_UNUSED:
                    path.unlink(missing_ok=True)
