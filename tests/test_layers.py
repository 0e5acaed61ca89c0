"""The layers hold: a module imports only from modules above it, and each engine has one home."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CODE = Path(__file__).parent.parent / "cli" / "imprint"
ORDER = [
    "exceptions", "explanations", "package", "report", "archive", "limited", "remote", "documents", "safety", "semver", "manifest", "signing", "fetching", "revisions", "locate", "xml_schema", "patterns", "json_schema",
    "versioning", "profile", "schema", "descriptor", "sql", "engine", "progress", "parquet", "expressions", "shapes", "reference", "findings", "choices", "streams", "marks", "header", "tables",
    "lines", "rules", "evidence", "passes", "scan", "keys", "relations", "locations", "validation", "curation", "fingerprint", "spelling", "formats", "frames",
    "formatting", "changes", "version", "witness", "declared", "rows", "references", "doubts", "pairing", "difference", "storing", "delta", "applying", "scripts", "uses", "impact", "changelog", "metadata", "page", "ledger", "exports", "building", "store", "previous", "release", "contents", "verification", "publishing", "api", "__init__",
    "reports", "diffs", "gitdiff", "render", "commands",
]  # fmt: skip
HOMES = {
    "jsonschema": "json_schema",
    "elementpath": "xml_schema",
    "frictionless": "reference",
    "duckdb": "engine",
    "click": "commands",
    "pandas": "frames",
    "requests": "fetching",
    "xlsxwriter": "exports",
    "securesystemslib": "signing",
    "cryptography": "signing",
}
MODULES = sorted(path.stem for path in (*CODE.glob("*.py"), *(path.parent for path in CODE.glob("*/__init__.py"))))


def imports(module: str) -> tuple[set[str], set[str]]:
    """Names of imprint's own modules and of others that a module, or any of a package's, imports, type checking aside."""
    own, others = set(), set()
    outside = 2 if (CODE / module).is_dir() else 1
    files = (CODE / module).glob("*.py") if outside == 2 else [CODE / f"{module}.py"]
    for node in (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.ImportFrom) and 0 < node.level < outside:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            own |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            others.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            others |= {alias.name.partition(".")[0] for alias in node.names}
    return own, others


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_place_in_the_order(module):
    assert module in ORDER, f"{module}.py is new: give it a place in ORDER, above what uses it and below what it uses"


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__"])
def test_a_module_imports_only_from_modules_above_it(module):
    own, _ = imports(module)
    place = ORDER.index(module)
    below = {name for name in own & set(MODULES) if ORDER.index(name) >= place}
    assert not below, f"{module} imports {', '.join(sorted(below))}, which are below it"


@pytest.mark.parametrize(("library", "home"), HOMES.items())
def test_a_library_has_one_home(library, home):
    users = {module for module in MODULES if library in imports(module)[1]}
    assert users <= {home} | ({"api"} if library == "pandas" else set())


def test_help_imports_nothing_heavy():
    code = "import sys, imprint.commands as c; c.main(['--help'], standalone_mode=False); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"duckdb", "frictionless", "jsonschema", "yaml", "pandas", "dataclasses"}
    assert not heavy & set(ast.literal_eval(done.stderr))
