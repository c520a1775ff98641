"""Assemble the static site: Python's browser runtime, the `nn` package, icons and the page.

    python build.py                 fills site/generated/, so that site/ can be served as it is
    python build.py --out DIR       writes a complete copy of the site to DIR, for any static host
    python build.py --out DIR --url URL     tells its address, so that links to it get a preview
    python build.py --no-snapshot   lets Python start anew at each visit
    python build.py --stock         leaves Python's runtime as it comes: slower, needs no Node.js

The browser's Python is cut to the modules that `runtime.modules.txt` lists, compiled to bytecode by
that very Python, and Pyodide's core to what these and the page can reach. Its WebAssembly is cut in
halves: functions that `runtime.functions.txt` lists, and the others. What is left out lies beside,
for when it is needed after all. Then that Python is started, with all that the
page needs, and its memory is stored: where the line is fast, visitors get that memory instead of
starting it themselves.

Third-party files come from where `runtime.lock.json` says, and only bytes with the SHA-256 that
stands there are used. Sources are tried in order: the local cache, the CDN, and the clients of the
package managers. The same input always gives the same bytes; an interrupted build changes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / ".build"))  # the build's parts: a hidden folder is no package

from archives import as_module, pack_tar  # noqa: E402
from editor import mend_editor  # noqa: E402
from errors import BuildError, say  # noqa: E402
from fetcher import Fetcher  # noqa: E402
from icons import icons  # noqa: E402
from lock import LOCK_FILE, read_lock  # noqa: E402
from network import pack_nn  # noqa: E402
from output import refuse_to_overlap, refuse_to_overwrite, turn, write_directory  # noqa: E402
from preview import PICTURE, site_address, with_tags  # noqa: E402
from programs import FUNCTIONS_FILE, Programs  # noqa: E402
from runtime import (  # noqa: E402
    MODULES_FILE,
    cut_runtime,
    library,
    module_name,
    numpy_only,
    read_modules,
    snapshot_files,
)

__all__ = [  # what tests and benchmarks take from here, whichever part has it
    "FUNCTIONS_FILE",
    "MODULES_FILE",
    "NOT_PRECACHED",
    "ROOT",
    "BuildError",
    "as_module",
    "build_site",
    "cache_directory",
    "describe",
    "main",
    "module_name",
    "pack_tar",
    "read_modules",
]

NOT_PRECACHED = {
    "api.css",  # about the server, and of no use without it
    "api.html",
    "openapi.json",
    "sw.js",
    "generated/manifest.json",
    "generated/precache.js",
    "generated/pyscript/LICENSE",
    PICTURE,  # for other sites
}
CORE = (
    "pyodide.mjs",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)


def hand_written(site: Path) -> dict[str, bytes]:
    """Return the page's own files by their path below `site`, without hidden and generated ones."""
    paths = (path.relative_to(site) for path in sorted(site.rglob("*")) if path.is_file())
    return {
        path.as_posix(): (site / path).read_bytes()
        for path in paths
        if path.parts[0] != "generated" and not any(part.startswith(".") for part in path.parts)
    }


def describe(files: Mapping[str, bytes], fallback: Collection[str] = ()) -> dict[str, Any]:
    """List what a page needs to work offline; the version changes when any of these bytes does.

    The paths in `fallback` are listed apart: pages ask for them only when something goes wrong.
    """
    listed = [
        {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for path, data in sorted(files.items())
        if path not in NOT_PRECACHED
    ]
    version = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return {
        "version": version,
        "files": [entry for entry in listed if entry["path"] not in fallback],
        "fallback": [entry for entry in listed if entry["path"] in fallback],
    }


def build_site(
    root: Path = ROOT,
    out: Path | None = None,
    *,
    cache: Path | None = None,
    offline: bool = False,
    stock: bool = False,
    whole: bool = False,
    split: bool = True,
    snapshot: bool = True,
    url: str | None = None,
) -> dict[str, Any]:
    """Build the site of the project at `root`: into site/generated/, or complete into `out`.

    `stock` leaves Python's runtime as it comes; `whole` compiles it with every module, and only
    its core is trimmed; without `split`, its WebAssembly stays in one piece; without `snapshot`, no
    memory is stored. `url` is the address that `out` will have. Returns the manifest that it wrote.
    Raises BuildError, and then whatever was there is untouched.
    """
    target = (out or root / "site" / "generated").resolve()
    if url is not None:
        url = site_address(url)
        if not out:
            raise BuildError(
                "--url: the address is written into copies of the pages; add --out DIR"
            )
    if out:
        refuse_to_overlap(target, root)
    with turn(target):
        if out:
            refuse_to_overwrite(target, NOT_PRECACHED)
        kind = Kind(stock, whole, split and not whole, snapshot and not whole)
        files, manifest = _assemble(root, cache or cache_directory(), offline, kind, url)
        prefix = "" if out else "generated/"
        write_directory(
            target,
            {p.removeprefix(prefix): data for p, data in files.items() if p.startswith(prefix)},
        )
    return manifest


class Kind(NamedTuple):
    """Which runtimes a site gets: see `build_site`."""

    stock: bool
    whole: bool
    split: bool
    snapshot: bool


def _assemble(
    root: Path, cache: Path, offline: bool, kind: Kind, url: str | None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of the site by their path, and its manifest."""
    runtime, tools = read_lock(root / LOCK_FILE)
    files = hand_written(root / "site")
    if url:
        files[PICTURE] = (root / ".github" / "screenshots" / "preview-light.png").read_bytes()
        for name in [path for path in files if path.endswith(".html")]:
            files[name] = with_tags(files[name], name, url, files[PICTURE])
    files["generated/nn.zip"] = pack_nn(root / "nn")
    files |= {f"generated/icons/{name}": data for name, data in icons().items()}
    fetcher = Fetcher(runtime, tools, cache, offline=offline)
    for file in runtime:
        files[f"generated/{file.path}"] = fetcher.fetch(file)
    files |= mend_editor(files)
    files["generated/pyodide/pyodide-lock.json"] = numpy_only(
        files["generated/pyodide/pyodide-lock.json"]
    )
    fallback: set[str] = set()
    if kind.stock:
        page = files["index.html"]  # it asks for the core early
        files["index.html"] = page.replace(b"pyodide/core.wasm", b"pyodide/pyodide.asm.wasm")
    else:
        cut, fallback = _cut(files, root, cache, fetcher, kind)
        files |= cut
    # Some hosts, nginx as it comes, do not know .mjs, and browsers run no module of another type.
    files = {published(path): data for path, data in files.items()}
    manifest = describe(files, {published(path) for path in fallback})
    text = json.dumps(manifest, indent=1)
    files["generated/manifest.json"] = f"{text}\n".encode()
    files["generated/precache.js"] = f"self.PRECACHE = {text};\n".encode()
    return files, manifest


def _cut(
    files: Mapping[str, bytes], root: Path, cache: Path, fetcher: Fetcher, kind: Kind
) -> tuple[dict[str, bytes], set[str]]:
    """Return the cut runtime's files by their path, and the paths that only its failure asks for.

    `files` are those of the site so far, the stock runtime among them.
    """
    core = {name: files[f"generated/pyodide/{name}"] for name in CORE}
    (wheel,) = (path for path in files if re.search(r"/numpy-[^/]*\.whl$", path))
    compiled = {
        path: data
        for path, data in library(core["python_stdlib.zip"], files[wheel], "python").items()
        if path.endswith(".so")
    }
    programs = Programs(root, core, fetcher, cache)
    trimmed = programs.trim(compiled)
    made = {"generated/pyodide/core.mjs": trimmed["core.mjs"]}
    cut = cut_runtime(root, core, files[wheel], programs, whole=kind.whole)
    libraries = {path: data for path, data in cut.items() if path.endswith(".so")}
    modules = {path: data for path, data in cut.items() if path not in libraries}
    native = {"core.wasm": trimmed["pyodide.asm.wasm"], **libraries}
    if kind.split:
        halves = programs.split({PurePosixPath(path).name: native[path] for path in native})
        native = {path: halves[PurePosixPath(path).name] for path in native}
        rest = {path: data for path, data in halves.items() if path.startswith("rest/")}
        made |= {f"generated/{path}": data for path, data in rest.items()}
    made["generated/pyodide/core.wasm"] = native.pop("core.wasm")
    made["generated/libraries.wasm"] = as_module(pack_tar(native))
    made["generated/python.wasm"] = as_module(pack_tar(modules))
    if kind.snapshot:
        try:
            trimmed_core = {name: trimmed.get(name, data) for name, data in core.items()}
            scripts = (p for p in files if re.search(r"pyscript/core[^/]*\.js$", p))
            run = {PurePosixPath(p).name: files[p] for p in ["engine.py", *scripts]}
            taken = programs.take_snapshot(trimmed_core, cut, run)
            snapshot = snapshot_files(cut, taken)
            made["generated/snapshot.wasm"] = as_module(pack_tar(snapshot))
        except BuildError as error:
            say(f"going on without a stored memory, which only makes the page slower: {error}")
    programs.prune()
    fallback = {wheel, "generated/nn.zip", "generated/snapshot.wasm"} | {
        f"generated/pyodide/{name}" for name in CORE
    }
    return made, fallback


def published(path: str) -> str:
    """Return where a file lies on the site: every host knows the ending .js."""
    return re.sub(r"\.mjs$", ".js", path)


def cache_directory() -> Path:
    """Return where downloads are kept: $DIGITS_CACHE, else `digits` in the user's cache.

    Raises BuildError for a user without a home, as a program in a container may have.
    """
    if chosen := os.environ.get("DIGITS_CACHE"):
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "digits"
    except RuntimeError as error:
        raise BuildError(
            "this user has no home folder to keep downloads in; name a folder for them in the "
            "environment: DIGITS_CACHE=FOLDER"
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Build as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the complete site to DIR")
    parser.add_argument("--url", help="the address that DIR will have, for previews of links to it")
    parser.add_argument(
        "--offline", action="store_true", help="use the cache alone ($DIGITS_CACHE chooses it)"
    )
    parser.add_argument(
        "--stock", action="store_true", help="leave Python's runtime as it comes: starts slower"
    )
    parser.add_argument(
        "--no-snapshot", action="store_true", help="let Python start anew at each visit: slower"
    )
    options = parser.parse_args(argv)
    told_to_end = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as by Ctrl-C
    try:
        manifest = build_site(
            out=options.out,
            offline=options.offline,
            stock=options.stock,
            snapshot=not options.no_snapshot,
            url=options.url,
        )
    except KeyboardInterrupt:
        say("stopped")
        return 130
    except (BuildError, OSError) as error:
        say(f"error: {error}")
        return 1
    finally:
        signal.signal(signal.SIGTERM, told_to_end)
    total = sum(entry["size"] for entry in manifest["files"]) / 1e6
    say(
        f"{options.out or 'site'} is complete: {len(manifest['files'])} files, {total:.1f} MB, "
        f"version {manifest['version'][:12]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
