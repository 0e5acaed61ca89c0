"""A report as JUnit XML: a suite for the descriptor and for each resource, a case for each type of error that was looked for.

What is wrong is a `failure`, what could not be checked an `error`; warnings are in the output of their case, unless the
report is strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from ..report import UNCHECKED, Report, Task
from .outline import OF_THE_DESCRIPTOR, Kind, count, headline, kinds, said, visible

IN_A_TABLE = (
    "blank-header", "blank-label", "duplicate-label", "extra-label", "missing-label", "incorrect-label", "unmatched-header",
    "blank-row", "extra-cell", "missing-cell", "encoding-error", "type-error", "constraint-error", "unique-error",
    "primary-key", "unique-keys", "foreign-key", "row-constraint",
)  # fmt: skip
IN_A_DESCRIPTOR = tuple(sorted(OF_THE_DESCRIPTOR - {"scheme-error", "dialect-error"}))


def render(report: Report) -> str:
    """The suites, with an XML declaration."""
    found = kinds(report)
    own = [kind for kind in found if kind.task is None]
    whole = _wanted(report, "", IN_A_DESCRIPTOR)
    suites = [_suite("datapackage", report, own, whole)] if own or whole else []
    for task in report.tasks:
        mine = [kind for kind in found if kind.task is task]
        looked_for = _wanted(report, task.name, IN_A_TABLE) if task.rows is not None else ()
        suites.append(_suite(task.name, report, mine, looked_for, task))
    root = ET.Element("testsuites", {"name": _text(headline(report)), **_sums(suites), "time": f"{report.seconds:.3f}"})
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _wanted(report: Report, name: str, types: Iterable[str]) -> list[str]:
    """Those of the types that were looked for in a resource, or ("") in the package as a whole."""
    return [one for one in types if report.chosen.types is None or one in report.chosen.types[name]]


def _sums(suites: Iterable[ET.Element]) -> dict[str, str]:
    listed = list(suites)
    return {word: str(sum(int(suite.get(word, "0")) for suite in listed)) for word in ("tests", "failures", "errors")}


def _suite(name: str, report: Report, found: list[Kind], looked_for: Iterable[str], task: Task | None = None) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _text(name)})
    types = dict.fromkeys((*(kind.type for kind in found), *looked_for)) or {"file": None}
    for one in types:
        case = ET.SubElement(suite, "testcase", {"classname": _text(name), "name": one})
        if task is not None and task.place != "<memory>":
            case.set("file", _text(task.place))
        _fill(case, [kind for kind in found if kind.type == one], strict=report.strict)
    counts = {"tests": len(types), "failures": len(suite.findall("*/failure")), "errors": len(suite.findall("*/error"))}
    suite.attrib.update({word: str(number) for word, number in (*counts.items(), ("skipped", 0))})
    suite.set("time", "0")
    return suite


def _fill(case: ET.Element, found: list[Kind], *, strict: bool) -> None:
    broken = [kind for kind in found if strict or kind.severity == "error"]
    if broken:
        unchecked = any(error.unchecked or error.type in UNCHECKED for kind in broken for error in kind.errors)
        message = f"{broken[0].title}: {count(sum(kind.count for kind in broken), 'error')}"
        told = ET.SubElement(case, "error" if unchecked else "failure", {"type": broken[0].type, "message": message})
        told.text = "\n".join(["", *_lines(broken), ""])
    spared = [kind for kind in found if kind not in broken]
    if spared:
        ET.SubElement(case, "system-out").text = "\n".join(["", *_lines(spared), ""])


def _lines(found: Iterable[Kind]) -> Iterator[str]:
    for kind in found:
        yield f"{kind.name}: {kind.counted}"
        for error in kind.errors:
            bad = "" if error.cell is None else f" (cell «{visible(error.cell, 60)}»)"
            yield f"  {said(error, kind.task)}{bad}"
        if kind.count > len(kind.errors):
            yield f"  … and {kind.count - len(kind.errors):,} more (--limit-errors 0 lists all)"


def _text(text: str) -> str:
    """A text that XML may hold."""
    return visible(text, 200)
