"""What should make a reader doubt a diff before believing it: a key that was numbered anew, a column that changed by one
mapping, a rename that nobody declared. Nothing is assumed of it: each is a note."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence

from . import sql
from .changes import Note, ResourceDiff
from .engine import Engine
from .rows import Matched, Pair
from .scan import Checked

FEW = 10  # rows under which nothing is doubted
MOST = 0.5  # share of the rows that must differ to be doubted
HARDLY = 0.1  # share of the rows that may differ where "hardly any" do
SAMPLE = 1000  # rows that are looked at one by one
SAME = 0.9  # share of values that columns must have in common to be called the same
SHOWN = 3


def notes(engine: Engine, pair: Pair, found: ResourceDiff, matched: Matched | None) -> Iterator[Note]:
    """What is doubtful about the rows of one table."""
    if not pair.key and found.added + found.removed:
        message = f'"{pair.name}" has no key that both sides share, so whole rows are compared; --key names one'
        yield Note("keyless", message, pair.name)
    if matched is None:
        return
    if _suspect_key(engine, pair, found, matched):
        what = f'most rows of "{pair.name}" differ by {", ".join(pair.key)}, but hardly any without'
        yield Note("key-suspect", f"{what}: was it numbered anew?", pair.name)
        return
    rows = found.changed + found.unchanged
    suspects = [field for field, count in found.fields.items() if count >= max(FEW, MOST * rows)]
    sample = _sample(engine, pair, matched) if suspects else {}
    for field in suspects:
        if how := _mapping(engine, pair, matched, field, sample[field]):
            share = "all" if found.fields[field] == rows else f"{found.fields[field]:,} of {rows:,}"
            yield Note("mapping-suspect", f'"{field}" changes in {share} rows {how}', pair.name, field)


def _suspect_key(engine: Engine, pair: Pair, found: ResourceDiff, matched: Matched) -> bool:
    """Whether most rows differ by their keys while the rows themselves, which are nearly all unlike each other, hardly do."""
    most = max(pair.old.rows, pair.new.rows)
    differing = found.changed + max(found.added, found.removed)
    if most < FEW or differing < MOST * most or not pair.values:
        return False
    sides = (f"SELECT d, {sign} AS n FROM {side}" for side, sign in zip(matched.sides, (-1, 1), strict=True))
    counted = f"SELECT d, sum(n) AS n FROM ({' UNION ALL '.join(sides)}) GROUP BY d"
    unlike, left = engine.one(f"SELECT count(*), coalesce(sum(abs(n)), 0) FROM ({counted})")
    return bool(unlike >= MOST * most and left <= 2 * HARDLY * most + abs(pair.old.rows - pair.new.rows))


def _sample(engine: Engine, pair: Pair, matched: Matched) -> dict[str, list[tuple[str, str]]]:
    """The old and the new texts of each value that differ and are there, in the first rows that changed."""
    names, width = ", ".join(pair.names), len(pair.values)
    first = engine.keep(f"SELECT {names} FROM {matched.changed} ORDER BY {names} LIMIT {SAMPLE}")
    cells = ", ".join(f"{alias}.f{number}" for alias in "on" for number in range(width))
    joins = " ".join(
        f"JOIN {rows.having(first)} AS {alias} USING ({names})" for alias, rows in zip("on", matched.cells, strict=True)
    )
    found = engine.rows(f"SELECT {cells} FROM {first} {joins} ORDER BY ALL")
    pairs = {field: [(row[number], row[number + width]) for row in found] for number, field in enumerate(pair.values)}
    return {field: [both for both in listed if None not in both and both[0] != both[1]] for field, listed in pairs.items()}


def _mapping(engine: Engine, pair: Pair, matched: Matched, field: str, sample: list[tuple[str, str]]) -> str:
    """How a whole column changes, if by one rule; else nothing."""
    pairs = sorted(set(sample))
    if len(sample) < FEW or len(pairs) < 2:
        return ""
    for what, rule in RULES.items():
        if all(rule(old, new) for old, new in pairs):
            return what
    if factor := _factor(pairs):
        return f"by one factor, {factor:.6g}: was the unit changed?"
    if len(dict(pairs)) < len(pairs) or len({new for _, new in pairs}) < len(pairs) or len(pairs) > MOST * len(sample):
        return ""
    number = pair.values.index(field)
    keys = " AND ".join(f"o.k{n} IS NOT DISTINCT FROM n.k{n}" for n in range(len(pair.key)))
    joined = (
        f"{matched.cells[0].all} AS o JOIN {matched.cells[1].all} AS n ON {keys} WHERE o.f{number} IS DISTINCT FROM n.f{number}"
    )
    grouped = f"SELECT o.f{number} AS a, n.f{number} AS b, count(*) AS n FROM {joined} GROUP BY ALL"
    both, olds, news, total = engine.one(f"SELECT count(*), count(DISTINCT a), count(DISTINCT b), sum(n) FROM ({grouped})")
    if both - min(olds, news) > 1 or both > MOST * total:  # a null on either side is one more
        return ""
    shown = ", ".join(f"{old} → {new}" for old, new in pairs[:SHOWN])
    return f"by one mapping ({shown}{', …' if len(pairs) > SHOWN else ''}): was a code list changed?"


def _as_if(first: str, second: str) -> Callable[[str, str], bool]:
    """Whether the new text is the old one written in one encoding and read in another."""

    def rule(old: str, new: str) -> bool:
        try:
            return old.encode(first).decode(second) == new
        except UnicodeError:
            return False

    return rule


RULES: Mapping[str, Callable[[str, str], bool]] = {
    "by letter case alone": lambda old, new: old.lower() == new.lower(),
    "by white space alone": lambda old, new: "".join(old.split()) == "".join(new.split()),
    "by Unicode normalization alone": lambda old, new: unicodedata.normalize("NFC", old) == unicodedata.normalize("NFC", new),
    "as if UTF-8 was read as Latin-1": _as_if("utf-8", "latin-1"),
    "as if Latin-1 was read as UTF-8 before": _as_if("latin-1", "utf-8"),
    "as if UTF-8 was read as Windows-1252": _as_if("utf-8", "cp1252"),
    "as if Windows-1252 was read as UTF-8 before": _as_if("cp1252", "utf-8"),
}


def _factor(sample: Sequence[tuple[str, str]]) -> float | None:
    """What every number is multiplied by, if that is one and the same; None otherwise."""
    try:
        ratios = [float(new) / float(old) for old, new in sample if float(old) or float(new)]
    except (ValueError, ZeroDivisionError):
        return None
    if len(ratios) < FEW or not all(math.isclose(ratio, ratios[0], rel_tol=1e-3) for ratio in ratios):
        return None
    return ratios[0]


def renamed_fields(engine: Engine, pair: Pair) -> Iterator[Note]:
    """Columns that are gone and columns that are new and hold the same values, row by row."""
    known = set(pair.renamed.values())
    gone = [name for name in pair.old.columns if name not in pair.new.columns and name not in known]
    new = [name for name in pair.new.columns if name not in pair.old.columns and name not in pair.renamed]
    if not (gone and new and pair.key):
        return
    sides = []
    for side, listed in ((pair.side("old"), gone), (pair.side("new"), new)):
        keys = _numbered(side.table, [side.names[field] for field in pair.key], "k")
        sides.append(f"(SELECT {', '.join([*keys, *_numbered(side.table, listed, 'f')])} FROM {side.table.unnumbered})")
    first = engine.keep(f"SELECT * FROM {sides[0]} LIMIT {SAMPLE}")
    same_key = " AND ".join(f"o.k{n} IS NOT DISTINCT FROM n.k{n}" for n in range(len(pair.key)))
    combined = [(one, other) for one in range(len(gone)) for other in range(len(new))]
    counts = [f"count(*) FILTER (WHERE o.f{one} = n.f{other})" for one, other in combined]
    unlike = [f"count(DISTINCT o.f{one})" for one in range(len(gone))]
    rows, *found = engine.one(
        f"SELECT count(*), {', '.join([*counts, *unlike])} FROM {first} AS o JOIN {sides[1]} AS n ON {same_key}"
    )
    for (one, other), same in zip(combined, found, strict=False):
        if rows and same >= SAME * rows and found[len(combined) + one] > 1:
            yield Note(
                "rename-suggested",
                f'"{gone[one]}" is gone and "{new[other]}" is new, and {same:,} of {rows:,} rows have the same value in both: '
                f"if it was renamed, say --rename {pair.name}.{gone[one]}={new[other]}",
                pair.name,
                new[other],
            )


def _numbered(table: Checked, listed: Sequence[str], alias: str) -> list[str]:
    return [f"{table.columns[name]} AS {alias}{number}" for number, name in enumerate(listed)]


def renamed_tables(engine: Engine, before: Mapping[str, Checked], after: Mapping[str, Checked]) -> Iterator[Note]:
    """Tables that are gone and tables that are new and hold mostly the same rows."""
    for gone in [name for name in before if name not in after]:
        for new in [name for name in after if name not in before]:
            old_table, new_table = before[gone], after[new]
            if list(old_table.columns) != list(new_table.columns) or not old_table.columns:
                continue
            sides = (
                f"SELECT {sql.digest_of_row(one.columns.values())} AS d, {sign} AS n FROM {one.unnumbered}"
                for one, sign in ((old_table, -1), (new_table, 1))
            )
            counted = f"SELECT abs(sum(n)) AS n FROM ({' UNION ALL '.join(sides)}) GROUP BY d"
            left = engine.one(f"SELECT coalesce(sum(n), 0) FROM ({counted})")[0]
            rows = old_table.rows + new_table.rows
            if rows and left <= MOST * rows:
                message = f'"{gone}" is gone and "{new}" is new, and both hold mostly the same rows'
                yield Note("rename-suggested", f"{message}: if it was renamed, say --rename {gone}={new}", new)
