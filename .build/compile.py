"""Compile every .py file below /modules to a .pyc beside it, without documentation.

A visitor's Python shows nobody its docstrings, which are a third of NumPy's modules. They are not
removed but empty: NumPy computes with some of them.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
from pathlib import Path

UNCHECKED_HASH = 0b01  # the .pyc is good whatever became of its source: PEP 552
ROOT = Path("/modules")


def without_documentation(tree: ast.Module, name: str) -> ast.Module:
    """Return `tree`, the module at the path `name`, with all docstrings empty."""
    for node in ast.walk(tree):
        if name.endswith("/_add_newdocs.py"):  # NumPy's docstrings of what is written in C
            match node:
                case ast.Constant(str(text)) if "\n" in text:
                    node.value = ""
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str()) as text), *_]:
                    text.value = ""
    return tree


def compiled(path: Path) -> bytes:
    """Return the .pyc of the module at `path`."""
    source = path.read_bytes()
    name = f"/{path.relative_to(ROOT)}"
    code = compile(
        without_documentation(ast.parse(source, name), name), name, "exec", dont_inherit=True
    )
    head = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")
    return head + importlib.util.source_hash(source) + marshal.dumps(code)


for path in sorted(ROOT.rglob("*.py")):
    path.with_suffix(".pyc").write_bytes(compiled(path))
