"""A diff as JSON, for programs: all of it, in the form that profiles/diff-1.0.json describes."""

from __future__ import annotations

import json
from typing import Any

from ..changes import Changes, Note, ResourceDiff, Side
from ..version import Fired, Verdict


def render(changes: Changes, verdict: Verdict) -> str:
    """Two spaces, text as it is."""
    return json.dumps(to_dict(changes, verdict), indent=2, ensure_ascii=False)


def to_dict(changes: Changes, verdict: Verdict) -> dict[str, Any]:
    """The JSON form of a diff."""
    return {
        "old": _side(changes.old),
        "new": _side(changes.new),
        "bump": verdict.bump.name,
        "nextVersion": verdict.next_version,
        "profile": verdict.profile,
        "notes": [_note(one) for one in changes.notes],
        "changes": [_change(one) for one in verdict.fired],
        "resources": [_resource(one) for one in changes.resources],
    }


def _side(one: Side) -> dict[str, str]:
    return {"name": one.name, "version": one.version, "fingerprint": one.fingerprint}


def _note(one: Note) -> dict[str, str]:
    return {"kind": one.kind, **_place(one.resource, one.field), "message": one.message}


def _place(resource: str | None, field: str | None) -> dict[str, str]:
    return {word: name for word, name in (("resource", resource), ("field", field)) if name is not None}


def _change(one: Fired) -> dict[str, Any]:
    difference = one.difference
    return {
        "rule": one.rule.id,
        "bump": one.rule.bump.name,
        **_place(difference.resource, difference.field),
        **({"count": difference.count} if difference.count is not None else {}),
        "message": difference.message,
        **({"witness": difference.witness} if difference.witness else {}),
        **({"waived": True} if one.waived else {}),
        **({"reason": one.reason} if one.reason else {}),
    }


def _resource(one: ResourceDiff) -> dict[str, Any]:
    rows = [{"op": row.op, "key": dict(row.key), "cells": {k: list(v) for k, v in row.cells.items()}} for row in one.rows]
    counts = {word: getattr(one, word) for word in ("added", "removed", "changed", "unchanged")}
    return {"name": one.name, "key": list(one.key), **counts, "fields": dict(one.fields), "rows": rows, "sampled": one.sampled}
