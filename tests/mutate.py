"""Seeds a fault at a time into what decides about cells, and lists the faults that no test sees: `python tests/mutate.py [MODULE…]`.

Each fault is one change of the syntax tree: a comparison turned round, a condition that always or never holds, an `and` for an
`or`, a number off by one, a text (a regular expression, a piece of SQL) that lost its end. It is made in a copy of the package. The
few tests that see most faults run first; what gets past them meets the rest.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = ("expressions", "rules", "reference")
STAGES = (
    ("tests/test_sure.py",),
    ("tests/test_properties.py", "-k", "engine_is_sure or reference_reads"),
    ("tests/test_validate.py", "-k", "exactly and (cells or keys)"),
    ("tests/test_validate.py", "-k", "exactly and not cells and not keys"),
    ("tests/test_properties.py",),
)
LIBRARIES = ("duckdb", "frictionless", "hypothesis.strategies", "jsonschema", "pytest")  # read once, not for each fault
SECONDS = 300
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def faults(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    other = copy.deepcopy(node)
    match other:
        case ast.Compare(ops=[operator, *_]) if type(operator) in TURNED:
            other.ops[0] = TURNED[type(operator)]()
            yield other
        case ast.BoolOp():
            other.op = ast.Or() if isinstance(other.op, ast.And) else ast.And()
            yield other
        case ast.If() | ast.IfExp():
            yield from (_with_test(node, value) for value in (True, False))
        case ast.Constant(value=bool()):
            yield ast.Constant(not other.value)
        case ast.Constant(value=int()):
            yield ast.Constant(other.value + 1)
        case ast.Constant(value=str()) if len(other.value) > 1:
            yield ast.Constant(other.value[:-1])
            if other.value in ("TRUE", "FALSE"):
                yield ast.Constant("FALSE" if other.value == "TRUE" else "TRUE")


def _with_test(node: ast.If | ast.IfExp, value: bool) -> ast.AST:
    other = copy.copy(node)
    other.test = ast.Constant(value)
    return other


class Change(ast.NodeTransformer):
    """Puts the fault with a number into a tree; docstrings, annotations and messages are left alone."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.what = ""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Raise, ast.AnnAssign, ast.Import, ast.ImportFrom)) and not getattr(node, "value", None):
            return node
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return node
        for other in faults(node):
            self.left -= 1
            if self.left == 0:
                self.what = f"line {node.lineno}: {_short(node)}  →  {_short(other)}"  # type: ignore[attr-defined]
                return ast.copy_location(other, node)
        return self.generic_visit(node)


def _short(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:90]


def survivors(module: str, chosen: slice) -> Iterator[tuple[int, str, bool]]:
    """Number and description of each fault of a module, and whether all tests pass with it."""
    source = (ROOT / "cli/imprint" / f"{module}.py").read_text(encoding="utf-8")
    total = -1 - _changed(source, -1)[0].left
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        shutil.copytree(ROOT / "cli", folder, dirs_exist_ok=True)
        if not _passes(folder):
            sys.exit("mutate: the tests fail without a fault; mend that first")
        for number in range(1, total + 1)[chosen]:
            change, text = _changed(source, number)
            (Path(folder) / "imprint" / f"{module}.py").write_text(text, encoding="utf-8")
            yield number, change.what, _passes(folder)


def _changed(source: str, number: int) -> tuple[Change, str]:
    change = Change(number)
    return change, ast.unparse(ast.fix_missing_locations(change.visit(ast.parse(source))))


def _passes(folder: str) -> bool:
    return all(_passes_stage(folder, stage) for stage in STAGES)


def _passes_stage(folder: str, stage: tuple[str, ...]) -> bool:
    """Whether tests pass in a process that begins as a copy of this one, with the package in `folder`."""
    child = multiprocessing.get_context("fork").Process(target=_test, args=(folder, stage))
    child.start()
    child.join(SECONDS)
    if child.exitcode is None:
        child.kill()
        child.join()
    return child.exitcode == 0


def _test(folder: str, stage: tuple[str, ...]) -> None:
    import pytest

    os.chdir(ROOT)
    sys.path.insert(0, folder)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", *stage])
    os._exit(code)  # nothing that this process began as is to be cleared away


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    step = int(os.environ.get("EVERY", "1"))  # 10: every tenth fault
    for name in sys.argv[1:] or MODULES:
        tried = survived = 0
        for count, what, alive in survivors(name, slice(None, None, step)):
            tried, survived = tried + 1, survived + alive
            if alive:
                print(f"{name} {count}, {what}", flush=True)
        print(f"{name}: {tried} faults, {survived} survived", flush=True)
