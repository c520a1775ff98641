"""The page's Python, cut to the modules that the page uses."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from errors import BuildError
from network import fitting_rehearsal
from programs import Programs

MODULES_FILE = "runtime.modules.txt"
ON_DEMAND = "site/missing.py"  # becomes sitecustomize, which Python runs at its start


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


def numpy_only(lock: bytes) -> bytes:
    """Cut Pyodide's package list to NumPy and what it depends on: visitors load nothing else."""
    full = json.loads(lock)
    wanted = ["numpy"]
    for name in wanted:
        wanted += [other for other in full["packages"][name]["depends"] if other not in wanted]
    full["packages"] = {name: full["packages"][name] for name in sorted(wanted)}
    return (json.dumps(full, sort_keys=True) + "\n").encode()
