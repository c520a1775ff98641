"""What the page's Python has done before its memory is stored: see snapshot.mjs.

All modules of the page are imported, its programs are compiled, the network is loaded and has read
a drawing. Restored, it reads that drawing again: whoever gets another answer must not trust the
memory.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import CodeType, ModuleType
from typing import Any

import _pyodide._base
import pyodide._package_loader
import pyodide.code

from nn import Recognizer
from nn.prepared import Prepared

KNOWN = [[[80.0, 70.0], [140.0, 66.0], [200.0, 70.0], [160.0, 140.0], [140.0, 220.0]]]
"""A seven."""

recognizer = Recognizer.load()


def answer() -> str:
    """Return the reading of the known drawing, all its probabilities included."""
    digits = recognizer.read(KNOWN).to_dict()["digits"]
    return json.dumps([[digit["symbol"], digit["probabilities"]] for digit in digits])


class CompiledFinder:
    """Finds modules whose code is there already; packages are those with others in them."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.codes: dict[str, CodeType] = {
            name: compile(source, f"<{name}>", "exec", dont_inherit=True)
            for name, source in sources.items()
        }

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module `name`."""
        if name not in self.codes:
            return None
        is_package = any(other.startswith(f"{name}.") for other in self.codes)
        return spec_from_loader(name, self, is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        exec(self.codes[module.__name__], module.__dict__)


def compiled(program: str) -> Any:
    """Return the program, to be run; without its syntax tree, which is large to send."""
    runner = pyodide.code.CodeRunner(program).compile()
    del runner.ast
    return runner


def remember(programs: Mapping[str, Any]) -> None:
    """Compile what PyScript will run, so that it need not be compiled at each visit.

    `programs["main"]` is the page's program. `programs["library"]` is the one with which PyScript
    writes its own modules to files, to import them: they are `programs["modules"]`, and are found
    without files then. `programs["starts"]` are the lines that Pyodide and PyScript run as they
    start. Any other program runs as it would. To compile any takes long, for a browser compiles
    Python's compiler first.
    """
    run_now = _pyodide._base.eval_code
    starts = {line: compiled(line) for line in programs["starts"]}

    @functools.wraps(run_now)
    def eval_code(source: str, *names: Any, **options: Any) -> Any:
        start = starts.get(source)
        if start and options.keys() <= {"globals", "locals"}:  # with others it is somebody else's
            return start.run(*names, **options)
        return run_now(source, *names, **options)

    _pyodide._base.eval_code = pyodide.code.eval_code = eval_code
    run = pyodide.code.eval_code_async
    main = compiled(programs["main"])
    finder = CompiledFinder(programs["modules"])
    known = {programs["main"].strip(): False, programs["library"].strip(): True}

    async def eval_code_async(source: str, *arguments: Any, **options: Any) -> Any:
        is_library = known.get(source.strip())
        if is_library is None:
            return await run(source, *arguments, **options)
        if not is_library:
            return await main.run_async(options.get("globals"), options.get("locals"))
        sys.meta_path.insert(0, finder)
        importlib.import_module("pyscript")
        return None

    pyodide.code.eval_code_async = eval_code_async


def prepare(names: str, programs: str) -> str:
    """Import the modules, one a line; compile the programs, in JSON; return the known answer."""
    remember(json.loads(programs))
    pyodide._package_loader.init_loaded_packages = lambda: None  # there are none to be found
    for name in names.split():
        with contextlib.suppress(ImportError):  # some are there for others alone
            importlib.import_module(name)
    found = answer()
    recognizer.network = Prepared(recognizer.model)  # what a reading prepares is large to send
    if random := sys.modules.get("random"):
        random.seed(0)  # the same memory from build to build
    gc.collect()
    return found


def wake() -> str:
    """Make what must differ from visit to visit differ; return the known answer."""
    if random := sys.modules.get("random"):
        random.seed()
    return answer()
