"""One diff, five renderings: each folder of cases/diffs has a diff as JSON and what a reader gets of it in other forms."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import click
import pytest
from diffs import DIFFS, FOLDERS, from_json, read
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from packages import CASES, imprint_process, write
from packages import imprint as run
from test_reports import UNSEEN, columns

import imprint
from imprint import commands, diffs, version
from imprint.changes import Changes, ResourceDiff, RowChange
from imprint.diffs import csv as exact
from imprint.diffs import outline

ENDINGS = {"text": "txt", "markdown": "md", "csv": "csv"}
PACKAGES = sorted(path.parent for path in (CASES / "diff").glob("*/expected.json") if "refused" not in path.read_text("utf-8"))
OLD, NEW = CASES / "diff" / "values-revised" / "old", CASES / "diff" / "values-revised" / "new"


@functools.cache
def rendered(name: str, form: str) -> str:
    """A diff in a form."""
    return diffs.render(*DIFFS[name], form)


# All forms


def test_the_command_offers_every_form() -> None:
    assert tuple(commands.comparing.DIFF_FORMATS) == diffs.FORMATS


@pytest.mark.parametrize("form", ENDINGS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_diff_reads_as_its_folder_says(folder: Path, form: str) -> None:
    assert rendered(folder.name, form) + "\n" == (folder / f"diff.{ENDINGS[form]}").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_json_says_all_of_it(folder: Path) -> None:
    assert json.loads(rendered(folder.name, "json")) == json.loads((folder / "diff.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_what_cant_be_seen_is_escaped(form: str) -> None:
    assert [hex(ord(one)) for one in UNSEEN.findall(rendered("hostile", form))] == []


@pytest.mark.parametrize("form", diffs.FORMATS)
def test_half_a_surrogate_pair_can_be_written(form: str) -> None:
    assert rendered("hostile", form).encode()


def test_a_diff_stays_as_it_is() -> None:
    changes, verdict = read(FOLDERS[0])
    for form in diffs.FORMATS:
        diffs.render(changes, verdict, form)
    assert (changes, verdict) == read(FOLDERS[0])


# Cells cut to what differs


@pytest.mark.parametrize(
    "case", json.loads((CASES / "excerpts.json").read_text(encoding="utf-8")), ids=lambda case: case["what"]
)
def test_a_cell_is_cut_so_that_what_differs_is_seen(case: dict[str, Any]) -> None:
    found = outline.pair(case["old"], case["new"], case["width"])
    assert [one and one.text for one in found] == [one and one for one in case["shown"]]
    assert [None if one is None else one.middle for one in found] == case["differs"]
    assert all(len(one.text) <= case["width"] for one in found if one)


TEXTS = st.text(max_size=200) | st.text("ab .", max_size=200) | st.text("a\x00\\\u0301é", max_size=60)


@given(TEXTS, TEXTS, TEXTS, TEXTS, st.integers(40, 120))
def test_two_cells_that_differ_never_look_the_same_and_are_never_too_long(
    before: str, old: str, new: str, after: str, width: int
) -> None:
    first, second = outline.pair(before + old + after, before + new + after, width)
    assert first is not None
    assert second is not None
    assert (first.text == second.text) is (old == new)
    assert (first.before, first.after) == (second.before, second.after)
    for one in (first, second):
        assert len(one.text) <= width
        assert one.text.isprintable()


def test_a_long_cell_is_cut_in_no_time() -> None:
    text = "a b" * 1_000_000
    first, _ = outline.pair(text, text + "c", 40)
    assert first is not None
    assert len(first.text) <= 40


ROWS = {
    "each sort has its share": ("aaaaaarrrccc", 6, "aarrcc"),
    "what one sort leaves goes to the others": ("aaaaaar", 4, "aaar"),
    "all": ("car", 9, "car"),
    "one": ("aarrc", 1, "c"),
    "none": ("", 3, ""),
}


@pytest.mark.parametrize(("rows", "room", "expected"), ROWS.values(), ids=ROWS)
def test_the_rows_that_are_shown_are_of_every_sort(rows: str, room: int, expected: str) -> None:
    words = {"a": "added", "r": "removed", "c": "changed"}
    shown = outline.picked([RowChange(words[one], {}, {}) for one in rows], room)
    assert "".join(row.op[0] for row in shown) == expected


# Text


@pytest.mark.parametrize("name", DIFFS)
def test_text_fits_a_terminal_but_for_a_headline_of_long_names(name: str) -> None:
    lines = rendered(name, "text").splitlines()
    limit = 160 if name == "hostile" else 80  # a wide character takes two columns
    assert [line for line in lines[1:] if len(line) > 80 or columns(line) > limit] == []


def test_text_of_many_tables_is_no_wall() -> None:
    assert len(rendered("many-tables", "text").splitlines()) < 150


def test_colours_are_paint_alone() -> None:
    for name, diff in DIFFS.items():
        coloured = diffs.render(*diff, "text", click.style)
        assert "\x1b" in coloured
        assert click.unstyle(coloured) == rendered(name, "text")


def test_the_docs_show_what_is_printed() -> None:
    page = (CASES.parent.parent / "docs" / "diffs.md").read_text(encoding="utf-8")
    assert f"```\n{rendered('in-the-docs', 'text')}\n```" in page


# JSON


@functools.cache
def schema() -> Draft202012Validator:
    """The published schema of a diff."""
    text = resources.files("imprint").joinpath("profiles/diff-1.0.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def test_the_published_schema_is_a_schema_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(schema().schema)
    for name, one in schema().schema["$defs"].items():
        assert one["additionalProperties"] is False, name
        assert [key for key, value in one["properties"].items() if not value.get("description")] == [], name


@pytest.mark.parametrize("name", DIFFS)
def test_json_is_as_its_schema_says(name: str) -> None:
    assert [error.message for error in schema().iter_errors(json.loads(rendered(name, "json")))] == []


@pytest.mark.parametrize("folder", PACKAGES[::5], ids=lambda folder: folder.name)
def test_every_form_of_a_real_diff_says_what_demands_its_bump(folder: Path) -> None:
    keys = json.loads((folder / "expected.json").read_text(encoding="utf-8")).get("keys", {})
    changes = imprint.diff(folder / "old", folder / "new", keys=keys)
    verdict = version.verdict(changes)
    told = json.loads(diffs.render(changes, verdict, "json"))
    assert [error.message for error in schema().iter_errors(told)] == []
    again, judged = from_json(told)
    assert set(again.differences) == set(changes.differences)
    assert (again.resources, again.notes) == (changes.resources, changes.notes)
    assert judged.bump == verdict.bump
    for form in ("text", "markdown", "html"):
        assert [one.rule.id for one in verdict.fired if one.rule.id not in diffs.render(changes, verdict, form)] == []


def test_json_with_an_impact_is_as_the_schema_says(tmp_path: Path) -> None:
    uses = [{"resource": "people", "fields": ["id", "height"], "values": True}]
    lock = write(tmp_path, {"lock.json": {"package": "people", "uses": uses}}) / "lock.json"
    found = json.loads(run("diff", OLD, NEW, "--for", lock, "--format", "json").stdout)
    assert [error.message for error in schema().iter_errors(found)] == []
    assert [one["rule"] for one in found["impact"]["consumers"][0]["effects"]] == ["values-revised"]


@pytest.mark.parametrize(("path", "value"), [
    (("more",), 1), (("bump",), "large"), (("old", "fingerprint"), "x"), (("changes", 0, "waived"), False), (("changes", 0, "count"), 0),
    (("notes", 0, "kind"), "No key"), (("resources", 0, "rows", 0, "op"), "moved"), (("resources", 0, "rows", 0, "cells"), {"a": ["x"]}),
    (("resources", 0, "fields"), {"a": 0}), (("resources", 0, "key"), "id"), (("resources", 0, "added"), -1),
])  # fmt: skip
def test_the_schema_refuses_what_no_diff_is(path: tuple[Any, ...], value: Any) -> None:
    found = json.loads(rendered("herbs", "json"))
    functools.reduce(lambda part, key: part[key], path[:-1], found)[path[-1]] = value
    assert not schema().is_valid(found)


# Markdown


def test_markdown_has_the_verdict_what_demands_it_and_the_rows() -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(rendered("herbs", "markdown"))
    assert "<h3><code>herbs 1.2.3 → 1.2.4</code>: major, next version at least <code>2.0.0</code></h3>" in page
    assert page.count("<details>") == page.count("</details>") == 3
    assert "<del><code>1.5</code></del> → <ins><code>1.55</code></ins>" in page
    assert "<code>Kept dry, by the door | in the shade</code>" in page
    assert "<del>minor</del> waived: <code>nobody reads it yet</code>" in page
    assert len(re.findall(r"<tr>\n<td><code>[-+~]</code>", page)) == 7 + 20 + 1


def test_markdown_of_hostile_texts_has_no_markup_of_theirs() -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(rendered("hostile", "markdown"))
    allowed = "h3 p code table thead tbody tr th td details summary blockquote strong del ins i".split()
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", page)) <= set(allowed)
    assert {text for text in re.findall(r"<[a-z0-9]+ ([^>]*)>", page) if text} <= {'style="text-align:right"'}
    outside = re.sub(r"(?s)<code>.*?</code>", "", page)
    assert not re.search(r"[@#]\w|https?:|www\.|:smile:|\$x|alert|octocat", outside), "nothing stands where GitHub makes links"


@pytest.mark.parametrize(("tables", "rows", "fields"), [(1, 5000, 3), (3, 500, 12), (400, 5, 3), (3000, 1, 1)])
def test_markdown_is_short_enough_for_a_comment_and_says_what_it_leaves_out(tables: int, rows: int, fields: int) -> None:
    cells = {f"field_{number}": ("<old>|`" * 20, "@new" * 30) for number in range(fields)}
    listed = tuple(RowChange("changed", {"id": str(number)}, cells) for number in range(rows))
    found = [
        ResourceDiff(f"table_{number}", ("id",), 0, 0, rows, 7, dict.fromkeys(cells, rows), listed) for number in range(tables)
    ]
    many = [diffs.outline.Difference("values-revised", "x" * 100, one.name, witness="y" * 100) for one in found]
    notes = tuple(outline.Note("keyless", "z" * 300, one.name) for one in found)
    changes = Changes(*(DIFFS["herbs"][0].old,) * 2, tuple(many), tuple(found), notes=notes)
    text = diffs.render(changes, version.verdict(changes), "markdown")
    assert len(text) <= 60_000
    shown = len(re.findall(r"^\| `~` \|", text, re.MULTILINE))
    sections = text.count("<details>")
    hidden = [int(one.replace(",", "")) for one in re.findall(r"… and ([0-9,]+) rows? more", text)]
    assert shown + sum(hidden) == sections * rows
    assert shown > 0
    assert (f"The rows of {tables - sections:,} more tables are left out" in text) is (sections < tables)


# CSV


@pytest.mark.parametrize("name", DIFFS)
def test_csv_has_a_line_for_each_cell_and_row_exactly_as_it_is(name: str) -> None:
    changes, _ = DIFFS[name]
    written = diffs.render(*DIFFS[name], "csv") if name != "hostile" else exact.render(*DIFFS[name])
    found = list(csv.reader(io.StringIO(written, newline="")))
    assert found[0] == ["resource", "op", "key", "field", "old", "new"]
    expected = []
    for one in changes.resources:
        for row in one.rows:
            key = ", ".join("null" if value is None else value for value in row.key.values())
            if row.op == "changed":
                expected += [[one.name, row.op, key, field, old or "", new or ""] for field, (old, new) in row.cells.items()]
            else:
                side = int(row.op == "added")
                cells = {field: pair[side] for field, pair in row.cells.items()}
                expected.append([one.name, row.op, key, "", *("" if n != side else cells for n in (0, 1))])
    told = [
        [*line[:4], *(json.loads(cell) if cell and not line[3] and line[1] != "changed" else cell for cell in line[4:])]
        for line in found[1:]
    ]
    assert told == expected


def test_csv_tells_null_from_empty_and_leaves_formulas_as_they_are() -> None:
    lines = rendered("herbs", "csv").split("\n")
    assert 'plants,changed,4,note,"",' in lines
    assert "plants,changed,4,found,,2020-01-01" in lines
    assert "plants,changed,6,height,-1,=1+1" in lines


# The command


@pytest.mark.parametrize("form", diffs.FORMATS)
def test_a_diff_is_printed_or_written_to_a_file(tmp_path: Path, form: str) -> None:
    out = tmp_path / "new" / "diff"
    printed = run("diff", OLD, NEW, "--format", form)
    written = run("diff", OLD, NEW, "--format", form, "--output", out)
    assert (printed.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert written.stderr == f"people 1.2.3 → 1.2.3: major, next version at least 2.0.0; the diff is in {out}\n"
    assert out.read_text(encoding="utf-8") == printed.stdout.rstrip("\n") + "\n"
    assert [path.name for path in out.parent.iterdir()] == ["diff"], "no temporary file stays"


def test_a_diff_that_cant_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = write(tmp_path, {"diff": "old"}) / "diff"
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device", str(out))))
    done = run("diff", OLD, NEW, "-o", out)
    assert (done.exit_code, done.stderr.count("\n")) == (3, 1)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["diff"]


def test_a_directory_an_unknown_form_or_a_limit_below_none_is_a_usage_fault(tmp_path: Path) -> None:
    assert run("diff", OLD, NEW, "-o", tmp_path).exit_code == 2
    assert run("diff", OLD, NEW, "--format", "yaml").exit_code == 2
    assert run("diff", OLD, NEW, "--limit-rows", -1).exit_code == 2
    assert run("gitdiff", "--limit-rows", -1, "a path for which git has no other argument").exit_code == 2


def test_csv_lists_all_rows_and_other_forms_a_hundred_unless_told(tmp_path: Path) -> None:
    write(tmp_path, {"old.csv": "id\n", "new.csv": "id\n" + "".join(f"{number}\n" for number in range(250))})

    def lines(*options: object) -> int:
        done = run("diff", tmp_path / "old.csv", tmp_path / "new.csv", *options)
        return done.stdout.count('"op"') if "json" in options else done.stdout.count(",added,")

    assert lines("--format", "csv") == 250
    assert lines("--format", "csv", "--limit-rows", 3) == 3
    assert lines("--format", "json") == 100
    assert lines("--format", "json", "--limit-rows", 0) == 250


def test_colours_are_for_terminals(tmp_path: Path) -> None:
    assert "\x1b" not in imprint_process("diff", OLD, NEW, cwd=tmp_path).stdout
