"""The rows of two tables, compared by value: by the primary key or a key that is given, without one as a multiset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from . import expressions, sql
from .changes import ResourceDiff, RowChange, Terms
from .engine import Engine
from .exceptions import DataFault, UsageFault
from .scan import Checked


class Comparison:
    """Compares the rows of the tables that both packages have, `before` and `after`."""

    def __init__(self, engine: Engine, before: Mapping[str, Checked], after: Mapping[str, Checked], terms: Terms) -> None:
        self.engine = engine
        self.before = before
        self.after = after
        self.terms = terms
        self.cap = f" LIMIT {terms.limit_rows}" if terms.limit_rows else ""

    def resources(self) -> Iterator[ResourceDiff]:
        """Each table that both packages have.

        Raises DataFault for a key that isn't unique, UsageFault for one that is not there.
        """
        for name in self.after:
            if name in self.before:
                yield self._rows(name, self.before[name], self.after[name])

    def _rows(self, name: str, old: Checked, new: Checked) -> ResourceDiff:
        common = [field for field in old.columns if field in new.columns]
        key = self._key(name, old, new, common)
        return self._keyed(name, old, new, key, common) if key else self._multiset(name, old, new, common)

    def _key(self, name: str, old: Checked, new: Checked, common: list[str]) -> tuple[str, ...]:
        given = tuple(self.terms.keys.get(name, ()))
        for field in given:
            if field not in common:
                raise UsageFault(f'"{name}" has no field "{field}" on both sides', where="--key", fix="name another key")
        key = given or new.table.schema.primary_key or old.table.schema.primary_key
        if not all(field in common for field in key):
            return ()
        for side, label in ((old, "old"), (new, "new")) if key else ():
            self._refuse_duplicates(name, side, label, key)
        return key

    def _refuse_duplicates(self, name: str, side: Checked, label: str, key: tuple[str, ...]) -> None:
        if ("primary-key", key) in side.clean:
            return
        columns = ", ".join(side.columns[field] for field in key)
        order = ", ".join(_sortable(side, field, side.columns[field]) for field in key)
        query = (
            f"SELECT {columns}, count(*) FROM {side.logical} GROUP BY {columns} HAVING count(*) > 1 ORDER BY {order} LIMIT 3"
        )
        found = self.engine.rows(query)
        if found:
            shown = "; ".join(f"{', '.join(str(value) for value in row[:-1])} ({row[-1]} times)" for row in found)
            message = f'the key {", ".join(key)} of the {label} "{name}" is not unique: {shown}'
            raise DataFault(message, fix="mend the data or name another key with --key")

    def _keyed(self, name: str, old: Checked, new: Checked, key: tuple[str, ...], common: list[str]) -> ResourceDiff:
        match = same_key(old, new, key)
        joined = f"FROM {old.logical} AS o FULL JOIN {new.logical} AS n ON {match}"
        values = [field for field in common if field not in key]
        differs = {field: f"o.{old.columns[field]} IS DISTINCT FROM n.{new.columns[field]}" for field in values}
        both = "o.rn IS NOT NULL AND n.rn IS NOT NULL"
        some = " OR ".join(differs.values()) or "FALSE"
        counted = ["count(*) FILTER (WHERE o.rn IS NULL)", "count(*) FILTER (WHERE n.rn IS NULL)"]
        counted += [f"count(*) FILTER (WHERE {both} AND ({one}))" for one in (some, *differs.values())]
        counted += [f"count(*) FILTER (WHERE {both})"]
        added, removed, changed, *fields, matched = self.engine.one(f"SELECT {', '.join(counted)} {joined}")
        kept = f"o.rn IS NULL OR ({both}) AND ({some})"
        wanted = [("n.rn IS NULL", ""), (kept, self.cap)] if self.terms.all_removed else [(f"n.rn IS NULL OR {kept}", self.cap)]
        rows = tuple(
            row
            for condition, cap in wanted
            if added or removed or changed
            for row in self._examples(old, new, key, common, f"{joined} WHERE {condition}", cap)
        )
        by_field = {field: count for field, count in zip(values, fields, strict=True) if count}
        total = added + removed + changed
        return ResourceDiff(name, key, added, removed, changed, matched - changed, by_field, rows, len(rows) < total)

    def _examples(
        self, old: Checked, new: Checked, key: tuple[str, ...], common: list[str], source: str, cap: str
    ) -> Iterator[RowChange]:
        sides = [(side, alias) for side, alias in ((old, "o"), (new, "n"))]
        selected = [f"{alias}.{side.columns[field]}" for side, alias in sides for field in common]
        texts = {field: f"coalesce(n.{new.columns[field]}, o.{old.columns[field]})" for field in key}
        order = ", ".join(_sortable(new, field, text) for field, text in texts.items())
        for was, is_, *cells in self.engine.rows(f"SELECT o.rn, n.rn, {', '.join(selected)} {source} ORDER BY {order}{cap}"):
            before = dict(zip(common, cells[: len(common)], strict=True))
            after = dict(zip(common, cells[len(common) :], strict=True))
            op = "added" if was is None else "removed" if is_ is None else "changed"
            shown = [field for field in common if field not in key and (op != "changed" or before[field] != after[field])]
            found = {field: (self._text(old, field, before[field]), self._text(new, field, after[field])) for field in shown}
            if op != "changed":
                found = {field: pair for field, pair in found.items() if pair != (None, None)}
            names = {
                field: self._text(*((new, field, after[field]) if was is None else (old, field, before[field])))
                for field in key
            }
            yield RowChange(op, names, found)

    @staticmethod
    def _text(side: Checked, field: str, value: str | None) -> str | None:
        """A canonical text as the table writes it."""
        declared = side.table.schema.field(field)
        if value is not None and declared is not None and declared.type == "list":
            return value.replace(sql.UNIT_SEPARATOR, declared.option("delimiter", ","))
        return value

    def _multiset(self, name: str, old: Checked, new: Checked, common: list[str]) -> ResourceDiff:
        names = [f"f{number}" for number in range(len(common))]
        if not names:
            return ResourceDiff(name, (), new.rows, old.rows, 0, 0, {})
        both = " UNION ALL ".join(
            f"SELECT {', '.join(f'{side.columns[field]} AS {alias}' for field, alias in zip(common, names, strict=True))}, "
            f"{sign} AS side FROM {side.logical}"
            for side, sign in ((old, -1), (new, 1))
        )
        grouped = f"SELECT {', '.join(names)}, sum(side) AS n FROM ({both}) GROUP BY {', '.join(names)} HAVING sum(side) <> 0"
        counted = f"SELECT coalesce(sum(greatest(n, 0)), 0), coalesce(sum(greatest(-n, 0)), 0) FROM ({grouped})"
        added, removed = (int(value) for value in self.engine.one(counted))
        rows = tuple(
            change
            for *cells, n in self.engine.rows(f"{grouped} ORDER BY ALL{self.cap}")
            for change in [self._one_sided(new if n > 0 else old, common, cells, added=n > 0)] * abs(int(n))
        )[: self.terms.limit_rows or None]
        return ResourceDiff(name, (), added, removed, 0, old.rows - removed, {}, rows, len(rows) < added + removed)

    def _one_sided(self, side: Checked, common: Sequence[str], cells: Sequence[str | None], *, added: bool) -> RowChange:
        texts = {field: self._text(side, field, cell) for field, cell in zip(common, cells, strict=True) if cell is not None}
        pairs = {field: (None, text) if added else (text, None) for field, text in texts.items()}
        return RowChange("added" if added else "removed", {}, pairs)

    def referenced(self, found: ResourceDiff) -> int:
        """How many removed rows a foreign key of the old package pointed at."""
        old, new = self.before[found.name], self.after[found.name]
        parts = []
        for other in self.before.values():
            for key in other.table.schema.foreign_keys:
                mine, theirs = old.keys(key.reference_fields), other.keys(key.fields)
                identity = found.key or key.reference_fields
                aimed = (key.reference or other.name) == found.name and new.keys(identity) is not None
                if aimed and mine and theirs and len(mine) == len(theirs):
                    match = " AND ".join(f"r.{their} = o.{my}" for my, their in zip(mine, theirs, strict=True))
                    used = f"EXISTS (SELECT 1 FROM {other.logical} AS r WHERE {match})"
                    kept = f"EXISTS (SELECT 1 FROM {new.logical} AS n WHERE {same_key(old, new, identity)})"
                    parts.append(f"({used} AND NOT {kept})")
        return int(self.engine.one(f"SELECT count(*) FROM {old.logical} AS o WHERE {' OR '.join(parts)}")[0]) if parts else 0


def same_key(old: Checked, new: Checked, key: Sequence[str]) -> str:
    """SQL for whether row `o` and row `n` have the same key; a null equals a null."""
    return " AND ".join(f"o.{old.columns[field]} IS NOT DISTINCT FROM n.{new.columns[field]}" for field in key)


def _sortable(side: Checked, field: str, text: str) -> str:
    """SQL that puts a field's canonical texts in the order of their values."""
    declared = side.table.schema.field(field)
    return f"{expressions.typed(declared, text)}, {text}" if declared else text
