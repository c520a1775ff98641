"""Who may know whom: the rules that keep `nn` small enough to ship, and its parts apart."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"nn", "train", "server", "build", "tests"}
# The modules of build.py and of server.py, which put the folders of these on the path.
BUILD = {path.stem for path in ROOT.glob(".build/*.py")}
SERVER = {path.stem for path in ROOT.glob(".server/*.py")}
FOR_BUILD = {"nn", "PIL"}
FOR_SERVER = {"nn", "numpy", "PIL", "flask", "threadpoolctl", "brotli", "waitress", "werkzeug"}
# What each part may import beside the standard library.
ALLOWED = {
    "nn": {"nn", "numpy"},
    "train": {"train", "nn", "numpy", "pandas", "PIL", "tqdm", "threadpoolctl"},
    "server.py": FOR_SERVER | SERVER,
    ".server": FOR_SERVER | SERVER,
    "build.py": FOR_BUILD | BUILD,
    ".build": FOR_BUILD | BUILD,
    ".build/node": {"nn", "pyodide", "_pyodide"},  # for the page's Python
    "site": {"nn", "numpy", "pyscript", "js", "pyodide"},
}
# What is used where it is installed, and imported only inside the functions that need it.
OPTIONAL = {"train": {"cupy", "dask", "joblib", "onnx", "onnxruntime", "tensorboard"}}


def python_files(part: str) -> list[Path]:
    """Return the modules of a part, without those of a part within it."""
    path = ROOT / part
    if path.is_file():
        return [path]
    within = [ROOT / other for other in ALLOWED if other.startswith(f"{part}/")]
    return sorted(
        found for found in path.rglob("*.py") if not any(map(found.is_relative_to, within))
    )


def imported(path: Path, *, inside_functions: bool = True) -> Iterator[str]:
    """Yield the full name of each module that `path` imports."""
    todo: list[ast.AST] = [ast.parse(path.read_text("utf-8"), str(path))]
    while todo:
        node = todo.pop(0)
        if inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path: Path, **options: bool) -> set[str]:
    """Return the packages that `path` imports, without those of the standard library."""
    names = imported(path, **options)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_it_may(part: str) -> None:
    files = python_files(part)
    assert files
    for path in files:
        assert packages(path) <= ALLOWED[part] | OPTIONAL.get(part, set()), path
        assert packages(path, inside_functions=False) <= ALLOWED[part], path


def test_the_build_knows_of_the_network_only_its_weights() -> None:
    files = [path for part in ("build.py", ".build") for path in python_files(part)]
    names = {name for path in files for name in imported(path) if name.startswith("nn")}
    assert names == {"nn.weights"}


def test_no_module_of_the_build_or_the_server_hides_another() -> None:
    """They lie on the path beside all others, and in the tests beside each other."""
    assert BUILD
    assert SERVER
    assert not BUILD & SERVER
    assert not (BUILD | SERVER) & (OURS | sys.stdlib_module_names)


def test_the_network_loads_nothing_but_numpy_and_the_standard_library() -> None:
    program = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import nn\n"
        "nn.Recognizer.load().read([[(0, 0), (0, 9)]])\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - sys.stdlib_module_names <= {"nn", "numpy"}


# Cells of a notebook, which act one after the other: to be run, not imported.
NOTEBOOKS = {ROOT / "train/tour.py"}


def folder(part: str) -> Path:
    """Return where `import` finds a part: a hidden folder is no package, but on the path."""
    return ROOT / part if part.startswith(".") else ROOT


def modules(part: str) -> list[str]:
    """Name the modules of a part as `import` does; site/ holds scripts, not modules."""
    return [
        ".".join(path.relative_to(folder(part)).with_suffix("").parts).removesuffix(".__init__")
        for path in python_files(part)
        if path not in NOTEBOOKS
    ]


@pytest.mark.parametrize("part", ["nn", "train", "server.py", ".server", "build.py", ".build"])
def test_importing_never_acts(part: str) -> None:
    """No module parses arguments, prints, writes or starts a thread when it is imported."""
    program = (
        "import importlib, os, sys, threading\n"
        "sys.argv = ['program', '--no-such-option']\n"
        f"sys.path.insert(0, {str(folder(part))!r})\n"
        f"for name in {modules(part)!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("part", ALLOWED)
def test_each_module_says_first_what_it_is(part: str) -> None:
    for path in python_files(part):
        text = path.read_text("utf-8")
        a_cell = path.parent.name == "cells"  # text for visitors to change, not a module
        assert text.startswith("# ") if a_cell else ast.get_docstring(ast.parse(text)), path


def javascript_imports() -> dict[str, set[str]]:
    """Map each hand-written script to the hand-written modules that it imports."""
    comment = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
    module = re.compile(r"""\b(?:from|import)\s*\(?\s*['"]\./([\w-]+\.js)['"]""")
    return {
        path.name: set(module.findall(comment.sub("", path.read_text("utf-8"))))
        for path in (ROOT / "site").glob("*.js")
    }


def test_on_the_page_only_the_app_knows_both_the_pad_and_the_engine() -> None:
    graph = javascript_imports()
    assert {"pad.js", "engine.js"} <= graph["app.js"]
    for name in graph.keys() - {"app.js"}:
        assert not reaches_both(name, graph), name


def reaches_both(start: str, graph: dict[str, set[str]]) -> bool:
    reached, todo = {start}, [start]
    while todo:
        new = graph.get(todo.pop(), set()) - reached
        reached |= new
        todo += new
    return {"pad.js", "engine.js"} <= reached


def test_each_script_of_the_page_says_first_what_it_is() -> None:
    for path in (ROOT / "site").glob("*.js"):
        assert re.match(r"// [A-Z].*[.:,]?$", path.read_text("utf-8").splitlines()[0]), path
