"""RDF in Turtle: the few forms that a description of a dataset needs, with every text escaped in one place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
SPECIAL = re.compile(r"[\\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
NOT_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\x9f\u2028\u2029\ufeff]")

Pairs = Iterable[tuple[str, "Term | None"]]


@dataclass(frozen=True)
class Term:
    """A term or blank node as it is written."""

    text: str


def name(prefixed: str) -> Term:
    """A name with a prefix, such as `dcat:Dataset`, of this program's own."""
    return Term(prefixed)


def iri(address: str) -> Term:
    """An address, absolute or relative to the file."""
    return Term(f"<{NOT_IN_IRI.sub(lambda found: quote(found[0]), address)}>")


def literal(text: str, datatype: str = "") -> Term:
    """A text, of a datatype such as `xsd:date` if it isn't a plain one."""
    escaped = SPECIAL.sub(lambda found: ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}", text)
    return Term(f'"{escaped}"' + (f"^^{datatype}" if datatype else ""))


def blank(pairs: Pairs) -> Term:
    """A node without a name."""
    return Term(f"[ {' ; '.join(_lines(pairs))} ]")


def statement(subject: Term, pairs: Pairs) -> str:
    """All that is said of a subject; a pair whose term is None is not said."""
    return f"{subject.text}\n    " + " ;\n    ".join(_lines(pairs)) + " .\n"


def prefixes(names: dict[str, str]) -> str:
    """The prefixes of a file."""
    return "".join(f"@prefix {short}: <{long}> .\n" for short, long in names.items())


def _lines(pairs: Pairs) -> Iterator[str]:
    return (f"{predicate} {term.text}" for predicate, term in pairs if term is not None)
