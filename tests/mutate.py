"""Seeds a fault at a time into what decides about cells, and lists the faults that no test sees: `python tests/mutate.py [MODULE…]`.

Each fault is one change of the syntax tree: a comparison turned round, a condition that always or never holds, an `and` for an
`or`, a number off by one, a text (a regular expression, a piece of SQL) that lost its end. A test is a row of cases/sure.json or a
folder of cases/validate. Which lines of the module each of them runs is recorded first; a fault then meets those that run the
statement that it is in, in a process of its own. What gets past them meets the tests of properties, or of evidence.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import importlib.abc
import importlib.util
import multiprocessing
import os
import sys
import threading
from collections.abc import Collection, Generator, Iterator, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
PROPERTIES = "tests/test_properties.py"
MODULES = {  # what else is to see a fault
    "expressions": (PROPERTIES, "-k", "engine_is_sure or broken_at_random or capped"),
    "reference": (PROPERTIES, "-k", "reference or short_reader or broken_at_random"),
    "rules": ("tests/test_evidence.py",),
}
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
        self.line = 0
        self.what = ""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Raise, ast.AnnAssign, ast.Import, ast.ImportFrom)) and not getattr(node, "value", None):
            return node
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return node
        for other in faults(node):
            self.left -= 1
            if self.left == 0:
                self.line = node.lineno  # type: ignore[attr-defined]
                self.what = f"line {self.line}: {_short(node)}  →  {_short(other)}"
                return ast.copy_location(other, node)
        return self.generic_visit(node)


def _short(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:90]


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a module of imprint from a changed text, at its own path."""

    def __init__(self, module: str, text: str) -> None:
        self.name = f"imprint.{module}"
        self.path = str(ROOT / "cli/imprint" / f"{module}.py")
        self.text = text

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Only for this module."""
        return importlib.util.spec_from_loader(name, self, origin=self.path) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the text."""
        exec(compile(self.text, self.path, "exec"), module.__dict__)


Seen = Mapping[str, Collection[int]]  # the lines that each test runs


def survivors(module: str, chosen: slice) -> Iterator[tuple[int, str, bool]]:
    """Number and description of each fault of a module, and whether all tests pass with it."""
    source = (ROOT / "cli/imprint" / f"{module}.py").read_text(encoding="utf-8")
    total = -1 - _changed(source, -1)[0].left
    failed, seen = _tried(module, source, None)
    if failed:
        sys.exit(f"mutate: without a fault {failed} fails; mend that first")
    for number in range(1, total + 1)[chosen]:
        change, text = _changed(source, number)
        lines = _statement(source, change.line)
        met = {name for name, ran in seen.items() if (ran if lines is None else not lines.isdisjoint(ran))}
        yield number, change.what, not _tried(module, text, met)[0]


def _changed(source: str, number: int) -> tuple[Change, str]:
    change = Change(number)
    return change, ast.unparse(ast.fix_missing_locations(change.visit(ast.parse(source))))


def _statement(source: str, line: int) -> set[int] | None:
    """The lines of the statement around a line, of a compound one those of its head; None outside of functions."""
    tree = ast.parse(source)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if not any(body[0].lineno <= line <= (body[-1].end_lineno or 0) for body in bodies):
        return None
    heads = (range(node.lineno, _end(node) + 1) for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return set(min((head for head in heads if line in head), key=len, default=range(line, line + 1)))


def _end(node: ast.stmt) -> int:
    inner = [one.lineno - 1 for one in getattr(node, "body", ())]
    return max(node.lineno, min([node.end_lineno or node.lineno, *inner]))


def _tried(module: str, text: str, met: Collection[str] | None) -> tuple[str, Seen]:
    """The first test that fails with a module's text, "" if none; without `met`, the lines that each of all tests runs."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_try, args=(module, text, met, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(SECONDS if met is not None else 10 * SECONDS) else ("too slow", {})
    except EOFError:
        return "died", {}
    finally:
        child.kill()
        child.join()


def _try(module: str, text: str, met: Collection[str] | None, pipe: Any) -> None:
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    changed = Changed(module, text)
    sys.meta_path.insert(0, changed)
    seen: dict[str, set[int]] = {}
    failed = "its import"
    try:
        with contextlib.closing(_tests()) as tests:
            for name, test in tests:
                if met is None or name in met:
                    failed = name
                    seen[name] = _lines(changed.path, test) if met is None else test() or set()
        failed = MODULES[module][0]
        failed = "" if met is None or _pass(MODULES[module]) else failed
    finally:
        pipe.send((failed, seen))
        os._exit(0)  # nothing that this process began as is to be cleared away


def _tests() -> Generator[tuple[str, Any], None, None]:
    import test_sure
    import test_validate

    from imprint.engine import Engine

    with Engine() as engine:
        for number, row in enumerate(test_sure.read_json(test_sure.CASES / "sure.json")):
            test = test_sure.test_the_engine_is_sure_of_plain_cells_and_of_no_others
            yield f"row {number}", functools.partial(test, engine, row)
    for folder in test_validate.FOLDERS:
        yield folder.name, functools.partial(_case, test_validate, folder)


def _case(tests: Any, folder: Path) -> None:
    tests.test_a_package_has_exactly_the_errors_it_is_expected_to_have(folder)
    if folder in tests.SAYING:
        tests.test_each_error_says_what_it_is_expected_to_say(folder)


def _lines(path: str, test: Any) -> set[int]:
    """The lines of a file that a test runs, in any thread."""
    ran: set[int] = set()

    def inside(frame: FrameType, event: str, arg: object) -> Any:
        ran.add(frame.f_lineno)
        return inside

    def entered(frame: FrameType, event: str, arg: object) -> Any:
        return inside if frame.f_code.co_filename == path else None

    threading.settrace(entered)
    sys.settrace(entered)
    try:
        test()
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return ran


def _pass(more: tuple[str, ...]) -> bool:
    import pytest

    return pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", *more]) == 0


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    first, step = (int(os.environ.get(name, "1")) for name in ("FROM", "EVERY"))  # 3 and 10: every tenth, from the third on
    for name in sys.argv[1:] or MODULES:
        tried = survived = 0
        for count, what, alive in survivors(name, slice(first - 1, None, step)):
            tried, survived = tried + 1, survived + alive
            if alive:
                print(f"{name} {count}, {what}", flush=True)
        print(f"{name}: {tried} faults, {survived} survived", flush=True)
