"""What a user asks a validation to look at: names of types of error, of rules and of resources, to a Policy."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from . import explanations
from .exceptions import UsageFault
from .findings import Policy
from .package import Package
from .report import Chosen


def policy(
    package: Package,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    warn: Collection[str] = (),
    strict: bool = False,
) -> Policy:
    """The policy that names mean. Raises UsageFault for the name of nothing, and for one to look for and not to."""
    only, skip, warn = map(several, (only, skip, warn))
    kinds = {*explanations.TABLE, *(rule.id for rule in package.rules)}
    resources = {resource.name for resource in package.resources}
    for option, names, known in (("only", only, kinds | resources), ("skip", skip, kinds | resources), ("warn", warn, kinds)):
        for name in names:
            if name not in known:
                raise _unknown(option, name, known)
    for name in sorted(set(only) & set(skip)):
        raise UsageFault(f'"{name}" is in --only too', where="--skip", fix="take one of the two away")
    return Policy(
        only=frozenset(only) & kinds,
        skip=frozenset(skip) & kinds,
        warn=frozenset(warn),
        resources=frozenset(only) - kinds,
        skipped=frozenset(skip) - kinds,
        strict=strict,
    )


def several(names: Collection[str]) -> tuple[str, ...]:
    """Names, of which a text is one, rather than its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def chosen(package: Package, policy: Policy) -> Chosen:
    """What a report says of a policy: its names, and the types of error that it looks for, and where."""
    wanted = frozenset(filter(policy.wants, explanations.TABLE)) - {"row-constraint"}
    types = {resource.name: wanted for resource in package.resources}
    for rule in package.rules:
        if policy.wants("row-constraint", rule.id):
            types |= {name: types[name] | {"row-constraint"} for name in types.keys() & set(rule.resources)}
    types[""] = wanted if policy.wants_resource("") else frozenset()
    return Chosen(
        only=tuple(sorted(policy.only | policy.resources)),
        skip=tuple(sorted(policy.skip | policy.skipped)),
        warn=tuple(sorted(policy.warn)),
        types=types,
    )


def _unknown(option: str, name: str, known: Collection[str]) -> UsageFault:
    near = difflib.get_close_matches(name, known, n=3)
    fix = f"did you mean {' or '.join(near)}?" if near else "imprint validate --explain lists the types"
    what = "no type of error nor rule" if option == "warn" else "no type of error, rule or resource"
    return UsageFault(f'"{name}" is {what} of this package', where=f"--{option}", fix=fix)
