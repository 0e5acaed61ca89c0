"""`imprint gitdiff`: what git runs for each file of a diff that `.gitattributes` says is a table (`diff.<driver>.command`).

A table is compared by its key, as the datapackage.json that names the file says; what can't be is shown line by line.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import posixpath
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import descriptor, difference, locate, tables
from .changes import Changes, RowChange, Terms
from .diffs.outline import SIGNS, Excerpt, compared_by, counted, key_of, pair, total
from .documents import DESCRIPTOR_NAMES
from .exceptions import DataFault, ImprintError, UsageFault
from .package import Package, Resource
from .reports.outline import visible
from .reports.text import Paint, plain

ABSENT = "/dev/null"  # git's word for the side that a file is not on
COLOURS = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}
DOUBTS = ("not-valid", "key-suspect", "mapping-suspect")  # notes that one table on its own can have
WIDTH = 80
CELL = 40  # characters of a cell


@dataclass(frozen=True)
class Pair:
    """What git hands over: the paths of a file on both sides, where its two versions lie, their modes, and git's own words."""

    paths: tuple[str, str]
    files: tuple[str, str]
    modes: tuple[str, str]
    same: bool
    said: str = ""


def render(arguments: Sequence[str], *, limit_rows: int = 100, paint: Paint = plain) -> str:
    """How the file that git's arguments name changed, for a person.

    `limit_rows` caps the rows (0: all). Raises UsageFault for arguments that are not git's, and nothing else: git would stop.
    """
    if len(arguments) == 1:
        return f"* Unmerged path {arguments[0]}\n"
    one = _handed(arguments)
    lines = [*_head(one, paint)]
    if not one.same:
        try:
            if not _comparable(one):
                lines += _lines(one, paint)
            elif not filecmp.cmp(*one.files, shallow=False):  # of a file in the work tree git has no digest to go by
                lines += _table(one, limit_rows, paint)
        except Exception as error:  # noqa: BLE001 (whatever it is, git must be able to go on to the next file)
            reason = error if isinstance(error, ImprintError) else f"it can't be compared as a table ({type(error).__name__})"
            lines += [paint(f"imprint: {reason}; line by line:", fg="yellow"), *_lines(one, paint)]
    return "".join(f"{line}\n" for line in lines)


def _handed(arguments: Sequence[str]) -> Pair:
    """Git's seven arguments; for a rename two more, the new path and what git says of it."""
    if not 7 <= len(arguments) <= 9:
        fix = "set it up with: git config diff.imprint.command 'imprint gitdiff'"
        raise UsageFault(f"{len(arguments)} arguments are not those that git gives a diff driver", where="gitdiff", fix=fix)
    path, old, old_hex, old_mode, new, new_hex, new_mode, *more = arguments
    same = old_hex == new_hex and old_hex.strip("0.") != ""
    return Pair((path, more[0] if more else path), (old, new), (old_mode, new_mode), same, more[1] if len(more) > 1 else "")


def _head(one: Pair, paint: Paint) -> Iterator[str]:
    yield paint(f"diff --git a/{one.paths[0]} b/{one.paths[1]}", bold=True)
    old, new = one.modes
    if one.files[0] == ABSENT:
        yield paint(f"new file mode {new}", bold=True)
    elif one.files[1] == ABSENT:
        yield paint(f"deleted file mode {old}", bold=True)
    elif old != new:
        yield from (paint(f"old mode {old}", bold=True), paint(f"new mode {new}", bold=True))
    yield from (paint(line, bold=True) for line in one.said.splitlines() if not line.startswith("index "))


def _comparable(one: Pair) -> bool:
    """Whether there are two regular files, rather than one, or links."""
    return ABSENT not in one.files and all(mode.startswith("100") for mode in one.modes)


# As a table


def _table(one: Pair, limit_rows: int, paint: Paint) -> list[str]:
    """The rows that differ. Raises whatever stands in the way."""
    locate.refuse_pointers(map(Path, one.files), one.paths[1])
    named = _named(one)
    resource = named or _bare(one)
    if not resource.tabular:
        raise ImprintError("the descriptor doesn't say that this is a table", where=one.paths[1])
    changes, note = _compared(one, resource, "" if named else "no datapackage.json was found that names this file", limit_rows)
    (found,) = changes.resources
    if not (found.key or found.unchanged):
        raise ImprintError("the two versions have no row in common", where=one.paths[1])
    columns = [said for said in changes.differences if said.rule.startswith("field")]
    same = not (columns or total(found))
    if same and any(other.kind == "not-valid" for other in changes.notes):
        raise ImprintError("is not valid, and no value differs as far as it can be read", where=one.paths[1])
    lines = [paint(f"{visible(found.name, 60)} ({compared_by(found)}): {counted(found)}", bold=True)]
    notes = [note, *(other.message for other in changes.notes if other.kind in DOUBTS)]
    lines += [paint(f"  note: {visible(said, 400)}", fg="yellow") for said in notes if said]
    lines += [f"  {visible(said.message, 200)}" for said in columns]
    if found.fields:
        cells = (f"{visible(field, 40)} {count:,}" for field, count in found.fields.items())
        lines.append(f"  cells changed: {', '.join(cells)}")
    lines += [line for row in found.rows for line in _row(row, paint)]
    if total(found) > len(found.rows):
        lines.append(f"  … and {total(found) - len(found.rows):,} more rows (git diff --no-ext-diff shows the lines)")
    if same:
        lines.append("  no value differs: the rows stand in another order, or are written otherwise")
    return lines


def _named(one: Pair) -> Resource | None:
    """The resource that the file is, as a descriptor in a directory above says."""
    for path in dict.fromkeys(left_out + path for left_out in _left_out(one) for path in reversed(one.paths)):
        for above in Path(path).parents:
            for name in DESCRIPTOR_NAMES:
                if (above / name).is_file():
                    package, _ = descriptor.load(above / name)
                    for resource in package.resources:
                        if any(posixpath.normpath((above / part).as_posix()) == path for part in resource.paths):
                            return resource
    return None


def _left_out(one: Pair) -> Sequence[str]:
    """What the paths may lack at their start, as with `git diff --relative`; a file of the work tree git names in full."""
    for path, file in zip(one.paths, one.files, strict=True):
        if file.endswith(path) and not Path(file).is_absolute():
            return (file.removesuffix(path),)
    return "", os.environ.get("GIT_PREFIX", "")


def _bare(one: Pair) -> Resource:
    """A table that no descriptor names."""
    path = Path(one.files[1])
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        raise ImprintError("no datapackage.json was found that says that this is a table", where=one.paths[1])
    package, _ = descriptor.load(path, one.paths[1])
    locate.refuse_no_table(package)
    locate.refuse_no_text(package)
    (resource,) = package.resources
    return replace(resource, name=Path(one.paths[1]).name.split(".")[0])


def _compared(one: Pair, resource: Resource, lack: str, limit_rows: int) -> tuple[Changes, str]:
    """The two versions by their key, else by their first column, else by whole rows; and why, if not by a key."""
    old, new = _side(one, 0, resource), _side(one, 1, resource)
    if resource.schema and resource.schema.primary_key:
        try:
            return difference.diff(old, new, Terms(limit_rows=limit_rows), fingerprints=False), ""
        except DataFault as error:
            lack = error.what
            keyless = replace(resource, schema=replace(resource.schema, primary_key=()))
            old, new = _side(one, 0, keyless), _side(one, 1, keyless)
    else:
        lack = lack or f'"{resource.name}" has no primary key'
        first, others = (tables.labels(side.resources[0]) for side in (old, new))
        if first and first[0] in others:
            terms = Terms({resource.name: first[:1]}, limit_rows=limit_rows)
            with contextlib.suppress(DataFault, UsageFault):
                changes = difference.diff(old, new, terms, fingerprints=False)
                return changes, f'{lack}: its first column, "{first[0]}", is taken for the key'
    changes = difference.diff(old, new, Terms(limit_rows=limit_rows), fingerprints=False)
    return changes, f"{lack}: whole rows are compared"


def _side(one: Pair, number: int, resource: Resource) -> Package:
    """One version of the file, as a package of nothing else."""
    path = Path(one.files[number])
    schema = resource.schema and replace(resource.schema, foreign_keys=())
    alone = replace(resource, paths=(one.paths[number],), files=(path,), data=None, schema=schema)
    source = f"{'ab'[number]}/{one.paths[number]}"
    return Package("", "", "", path.parent, source, path, (alone,), (), {})


def _row(row: RowChange, paint: Paint) -> Iterator[str]:
    """A row, on one line if it has room; its changed cells on a line each if not."""
    sign = SIGNS[row.op]
    head = paint(f"  {sign} {key_of(row, 60)}".rstrip(), fg=COLOURS[sign])
    if row.op != "changed":
        cells = (
            f"{visible(field, 24)}: {_quoted(new if row.op == 'added' else old)}" for field, (old, new) in row.cells.items()
        )
        yield f"{head}{'  ' if row.key else ' '}{'; '.join(cells)}".rstrip()
        return
    found = [(visible(field, 24), *map(_quoted, pair(old, new, CELL))) for field, (old, new) in row.cells.items()]
    painted = [f"{field}: {paint(old, fg='red')} → {paint(new, fg='green')}" for field, old, new in found]
    size = sum(len(f"{field}: {old} → {new}; ") for field, old, new in found) + len(key_of(row, 60)) + 4
    if size <= WIDTH:
        yield f"{head}  {'; '.join(painted)}"
    else:
        yield head
        yield from (f"      {line}" for line in painted)


def _quoted(cell: Excerpt | str | None) -> str:
    shown = visible(cell, CELL) if isinstance(cell, str) else cell and cell.text
    return "null" if shown is None else f"«{shown}»"


# Line by line


def _lines(one: Pair, paint: Paint) -> Iterator[str]:
    """What git itself says of the two files, under the names that they have in the repository."""
    command = ["git", "diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--", *one.files]
    done = subprocess.run(command, capture_output=True, check=False)
    names = [
        ABSENT if file == ABSENT else f"{side}/{path}" for side, file, path in zip("ab", one.files, one.paths, strict=True)
    ]
    body = done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]
    if any(line.startswith("Binary files ") for line in body):
        yield f"Binary files {names[0]} and {names[1]} differ"
    hunks = next((number for number, line in enumerate(body) if line.startswith("@@")), None)
    if hunks is not None:
        yield from (paint(f"--- {names[0]}", bold=True), paint(f"+++ {names[1]}", bold=True))
        yield from (paint(line, fg=COLOURS.get(line[:1])) for line in body[hunks:])


def coloured() -> bool:
    """Whether git would colour a diff here, which NO_COLOR overrules."""
    if os.environ.get("NO_COLOR"):
        return False
    with contextlib.suppress(OSError):
        return subprocess.run(["git", "config", "--get-colorbool", "color.diff"], check=False).returncode == 0
    return False
