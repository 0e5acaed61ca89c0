"""A script to the names and literals that stand in it, line by line: for Python by its syntax tree, else by a small tokenizer.

Nothing is run and nothing is concluded: whether `date` in a script is the field `date` is for whoever reads it to say.
Comments, and the texts that document a Python function, are left out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from .exceptions import UsageFault

LANGUAGES = {
    ".py": "python", ".ipynb": "notebook", ".r": "r", ".rmd": "chunks", ".qmd": "chunks", ".jl": "julia", ".sql": "sql",
}  # fmt: skip
QUOTED = r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
STRINGS = {"sql": r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"}
COMMENTS = {"sql": r"--[^\n]*|/\*.*?\*/", "julia": r"#=.*?=#|#[^\n]*"}
HASH = r"#[^\n]*"
NUMBER = r"(?<![\w.])-?[0-9]+(?:\.[0-9]+)?(?![\w.])"
INNER = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")  # what is quoted inside a string, such as a query's own literals
CHUNK = re.compile(r"[ \t]*(?:```+|~~~+)[ \t]*\{[ \t]*(\w+)")
MAGIC = re.compile(r"[ \t]*[%!?]")
KNOWN_CELLS = {"r": "r", "sql": "sql", "python": "python", "julia": "julia"}


@dataclass(frozen=True)
class Piece:
    """Text of a script that may hold names, and the whole literals in it; `place` is `file:line`."""

    place: str
    text: str
    literals: tuple[str, ...] = ()
    any_case: bool = False


def is_script(source: str) -> bool:
    """Whether a file is a script that can be read here, by its suffix."""
    return PurePath(source).suffix.lower() in LANGUAGES


def pieces(source: str, text: str) -> Iterator[Piece]:
    """The pieces of the script `source` that `text` is. Raises UsageFault for a notebook that is none."""
    language = LANGUAGES[PurePath(source).suffix.lower()]
    if language == "notebook":
        yield from _notebook(source, text)
    elif language == "chunks":
        yield from _chunks(source, text)
    else:
        yield from _read(language, text, source, 0)


def _read(language: str, text: str, source: str, before: int) -> Iterator[Piece]:
    """The pieces of a text in one language, which begins after so many lines of its file."""
    found = _python(text) if language == "python" else None
    for line, words, literals in found if found is not None else _tokens(language, text):
        if words or literals:
            yield Piece(f"{source}:{line + before}", words, literals, any_case=language == "sql")


def _python(text: str) -> list[tuple[int, str, tuple[str, ...]]] | None:
    """Names and literals by the syntax tree; None where this Python can't parse it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes = list(ast.walk(tree))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    found = [one for node in nodes if id(node) not in prose for one in _python_node(node)]
    return sorted(found, key=lambda one: one[0])


def _python_node(node: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    match node:
        case ast.Name(id=name):
            yield node.lineno, name, ()
        case ast.Attribute(attr=name, end_lineno=line):
            yield line or node.lineno, name, ()
        case ast.keyword(arg=str(name)):
            yield node.lineno, name, ()
        case ast.Constant(value=str(words)):
            yield node.lineno, "", (words,)
            for ahead, said in enumerate(words.split("\n")):
                yield node.lineno + ahead, said, tuple(_quoted_in(said))
        case ast.Constant(value=int(whole)) if not isinstance(whole, bool):
            yield node.lineno, "", (_digits(whole),)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(whole))):
            yield node.lineno, "", (f"-{_digits(whole)}",)
        case _:
            return


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < 64 else ""  # Python refuses to write out what is far longer


def _quoted_in(text: str) -> Iterator[str]:
    for found in INNER.finditer(text):
        yield next(part for part in found.groups() if part is not None)


def _tokens(language: str, text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Lines without their comments, and the strings and numbers in them."""
    strings = STRINGS.get(language, QUOTED)
    comment = COMMENTS.get(language, HASH)
    either = re.compile(f"(?P<string>{strings})|{comment}", re.DOTALL)
    kept = either.sub(lambda found: found[0] if found["string"] else "\n" * found[0].count("\n"), text)
    string = re.compile(strings, re.DOTALL)
    for number, line in enumerate(kept.split("\n"), 1):
        literals = [found[0][1:-1] for found in string.finditer(line)]
        inner = [part for literal in literals for part in _quoted_in(literal)]
        yield number, line, (*literals, *inner, *re.findall(NUMBER, line))


def _chunks(source: str, text: str) -> Iterator[Piece]:
    """The chunks of code in an R Markdown or Quarto document; its prose is left out."""
    language, start, code = "", 0, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        opened = CHUNK.match(line)
        if not language and opened:
            language, start, code = opened[1].lower(), number, []
        elif language and line.lstrip().startswith(("```", "~~~")):
            yield from _read(language, "\n".join(code), source, start)
            language = ""
        elif language:
            code.append(line)
    if language:
        yield from _read(language, "\n".join(code), source, start)


def _notebook(source: str, text: str) -> Iterator[Piece]:
    """The code cells of a Jupyter notebook, each as a file of its own: `notebook.ipynb[3]:1`, counted from 1."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageFault("is not a notebook: it is not JSON", where=source, fix="save it again in Jupyter") from error
    cells = value.get("cells") if isinstance(value, Mapping) else None
    if not isinstance(cells, list):
        raise UsageFault("is not a notebook of format 4: it has no cells", where=source, fix="save it again in Jupyter")
    language = _kernel(value)
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, Mapping) and cell.get("cell_type") == "code":
            lines = cell.get("source", "")
            code = "".join(map(str, lines)) if isinstance(lines, list) else str(lines)
            yield from _read(*_cell(language, code), f"{source}[{number}]", 0)


def _kernel(notebook: Mapping[str, Any]) -> str:
    metadata = notebook.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, Mapping) else None
    language = kernel.get("language", "python") if isinstance(kernel, Mapping) else "python"
    return str(language).lower()


def _cell(language: str, code: str) -> tuple[str, str]:
    """The language of a cell and its code, with lines that are commands to Jupyter left empty."""
    first = code.lstrip().split("\n", 1)[0]
    if first.startswith("%%"):
        language = KNOWN_CELLS.get(first[2:].split(" ")[0].strip().lower(), language)
        code = code.replace(first, "", 1)
    if language == "python":
        code = "\n".join("" if MAGIC.match(line) else line for line in code.split("\n"))
    return language, code
