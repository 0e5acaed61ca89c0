"""Reports for the tests of their renderers: one of every sort of error, and one whose every text is hostile."""

from __future__ import annotations

from imprint.report import Error, Report, Task, Total


def error(kind: str, note: str, row: int | None = None, line: int | None = None, **more: object) -> Error:
    """An error of the table "people", whose rows lie in data/people.csv."""
    place = {"resource": "people", "path": "data/people.csv" if line else None, "line": line, "row_number": row}
    return Error(**{"type": kind, "note": note, **place, **more})  # type: ignore[arg-type]


AGE = {"field_name": "age", "field_number": 5}
ROWS = {
    3: ("2", "Bob", "Rue de la Paix 5", "Paris", "old", "x@example.org", "2001-01-01", "FR"),
    5: ("4", "Eve\nMarie", "日本橋", "東京", "-1", "", "2002-02-02", "JP"),
    6: ("4", "Mallory", "", "", "", None, None, None),
    8: ("", "", "", "", "", "", "", ""),
}
PEOPLE = Task(
    name="people",
    type="table",
    place="data/people.csv",
    labels=("id", "name", "street", "city", "age", "mail", "born", "country"),
    rows=1200,
    bytes=50_000,
    errors=(
        error("type-error", 'type is "integer/default"', 3, 3, cell="old", **AGE),
        error("constraint-error", 'constraint "minimum" is "0"', 5, 5, cell="-1", **AGE),
        error("primary-key", 'the key "4" is the same as in the row at position 5', 6, 7, field_name="id"),
        error("missing-cell", "row 6 has 5 cells of 8: none for this field", 6, 7, field_name="born", field_number=7),
        error("blank-row", "the row is blank", 8, 9),
        error("hash-count", 'expected is "a" and actual is "b"'),
    ),
    warnings=(error("row-constraint", "a city has a street (rule city)", 6, 7, rule="city", severity="warning"),),
    totals=(
        Total("people", "type-error", 1000, "age"),
        Total("people", "constraint-error", 1, "age"),
        Total("people", "primary-key", 1, "id"),
        Total("people", "missing-cell", 1, "born"),
        Total("people", "blank-row", 1),
        Total("people", "hash-count", 1),
        Total("people", "row-constraint", 3, severity="warning"),
    ),
    sampled=True,
    rows_shown=ROWS,
)
PARTS = Task(
    "parts", "table", "a.csv, b.csv", ("id",), 4, 20,
    (Error("type-error", "is no number", "parts", 4, "id", 1, "x", path="b.csv", line=3),),
    totals=(Total("parts", "type-error", 1, "id"),), rows_shown={4: ("x",)},
)  # fmt: skip
ABSENT = Task(
    "absent", "table", "absent.csv", errors=(Error("scheme-error", 'path "absent.csv" is not there', "absent", unchecked=True),),
    totals=(Total("absent", "scheme-error", 1),),
)  # fmt: skip
CLEAN = Task("clean", "table", "clean.csv", ("id",), 10, 100)
DESCRIPTOR = (Error("package-error", '"licenses" needs a "name" or a "path"'),)
PLACE = {"source": "demo", "base": "demo", "descriptor": "datapackage.json"}

VALID = Report("demo", "1.2.0", tasks=(CLEAN,), **PLACE)
INVALID = Report("demo", "1.2.0", DESCRIPTOR, (PEOPLE, PARTS, ABSENT, CLEAN), 0.25, **PLACE)
WARNED = Report(
    "demo", "1.2.0", tasks=(Task("people", "table", "p.csv", ("id",), 1, warnings=PEOPLE.warnings, totals=PEOPLE.totals[-1:]),)
)
STRICT = Report(WARNED.name, WARNED.version, tasks=WARNED.tasks, strict=True)

# What would act if it were taken for markup, a command, a link, a mention or a terminal's control sequence.
HOSTILE_TEXTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "</pre></td></details><h1>x",
    "]]><!--", "&lt;b&gt;&amp;#0;", "\x1b[31mred\x1b]0;title\x07", "a\x00b\x08\x7f\x9b1m", "\u202egnp.exe\u202c\u200f\u2066",
    "line\r\n::error::x\n##[error]x", "%0A::error::x", "a|b`c`*d*_e_~f~", "@octocat #1 GH-1 https://example.org www.example.org",
    "[x](https://example.org)![y](z)", ":smile: $x$ \\| \\", "\ufffe\uffff\ud800", "x" * 100_000, "\t\v\f\x1c\x85\u2028",
    "=cmd|' /C calc'!A0", "שלום", "{{7*7}}${7*7}", "",
)  # fmt: skip


def hostile() -> Report:
    """A report whose names, labels, notes and cells are hostile."""
    texts = HOSTILE_TEXTS
    errors = tuple(
        Error("type-error", text, texts[0], number, text, number, text, path=text or None, line=number)
        for number, text in enumerate(texts, 1)
    )
    totals = tuple(Total(texts[0], "type-error", 1, text or None) for text in texts)
    task = Task(
        texts[0], "table", texts[1], texts, 9, None, errors, totals=totals, rows_shown=dict.fromkeys(range(1, 30), texts)
    )
    own = tuple(Error("package-error", text) for text in texts)
    return Report(texts[0], texts[1], own, (task,), base=texts[1], descriptor=texts[2])
