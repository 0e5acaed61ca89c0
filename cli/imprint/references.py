"""Rows that others refer to: what becomes of those that point at a row that is gone, or stands for something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .engine import Engine
from .package import ForeignKey
from .rows import Pair
from .scan import Checked


def referenced(engine: Engine, pair: Pair, before: Mapping[str, Checked]) -> tuple[int, tuple[str, ForeignKey] | None]:
    """How many removed rows another row of the old package pointed at, and a table and a foreign key of its that did.

    `before` are the old package's tables, by the new names.
    """
    found = []
    for name, other in before.items():
        for key in other.table.schema.foreign_keys:
            mine, theirs = pair.old.keys(key.reference_fields), other.keys(key.fields)
            identity = [pair.renamed.get(field, field) for field in pair.key] or list(key.reference_fields)
            back = {own: field for field, own in pair.renamed.items()}
            kept = [(pair.old.columns.get(own), pair.new.columns.get(back.get(own, own))) for own in identity]
            aimed = (key.reference or name) == pair.name and all(None not in both for both in kept)
            if aimed and mine and theirs and len(mine) == len(theirs):
                match = " AND ".join(f"r.{their} = o.{my}" for my, their in zip(mine, theirs, strict=True))
                if other is pair.old:  # a row that points at itself is no other
                    match += f" AND NOT ({' AND '.join(f'r.{was} IS NOT DISTINCT FROM o.{was}' for was, _ in kept)})"
                same = " AND ".join(f"o.{was} IS NOT DISTINCT FROM n.{is_}" for was, is_ in kept)
                used = f"EXISTS (SELECT 1 FROM {other.unnumbered} AS r WHERE {match})"
                part = f"({used} AND NOT EXISTS (SELECT 1 FROM {pair.new.unnumbered} AS n WHERE {same}))"
                found.append(((name, key), part))
    if not found:
        return 0, None
    told = ", ".join(f"{part} AS u{number}" for number, (_, part) in enumerate(found))
    counts = [f"count(*) FILTER (WHERE u{number})" for number in range(len(found))]
    some = " OR ".join(f"u{number}" for number in range(len(found)))
    total, *own = engine.one(
        f"SELECT count(*), {', '.join(counts)} FROM (SELECT {told} FROM {pair.old.unnumbered} AS o) WHERE {some}"
    )
    return int(total), next((by for (by, _), count in zip(found, own, strict=True) if count), None)


def meaning_another(engine: Engine, pair: Pair, other: Pair, key: ForeignKey) -> tuple[int, str | None]:
    """How many values that rows of `other` point at, then as now, stand in another row of `pair` or in none, and the first."""
    identity, aims, points = (
        _both(one, fields) for one, fields in ((pair, pair.key), (pair, key.reference_fields), (other, key.fields))
    )
    if not (identity and aims and points) or len(key.fields) != len(key.reference_fields):
        return 0, None
    same = " AND ".join(f"o.{was} IS NOT DISTINCT FROM n.{is_}" for was, is_ in zip(*identity, strict=True))
    differ = " OR ".join(f"o.{was} IS DISTINCT FROM n.{is_}" for was, is_ in zip(*aims, strict=True))
    values = ", ".join(f"o.{was}" for was in aims[0])
    pointed = (
        " AND ".join(f"r.{mine} = o.{theirs}" for mine, theirs in zip(columns, aims[0], strict=True)) for columns in points
    )
    used = (
        f"EXISTS (SELECT 1 FROM {side.unnumbered} AS r WHERE {match})"
        for side, match in zip((other.old, other.new), pointed, strict=True)
    )
    moved = f"SELECT DISTINCT {values} FROM {pair.old.unnumbered} AS o JOIN {pair.new.unnumbered} AS n ON {same} WHERE {differ}"
    query = f"SELECT count(*), min(concat_ws(', ', {values})) FROM ({moved}) AS o WHERE {' AND '.join(used)}"
    count, example = engine.one(query)
    return int(count), example


def _both(pair: Pair, fields: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """The logical columns of some fields in the old table and in the new one; None if one of them lacks a field."""
    old, new = pair.old.keys([pair.renamed.get(field, field) for field in fields]), pair.new.keys(fields)
    return (old, new) if old and new else None
