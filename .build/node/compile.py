"""Compile every .py file below /modules to a .pyc below /out, without documentation and, of the
project's own functions, types.

A visitor's Python shows nobody its docstrings, which are a third of NumPy's modules. They are not
removed but empty: NumPy computes with some of them. Nor does it know the lines of what is not the
project's own: an error there is told with the functions that it went through.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
from pathlib import Path
from types import CodeType

UNCHECKED_HASH = 0b01  # the .pyc is good whatever became of its source: PEP 552
ROOT, OUT = Path("/modules"), Path("/out")
OWN = "/site-packages/nn/"
NO_LINE = 0x80 | 15 << 3


def without_documentation(tree: ast.Module, name: str) -> ast.Module:
    """Return `tree`, the module at the path `name`, with all docstrings empty."""
    for node in ast.walk(tree):
        if name.endswith("/_add_newdocs.py"):  # NumPy's docstrings of what is written in C
            match node:
                case ast.Constant(str(text)) if "\n" in text:
                    node.value = ""
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str()) as docstring), *_]:
                    docstring.value = ""
    return tree


def without_types(tree: ast.Module) -> ast.Module:
    """Return `tree` without the annotations of functions: Python would keep their texts."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.returns = None
            case ast.arg():
                node.annotation = None
    return tree


def without_lines(code: CodeType) -> CodeType:
    """Return `code`, and what is defined in it, with a table that tells no line.

    It cannot be empty: tracebacks look every instruction up. An entry without a line is a byte, and
    stands for up to eight code units of two bytes (CPython's InternalDocs/code_objects.md).
    """
    full, rest = divmod(len(code.co_code) // 2, 8)
    table = bytes([NO_LINE | 7] * full + [NO_LINE | rest - 1] * (rest > 0))
    constants = (
        without_lines(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_linetable=table, co_consts=tuple(constants))


def compiled(path: Path) -> bytes:
    """Return the .pyc of the module at `path`."""
    source = path.read_bytes()
    name = f"/{path.relative_to(ROOT)}"
    tree = without_documentation(ast.parse(source, name), name)
    if OWN in name:
        tree = without_types(tree)
    code = compile(tree, name, "exec", dont_inherit=True)
    if OWN not in name:
        code = without_lines(code)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")
    return head + importlib.util.source_hash(source) + marshal.dumps(code)


for path in sorted(ROOT.rglob("*.py")):
    target = OUT / path.relative_to(ROOT).with_suffix(".pyc")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(compiled(path))
