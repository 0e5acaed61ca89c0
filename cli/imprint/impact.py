"""How the changes between two packages affect a consumer, by what its lock says that it relies on.

One function per kind of difference, in one table by the id of its version rule. What can't be shown to leave the consumer
alone may affect it. Waivers count for nothing here: they lower a version, and mend no script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial

from .changes import Changes, Difference, ResourceDiff, RowChange
from .package import Field, Package, Resource
from .report import shorten
from .uses import Lock, Use, codes_of, keys_of
from .version import RULES, Bump

VALUES = ("values-corrected", "values-revised")
LACKING = ("superset", "partial")  # `fieldsMatch` under which the data may lack a field of the schema


class Level(IntEnum):
    """How far a change affects a consumer."""

    untouched = 0
    may_differ = 1
    breaks = 2

    @property
    def word(self) -> str:
        """As JSON has it."""
        return self.name.replace("_", "-")


@dataclass(frozen=True)
class Effect:
    """A difference that touches a consumer, how far, and why, as a sentence about the consumer."""

    difference: Difference
    level: Level
    why: str

    @property
    def witness(self) -> str | None:
        """An example of the difference; of values, `why` has one in what the consumer reads."""
        return None if self.difference.rule in VALUES else self.difference.witness


@dataclass(frozen=True)
class Impact:
    """How a lock's consumer is affected: the effects, the worst first, and how many differences don't touch it."""

    lock: Lock
    effects: tuple[Effect, ...]
    untouched: int

    @property
    def level(self) -> Level:
        """The worst of the effects."""
        return max((effect.level for effect in self.effects), default=Level.untouched)

    @property
    def affected(self) -> bool:
        """Whether anything that the consumer relies on differs."""
        return bool(self.effects)


@dataclass(frozen=True)
class Touch:
    """A difference in a resource that a consumer uses, the resource on both sides, and what its rows do."""

    use: Use
    difference: Difference
    old: Resource | None
    new: Resource | None
    rows: ResourceDiff | None

    @property
    def field(self) -> str:
        """The field that differs, or ""."""
        return self.difference.field or ""

    @property
    def reads(self) -> bool:
        """Whether the consumer relies on what differs: the field, or else the resource."""
        return not self.difference.field or self.use.reads(self.difference.field)


Judged = tuple[Level, str]
UNTOUCHED: Judged = (Level.untouched, "")


def of(locks: Iterable[Lock], old: Package, new: Package, renamed: Mapping[str, str], changes: Changes) -> tuple[Impact, ...]:
    """How the changes from `old` to `new` affect the consumer of each lock. Every lock fits `old` (`uses.check`).

    `renamed` is what the diff was told of renames, as in `Terms`: its differences are in the words of `new`, a lock is not.
    """
    return tuple(_impact(lock, old, new, {**_of_bare(old, new), **renamed}, changes) for lock in locks)


def _of_bare(old: Package, new: Package) -> Mapping[str, str]:
    """Two bare data files are compared under the name of the second."""
    both = [(one, after) for one, after in zip(old.resources, new.resources, strict=False)]
    bare = both if old.bare and new.bare else []
    return {one.name: after.name for one, after in bare}


def _impact(lock: Lock, old: Package, new: Package, renamed: Mapping[str, str], changes: Changes) -> Impact:
    effects = []
    for difference in changes.differences:
        name = difference.resource
        use = next((one for one in lock.uses if name in (one.resource, renamed.get(one.resource))), None)
        if name is None:
            level, why = _of_package(lock, difference, old, new)
        elif use is None:
            level, why = UNTOUCHED
        else:
            now = renamed.get(use.resource, use.resource)
            rows = next((one for one in changes.resources if one.name == now), None)
            touch = Touch(_renamed(use, old, renamed), difference, old.resource(use.resource), new.resource(now), rows)
            level, why = JUDGES.get(difference.rule, _by_bump)(touch)
        if level:
            effects.append(Effect(difference, level, why))
    return Impact(lock, tuple(sorted(effects, key=lambda one: -one.level)), len(changes.differences) - len(effects))


def _renamed(use: Use, old: Package, renamed: Mapping[str, str]) -> Use:
    """A use with its fields under their new names, and under the old ones besides."""

    def new(field: str) -> str:
        alone = field if len(old.tables) == 1 else ""  # of a package with one table, a path may be the field alone
        return renamed.get(f"{use.resource}.{field}") or renamed.get(alone) or field

    names = None if use.fields is None else tuple(dict.fromkeys((*use.named, *map(new, use.named))))
    return replace(
        use, fields=names, key=tuple(map(new, use.key)), codes={new(name): codes for name, codes in use.codes.items()}
    )


def _of_package(lock: Lock, difference: Difference, old: Package, new: Package) -> Judged:
    match difference.rule:
        case "package-renamed" if lock.package and old.name != new.name:
            return Level.breaks, f'it finds the package as "{old.name}"'
        case "licence-restricted":
            return LICENCE
        case "constraint-tightened" | "constraint-loosened":
            used = {use.resource for use in lock.uses}
            before, after = ({rule for rule in one.rules if used & set(rule.resources)} for one in (old, new))
            more = before <= after and new.warnings <= old.warnings  # and so no row that could not come before
            return UNTOUCHED if more else (Level.may_differ, "less is promised of the rows that it reads")
        case "package-renamed" | "metadata-changed" | "view-added":
            return UNTOUCHED
        case rule:
            level = min(_level_of(rule), Level.may_differ)  # whether it relies on that isn't known
            return level, RULES[rule].reason if level else ""


LICENCE: Judged = (Level.may_differ, "whether it may still be used so is to be looked at")


def _level_of(rule: str) -> Level:
    bump = RULES[rule].bump
    return Level.breaks if bump is Bump.major else Level.may_differ if bump is Bump.minor else Level.untouched


def _by_bump(touch: Touch) -> Judged:
    level = _level_of(touch.difference.rule) if touch.reads else Level.untouched
    return level, RULES[touch.difference.rule].reason if level else ""


# One function per kind of difference


def _always(level: Level, why: str, touch: Touch) -> Judged:
    return (level, why) if touch.reads else UNTOUCHED


def _never(_: Touch) -> Judged:
    return UNTOUCHED


def _field_removed(touch: Touch) -> Judged:
    return (Level.breaks, "it reads this field") if touch.reads else _by_position(touch)


def _field_added(touch: Touch) -> Judged:
    if touch.use.order or touch.use.fields is not None:
        return _by_position(touch)
    return Level.may_differ, "it reads all fields, and finds one more"


def _by_position(touch: Touch) -> Judged:
    return (Level.breaks, "it reads by position, and positions change") if touch.use.order else UNTOUCHED


def _fields_match(touch: Touch) -> Judged:
    if touch.use.order:
        return Level.breaks, "it reads by position, and columns are matched in another way"
    may_lack = touch.new is not None and touch.new.schema is not None and touch.new.schema.fields_match in LACKING
    return (Level.may_differ, "the data may lack a field that it reads") if may_lack else UNTOUCHED


def _key_changed(touch: Touch) -> Judged:
    """Whether the key that is relied on still tells rows apart, and what is read still leads to rows of another table."""
    level, why = _key_lost(touch)
    if level:
        return level, why
    before, after = (one.schema.foreign_keys if one and one.schema else () for one in (touch.old, touch.new))
    lost = [one for one in before if one not in after and any(map(touch.use.reads, one.fields))]
    return (Level.may_differ, f"joins by {', '.join(lost[0].fields)} may find no row") if lost else UNTOUCHED


def _key_lost(touch: Touch) -> Judged:
    key = set(touch.use.key)
    if not key or any(one <= key for one in keys_of(touch.new)):
        return UNTOUCHED
    name = ", ".join(touch.use.key)
    if touch.rows and touch.rows.key and set(touch.rows.key) <= key:
        return Level.may_differ, f"its key {name} still tells rows apart, but is no longer promised to"
    return Level.breaks, f"its key {name} may stand in several rows now: look-ups fail, joins multiply"


def _constraint(touch: Touch) -> Judged:
    """What readers are sent: a constraint that is tightened sends them less, unless it can't be told what it allows."""
    if not touch.reads:
        return UNTOUCHED
    fields = [one.schema.field(touch.field) if one and one.schema else None for one in (touch.old, touch.new)]
    about_codes = touch.difference.rule == "codes-added" or any(f'"{word}"' in touch.difference.message for word in CODED)
    before, after = map(codes_of, fields)
    if touch.field in touch.use.key and (lost := _key_lost(touch)) != UNTOUCHED:
        return lost
    if about_codes and before and after:
        return _codes(touch.use.codes.get(touch.field, ()), before, after)
    if touch.difference.rule == "constraint-tightened" and _surely_less(*fields):
        return UNTOUCHED
    return Level.may_differ, "it may be sent values that it wasn't written for"


def _surely_less(old: Field | None, new: Field | None) -> bool:
    """Whether every constraint that differs is one more, or a bound between numbers."""
    if old is None or new is None:
        return False
    pairs = [(old.constraints.get(word), value) for word, value in new.constraints.items()]
    return all(was in (None, False, value) or {type(was), type(value)} <= {int, float} for was, value in pairs)


def _codes(known: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Judged:
    gone = [code for code in known if code not in after]
    new = [code for code in after if code not in before]
    if gone:
        return Level.breaks, f"it knows {_listed(gone)}, which {'is' if len(gone) == 1 else 'are'} gone"
    if new:
        return Level.may_differ, f"it may not know {_listed(new)}"
    return UNTOUCHED if known else (Level.may_differ, "it may know a code that is gone")


CODED = ("enum", "categories")


def _listed(codes: list[str]) -> str:
    return ", ".join(f'"{code}"' for code in codes[:5]) + (f" and {len(codes) - 5} more" if len(codes) > 5 else "")


def _rows(why: str, touch: Touch) -> Judged:
    return (Level.may_differ, why) if touch.use.values and touch.reads else UNTOUCHED


def _referenced_removed(touch: Touch) -> Judged:
    if not touch.use.values:
        return UNTOUCHED
    if touch.use.key:
        return Level.breaks, f"joins on its key {', '.join(touch.use.key)} no longer find these rows"
    return Level.may_differ, "rows that others refer to are gone"


def _values(touch: Touch) -> Judged:
    counts = {name: count for name, count in touch.rows.fields.items() if touch.use.reads(name)} if touch.rows else {}
    if not counts or not touch.use.values:
        return UNTOUCHED
    said = ", ".join(f"{name} ({count:,})" for name, count in list(counts.items())[:5])
    more = f" and {len(counts) - 5} more fields" if len(counts) > 5 else ""
    example = next(_examples(touch, counts), "")
    return Level.may_differ, f"cells that it reads change in {said}{more}{example}"


def _examples(touch: Touch, fields: Iterable[str]) -> Iterator[str]:
    for row in touch.rows.rows if touch.rows else ():
        for name, (old, new) in row.cells.items():
            if row.op == "changed" and name in fields:
                yield f", such as {name} of {_name(row)}: {_cell(old)} → {_cell(new)}"


def _name(row: RowChange) -> str:
    return ", ".join("null" if value is None else shorten(value, 32) for value in row.key.values())


def _cell(text: str | None) -> str:
    return "null" if text is None else f"«{shorten(text, 32)}»"


def _storage(touch: Touch) -> Judged:
    """Whoever opens the files relies on where they are and how they are written."""
    old, new, paths = touch.old, touch.new, touch.use.paths
    gone = [path for path in paths if new is not None and path not in new.paths]
    if gone:
        return Level.breaks, f"it opens {', '.join(gone)}, which is gone"
    alike = old and new and all(getattr(old, word) == getattr(new, word) for word in WRITTEN)
    return (Level.may_differ, "it opens the file itself, which is written otherwise") if paths and not alike else UNTOUCHED


WRITTEN = ("paths", "format", "encoding", "compression", "dialect")


def _content(touch: Touch) -> Judged:
    return (Level.may_differ, "it reads this file") if touch.use.values else UNTOUCHED


JUDGES: dict[str, Callable[[Touch], Judged]] = {
    "licence-restricted": partial(_always, *LICENCE),
    "resource-removed": partial(_always, Level.breaks, "it reads this resource"),
    "resource-renamed": partial(_always, Level.breaks, "it finds this resource by its old name"),
    "resource-added": _never,
    "field-removed": _field_removed,
    "field-renamed": partial(_always, Level.breaks, "it reads this field by its old name"),
    "field-added": _field_added,
    "field-added-by-name": _field_added,
    "fields-reordered": _by_position,
    "fields-reordered-by-name": _by_position,
    "fields-match-changed": _fields_match,
    "type-changed": partial(_always, Level.breaks, "it reads values of the old type"),
    "format-changed": partial(_always, Level.breaks, "it reads values written in the old way"),
    "missing-values-changed": partial(_always, Level.breaks, "other cells of what it reads are null"),
    "key-changed": _key_changed,
    "constraint-tightened": _constraint,
    "constraint-loosened": _constraint,
    "codes-added": _constraint,
    "rows-added": partial(_rows, "it finds rows that were not there"),
    "rows-removed": partial(_rows, "it misses rows that were there"),
    "references-changed": partial(_rows, "what it reads refers to other rows"),
    "many-rows-removed": partial(_rows, "it misses rows that were there"),
    "referenced-rows-removed": _referenced_removed,
    "referenced-rows-changed": partial(_rows, "what refers to its rows refers to other ones"),
    "values-corrected": _values,
    "values-revised": _values,
    "metadata-changed": _never,
    "storage-changed": _storage,
    "content-changed": _content,
}
