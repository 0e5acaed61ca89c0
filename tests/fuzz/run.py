"""Feeds imprint with what a coverage-guided fuzzer (Atheris) thinks of: `python tests/fuzz/run.py TARGET [libFuzzer option…]`.

Whatever comes, the end is a Report or an ImprintError. Of CSV, both readers must say the same. What a target found is a file
`crash-…` in this directory; `python tests/fuzz/run.py TARGET FILE` shows it again.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["imprint"]):
    import imprint
    from imprint import api, render, rules, validation
    from imprint.package import Field, ForeignKey, Rule, Schema

CASES = Path(__file__).parent.parent / "cases"
FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
BASE = Path(FOLDER.name)
TYPES = [
    "string", "integer", "number", "boolean", "date", "time", "datetime", "year", "yearmonth", "duration", "geopoint", "geojson",
    "object", "array", "list", "any",
]  # fmt: skip
FORMATS = ["default", "any", "email", "uri", "uuid", "binary", "array", "object", "topojson", "%d/%m/%Y", "%Y%m%d", "%H:%M"]
CONSTRAINTS = [
    {"required": True}, {"unique": True}, {"minLength": 2}, {"maxLength": 3}, {"minimum": "1"}, {"maximum": "2020"},
    {"exclusiveMinimum": 0}, {"pattern": "[a-z]+"}, {"pattern": "a|bc$"}, {"pattern": "(?!x)\\w+"}, {"enum": ["1", "a"]},
    {"jsonSchema": {"type": "object"}}, {},
]  # fmt: skip
ENCODINGS = ["utf-8", "latin-1", "ascii", "utf-16", "utf-16-le", "cp1252", "utf-8-sig", "shift_jis"]
SETTINGS = [
    ("delimiter", [",", ";", "\t", "|", " ", "a", '"', "é"]), ("quoteChar", ['"', "'", ""]), ("escapeChar", ["\\", '"', ""]),
    ("header", [True, False]), ("headerRows", [[1, 2], [2]]), ("commentChar", ["#"]), ("commentRows", [[1], [3]]),
    ("doubleQuote", [True, False]), ("skipInitialSpace", [True, False]), ("nullSequence", ["NA", ""]),
    ("lineTerminator", ["\n", "\r\n", "\r"]),
]  # fmt: skip


def fuzz_csv(data: bytes) -> None:
    """Any bytes as CSV in some dialect, with some schema: the fast and the exact reader find the same."""
    choose = atheris.FuzzedDataProvider(data)
    fields = [_field(choose, number) for number in range(choose.ConsumeIntInRange(0, 4))]
    dialect = {word: choose.PickValueInList(values) for word, values in SETTINGS if choose.ConsumeIntInRange(0, 4) == 0}
    resource: dict[str, Any] = {"name": "t", "path": "t.csv", "dialect": dialect}
    resource["encoding"] = choose.PickValueInList(ENCODINGS) if choose.ConsumeBool() else "utf-8"
    if fields:
        keys = {"primaryKey": ["f0"]} if choose.ConsumeBool() else {}
        match = choose.PickValueInList(["exact", "equal", "subset", "superset", "partial"])
        resource["schema"] = {"fields": fields, "fieldsMatch": match, "missingValues": ["", "-"], **keys}
    (BASE / "t.csv").write_bytes(choose.ConsumeBytes(choose.remaining_bytes()))
    path = _descriptor({"$schema": "https://datapackage.org/profiles/2.0/datapackage.json", "resources": [resource]})
    fast = _validated(path)
    reader, validation.read_table = validation.read_table, validation.reread
    try:
        exact = _validated(path)
    finally:
        validation.read_table = reader
    assert fast == exact, f"{json.dumps(resource)}\nfast:  {fast}\nexact: {exact}"


def _field(choose: Any, number: int) -> dict[str, Any]:
    kind, form = choose.PickValueInList(TYPES), choose.PickValueInList(FORMATS)
    field: dict[str, Any] = {"name": f"f{number}", "type": kind, "constraints": choose.PickValueInList(CONSTRAINTS)}
    if choose.ConsumeBool():
        field["format"] = form
    if choose.ConsumeIntInRange(0, 4) == 0:
        field |= {"groupChar": ",", "bareNumber": False} if kind in ("integer", "number") else {"delimiter": ";"}
    return field


def fuzz_descriptor(data: bytes) -> None:
    """Any text as descriptor."""
    (BASE / "datapackage.json").write_bytes(data)
    (BASE / "t.csv").write_text("a,b\n1,2\n")
    _validated(BASE / "datapackage.json")


def fuzz_json(data: bytes) -> None:
    """Any bytes as a JSON resource, or JSON lines."""
    name = "t.json" if data[:1] > b"a" else "t.jsonl"
    (BASE / name).write_bytes(data[1:])
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "a", "type": "number"},
        {"name": "b"},
        {"name": "o", "type": "object"},
    ]
    resource = {"name": "t", "type": "table", "path": name, "schema": {"fields": fields, "fieldsMatch": "partial"}}
    _validated(_descriptor({"resources": [resource, {"name": "u", "path": name, "jsonSchema": {"type": "array"}}]}))


def fuzz_rules(data: bytes) -> None:
    """Any text as a rule: it is refused, or DuckDB takes it, locked as it is, and nothing but reading comes of it."""
    expression = data.decode("utf-8", "replace")
    fields = tuple(Field(name, kind, "default", {}, ("",), {}) for name, kind in FIELDS.items())
    views = {"t": rules.View("t", Schema(fields, ("id",), (), (ForeignKey(("up",), "", ("id",)),)), "t", COLUMNS, ("id",))}
    try:
        query = rules.compile_rule(Rule("r", ("t",), expression, "m", "error"), "t", views)
    except rules.RuleFault:
        return
    with contextlib.suppress(validation.EngineError):
        ENGINE.rows(query.violations())


FIELDS = {"id": "integer", "up": "integer", "d": "date", "s": "string", "x": "number", "y": "year", "b": "boolean"}
COLUMNS = {name: f"v{number}" for number, name in enumerate(FIELDS, 1)}
ENGINE = validation.Engine()
ENGINE.rows(
    "CREATE TABLE t AS SELECT 2 AS rn, '1' AS v1, '1' AS v2, '2020-01-01' AS v3, 'x' AS v4, '1.5' AS v5, '2020' AS v6, 'true' AS v7"
)


def _descriptor(content: dict[str, Any]) -> Path:
    path = BASE / "datapackage.json"
    path.write_text(json.dumps(content))
    return path


def _validated(path: Path) -> Any:
    try:
        report = api.validate(path, limit=0)
    except imprint.ImprintError as error:
        str(error)
        return None
    render.to_json(report.to_dict()).encode()
    found = sorted((e.type, e.row_number or 0, e.field_name or "", e.field_number or 0) for e in report.all_errors)
    totals = sorted((t.type, t.field or "", t.count) for task in report.tasks for t in task.totals)
    return found, totals, [(task.rows, task.labels) for task in report.tasks]


def seeds(target: str) -> list[bytes]:
    """What to begin with: the cases that the tests have."""
    patterns = {"csv": "*/*.csv", "descriptor": "*/datapackage.json", "json": "*/*.json*"}
    if target == "rules":
        return [line.strip().encode() for line in (rules.__doc__ or "").splitlines() if line.startswith("    ")]
    found = [path.read_bytes() for path in (CASES / "validate").glob(patterns[target])]
    return [(b"b" if target == "json" else b"\0" * 24) + one if target != "descriptor" else one for one in found]


TARGETS = {"csv": fuzz_csv, "descriptor": fuzz_descriptor, "rules": fuzz_rules, "json": fuzz_json}

if __name__ == "__main__":
    name, options = sys.argv[1], sys.argv[2:]
    if not any(Path(option).is_file() for option in options):
        start = BASE / "seeds"
        start.mkdir()
        for number, seed in enumerate(seeds(name)):
            (start / str(number)).write_bytes(seed)
        options.append(str(start))
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={Path(__file__).parent}/{name}-", "-timeout=30", "-rss_limit_mb=6000"],
        TARGETS[name],
    )
    atheris.Fuzz()
