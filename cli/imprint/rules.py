"""The rules of a package: what Table Schema can't say, in a small expression form, compiled to SQL.

An expression is written like Python and reads one row of a resource:

    start < end
    section_id.start <= start and end <= section_id.end
    date_text is None or date_basis is not None
    exists(claims.event_id)
    disjoint(start, end, by=source_id)

Names are fields; `field.other` is field `other` of the row that the foreign key on `field` points to, and may be
chained. `exists(table.field)` and `count(table.field)` look at the rows of `table` whose foreign key `field` points
at this row. `disjoint(start, end, by=group)` says that no two rows of a group overlap. `len(x)` counts code points,
`words(x)` words. A comparison with a null is unknown; a rule is broken only where its expression is false.

A package is untrusted: only these forms are compiled, nothing of the text reaches the engine as SQL.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import sql
from .expressions import typed
from .package import ForeignKey, Rule, Schema

LIMIT = 2000  # characters of an expression
NESTING = 50  # levels of an expression
DEPTH = 5  # lookups in one chain
OPERATORS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "<>", ast.Add: "+", ast.Sub: "-",
}  # fmt: skip


class RuleFault(Exception):
    """The expression isn't one; the message says why."""


@dataclass(frozen=True)
class View:
    """A table as rules see it: `relation` is SQL with `rn` and one canonical text per field, found by `columns`.

    `unique` is the primary key where it was found to hold.
    """

    name: str
    schema: Schema
    relation: str
    columns: Mapping[str, str]
    unique: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A compiled rule: rows of `source` break it where `condition` is false."""

    source: str
    joins: str
    condition: str

    def violations(self) -> str:
        """SQL for the row numbers (`rn`) where the rule is broken."""
        return f"SELECT t.rn AS rn FROM {self.source} AS t{self.joins} WHERE ({self.condition}) IS FALSE"


def compile_rule(rule: Rule, resource: str, views: Mapping[str, View]) -> Query:
    """A rule as it applies to one resource. Raises RuleFault."""
    if resource not in views:
        raise RuleFault(f'there is no table "{resource}"')
    tree = _parsed(rule.expression)
    compiler = _Compiler(views[resource], views)
    if isinstance(tree, ast.Call) and _called(tree) == "disjoint":
        return compiler.disjoint(tree)
    condition = compiler.compile(tree)
    return Query(views[resource].relation, "".join(compiler.joins.values()), condition)


def counts(queries: Sequence[Query]) -> str:
    """SQL for one row: how many rows break each of a resource's rules, all in one pass per set of joins."""
    return "SELECT " + ", ".join(f"(SELECT count(*) FROM ({query.violations()}))" for query in queries)


def select(resource: str, chosen: Sequence[str], views: Mapping[str, View]) -> str:
    """SQL for `rn` and the values of expressions over a resource's rows. Raises RuleFault."""
    if resource not in views:
        raise RuleFault(f'there is no table "{resource}"')
    compiler = _Compiler(views[resource], views)
    values = ", ".join(compiler.compile(_parsed(text)) for text in chosen)
    return f"SELECT t.rn, {values} FROM {views[resource].relation} AS t{''.join(compiler.joins.values())}"


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LIMIT:
        raise RuleFault(f"it is longer than {LIMIT} characters")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RuleFault(f"it can't be read: {error}") from error


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


class _Compiler:
    """Compiles expressions over the rows `t` of a view; `joins` gathers the lookups, by their path."""

    def __init__(self, view: View, views: Mapping[str, View]) -> None:
        self.view = view
        self.views = views
        self.joins: dict[tuple[str, ...], str] = {}
        self._level = 0
        self.forms: dict[type[ast.AST], Callable[..., str]] = {
            ast.BoolOp: self._bool,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._arithmetic,
            ast.Compare: self._compare,
            ast.Name: self._name,
            ast.Attribute: self._lookup,
            ast.Constant: self._constant,
            ast.Call: self._call,
        }

    def compile(self, node: ast.AST) -> str:
        form = self.forms.get(type(node))
        if self._level == NESTING:
            raise RuleFault(f"it nests deeper than {NESTING} levels")
        if form is None:
            raise RuleFault(f'"{ast.unparse(node)}" is not a form that rules know')
        self._level += 1
        compiled = form(node)
        self._level -= 1
        return compiled

    def _bool(self, node: ast.BoolOp) -> str:
        word = " AND " if isinstance(node.op, ast.And) else " OR "
        return "(" + word.join(self.compile(value) for value in node.values) + ")"

    def _unary(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            return f"(NOT {self.compile(node.operand)})"
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return f"(-{self._constant(node.operand)})"
        raise RuleFault(f'"{ast.unparse(node)}" is not a form that rules know')

    def _arithmetic(self, node: ast.BinOp) -> str:
        if type(node.op) not in (ast.Add, ast.Sub):
            raise RuleFault(f'only + and - are known, not "{ast.unparse(node)}"')
        return f"({self.compile(node.left)} {OPERATORS[type(node.op)]} {self.compile(node.right)})"

    def _compare(self, node: ast.Compare) -> str:
        parts = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            parts.append(self._comparison(left, operator, right))
            left = right
        return "(" + " AND ".join(parts) + ")"

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str:
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise RuleFault('"is" goes with None only')
            return f"{self.compile(left)} IS {'NOT ' if isinstance(operator, ast.IsNot) else ''}NULL"
        if isinstance(operator, (ast.In, ast.NotIn)):
            if not isinstance(right, (ast.Tuple, ast.List, ast.Set)) or not right.elts:
                raise RuleFault('"in" goes with a list of values only')
            listed = ", ".join(self.compile(item) for item in right.elts)
            return f"{self.compile(left)} {'NOT ' if isinstance(operator, ast.NotIn) else ''}IN ({listed})"
        return f"{self.compile(left)} {OPERATORS[type(operator)]} {self.compile(right)}"

    def _constant(self, node: ast.Constant) -> str:
        if isinstance(node.value, str) and not sql.is_text(node.value):
            raise RuleFault("it holds half a surrogate pair, which is no text")
        if isinstance(node.value, (str, int, float)):
            return sql.literal(node.value) if isinstance(node.value, (str, int)) else repr(node.value)
        raise RuleFault(f'"{node.value!r}" is not a value that rules know')

    def _column(self, view: View, alias: str, name: str) -> str:
        found = view.schema.field(name)
        if found is None or name not in view.columns:
            raise RuleFault(f'"{view.name}" has no field "{name}"')
        return typed(found, f"{alias}.{view.columns[name]}")

    def _name(self, node: ast.Name) -> str:
        return self._column(self.view, "t", node.id)

    def _lookup(self, node: ast.Attribute) -> str:
        """`a.b.c`: from this row over foreign key `a`, then `b`, to field `c`."""
        chain = [node.attr]
        inner: ast.expr = node.value
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or len(chain) > DEPTH:
            raise RuleFault(f'"{ast.unparse(node)}" is not a lookup that rules know')
        view, alias = self.view, "t"
        path: tuple[str, ...] = ()
        for name in [inner.id, *reversed(chain[1:])]:
            path = (*path, name)
            view, alias = self._joined(view, alias, path)
        return self._column(view, alias, node.attr)

    def _joined(self, view: View, alias: str, path: tuple[str, ...]) -> tuple[View, str]:
        """The row that a foreign key points at, joined once per path."""
        key = _foreign_key(view, path[-1])
        target = self._target(key, view)
        if path not in self.joins:
            theirs = target.columns[key.reference_fields[0]]
            once = key.reference_fields == target.unique
            relation = target.relation if once else f"(SELECT DISTINCT ON ({theirs}) * FROM {target.relation})"
            name = f"j{len(self.joins) + 1}"
            self.joins[path] = f" LEFT JOIN {relation} AS {name} ON {name}.{theirs} = {alias}.{view.columns[path[-1]]}"
        return target, f"j{list(self.joins).index(path) + 1}"

    def _target(self, key: ForeignKey, view: View) -> View:
        target = self.views.get(key.reference) if key.reference else view
        if target is None:
            raise RuleFault(f'table "{key.reference}" could not be read')
        return target

    def _call(self, node: ast.Call) -> str:
        name = _called(node)
        if name in ("len", "words") and len(node.args) == 1 and not node.keywords:
            spell = sql.length if name == "len" else sql.words
            return spell(self.compile(node.args[0]))
        if name in ("exists", "count") and len(node.args) == 1 and not node.keywords:
            return self._referring(name, node.args[0])
        raise RuleFault(f'"{ast.unparse(node)}" is not a form that rules know')

    def _referring(self, name: str, node: ast.expr) -> str:
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            raise RuleFault(f"{name}() takes table.field")
        other = self.views.get(node.value.id)
        if other is None:
            raise RuleFault(f'there is no table "{node.value.id}"')
        key = _foreign_key(other, node.attr)
        if (key.reference or other.name) != self.view.name:
            raise RuleFault(f'"{node.value.id}.{node.attr}" does not point at "{self.view.name}"')
        mine = f"t.{self.view.columns[key.reference_fields[0]]}"
        theirs = other.columns[node.attr]
        if name == "exists":
            return f"({mine} IN (SELECT {theirs} FROM {other.relation} WHERE {theirs} IS NOT NULL))"
        return f"(SELECT count(*) FROM {other.relation} AS o WHERE o.{theirs} = {mine})"

    def disjoint(self, node: ast.Call) -> Query:
        """Rows that begin before an earlier row of their group has ended."""
        by = [keyword.value for keyword in node.keywords if keyword.arg == "by"]
        if len(node.args) != 2 or len(node.keywords) != len(by) or len(by) > 1:
            raise RuleFault("disjoint() takes a start, an end and by=field")
        start, end = (self.compile(argument) for argument in node.args)
        group = f"PARTITION BY {self.compile(by[0])}" if by else ""
        earlier = f"max({end}) OVER ({group} ORDER BY {start}, t.rn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        joins = "".join(self.joins.values())
        source = f"(SELECT t.rn AS rn, {start} AS s, {earlier} AS e FROM {self.view.relation} AS t{joins})"
        return Query(source, "", "t.s >= t.e")


def _foreign_key(view: View, name: str) -> ForeignKey:
    for key in view.schema.foreign_keys:
        if key.fields == (name,) and len(key.reference_fields) == 1:
            return key
    raise RuleFault(f'"{view.name}.{name}" is not a foreign key of one field')
