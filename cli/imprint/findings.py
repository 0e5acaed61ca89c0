"""What is found wrong with a resource, as it is found: every fault is counted, the first few of each kind are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .report import Error, Total

Kind = tuple[str, str | None, str]  # type, field, severity
# What keeps a table from being read: told whatever is looked for, as nothing can be said of what is.
STOPPING = frozenset({"scheme-error", "format-error", "compression-error", "dialect-error", "source-error"})


@dataclass(frozen=True)
class Policy:
    """Which faults are looked for, by type or id of a rule, and which of them are warnings.

    `only` (all, if empty) and `skip` choose types, `resources` (all, if empty) and `skipped` resources by name.
    """

    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    strict: bool = False

    def wants(self, kind: str, rule: str | None = None) -> bool:
        """Whether a type of fault, or a rule, is looked for; what keeps a table from being read is, unless it is skipped."""
        named = {kind, rule}
        return not ((self.only and kind not in STOPPING and not named & self.only) or named & self.skip)

    def wants_resource(self, name: str) -> bool:
        """Whether a resource is checked."""
        return name not in self.skipped and (not self.resources or name in self.resources)

    def severity(self, kind: str, rule: str | None = None, declared: str = "error") -> str:
        """`error` or `warning`."""
        return "warning" if {kind, rule} & self.warn else declared

    def judge(self, errors: Iterable[Error]) -> list[Error]:
        """Faults that were found elsewhere: those that are wanted, each with its severity."""
        wanted = filter(self._wants_error, errors)
        return [replace(error, severity=self.severity(error.type, error.rule, error.severity)) for error in wanted]

    def _wants_error(self, error: Error) -> bool:
        if error.rule and error.type == "package-error":  # a rule that was looked for, and can't be
            return error.type not in self.skip
        if not error.resource and error.type == "source-error":
            return self.wants(error.type)
        stopping = bool(error.resource) and error.unchecked and error.type not in self.skip
        return (stopping or self.wants(error.type, error.rule)) and self.wants_resource(error.resource)


@dataclass
class Findings:
    """Counts every fault of a resource, keeps the first `limit` of each (type, field); 0 keeps all.

    `no_values` are cells that are not of their type, `rows` cells as they were, where the engine has only canonical texts.
    """

    resource: str
    limit: int
    policy: Policy = Policy()
    errors: list[Error] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    shown: Counter[Kind] = field(default_factory=Counter)
    no_values: set[tuple[int, int]] = field(default_factory=set)  # (row, field number)
    rows: dict[int, tuple[str | None, ...]] = field(default_factory=dict)

    def wants(self, kind: str, rule: str | None = None) -> bool:
        """Whether a type of fault, or a rule, is looked for."""
        return self.policy.wants(kind, rule)

    def count(self, kind: str, name: str | None, number: int, rule: str | None = None, severity: str = "error") -> None:
        """Count faults of which examples are shown elsewhere."""
        if self.policy.wants(kind, rule):
            self.counts[kind, name, self.policy.severity(kind, rule, severity)] += number

    def add(self, kind: str, note: str, **place: Any) -> None:
        """Count a fault, and keep it as an example while there is room."""
        self.count(kind, place.get("field_name"), 1, place.get("rule"), place.get("severity", "error"))
        self.show(kind, note, **place)

    def show(self, kind: str, note: str, **place: Any) -> None:
        """Keep an example of a fault that is counted elsewhere."""
        rule = place.get("rule")
        if not self.policy.wants(kind, rule):
            return
        place["severity"] = self.policy.severity(kind, rule, place.get("severity", "error"))
        key = (kind, rule or place.get("field_name"), place["severity"])
        if self.limit == 0 or self.shown[key] < self.limit:
            self.errors.append(Error(type=kind, note=note, resource=self.resource, **place))
            self.shown[key] += 1

    def attach(self, error: Error) -> None:
        """Count and show a fault that was found elsewhere."""
        self.counts[error.type, error.field_name, error.severity] += 1
        self.errors.append(error)

    def clear(self) -> None:
        """Forget everything, before a table is read again."""
        self.errors.clear()
        self.counts.clear()
        self.shown.clear()
        self.no_values.clear()
        self.rows.clear()

    def totals(self) -> tuple[Total, ...]:
        """How often each fault occurs."""
        found = ((kind, name, severity, number) for (kind, name, severity), number in self.counts.items() if number)
        return tuple(Total(self.resource, kind, number, name or None, severity) for kind, name, severity, number in found)
