"""A PACKAGE argument to a descriptor on this machine.

A PACKAGE is a directory, a descriptor file, a zip, a bare data file, a URL or `git:REV[:path]`. What isn't a plain file
is unpacked into a temporary directory that lives as long as the context.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from .exceptions import ImprintError, UsageFault
from .remote import fetch, is_url, path_of

DESCRIPTOR_NAMES = ("datapackage.json", "datapackage.yaml", "datapackage.yml")
UNPACKED_LIMIT = 64 * 2**30  # bytes; a zip that claims more is refused before anything is written
EXPANSION_LIMIT = 1000  # a member that unpacks to more than this many times its packed size is a bomb
UNFOLDED_LIMIT = 10**6  # values of a YAML document with its aliases followed


def unsafe(path: str) -> str:
    """Why a path inside a package may not be followed; "" if it may (standard, "Security": local descriptors)."""
    pure = PurePosixPath(path.replace("\\", "/"))
    if path.lower().startswith("file:"):
        return "is a file address"
    if pure.is_absolute() or path.startswith("~") or (len(path) > 1 and path[1] == ":"):
        return "is absolute"
    if ".." in pure.parts:
        return 'leads out of the package with ".."'
    if "\0" in path:
        return "has a NUL character"
    return ""


@contextlib.contextmanager
def located(source: str, directory: Path | None = None) -> Iterator[Path]:
    """The path of the descriptor (or bare data file) that a PACKAGE argument names.

    `directory` is where git is asked, this one if not given. Raises ImprintError where there is none, UsageFault where the
    argument makes no sense.
    """
    with contextlib.ExitStack() as stack:
        if source.startswith("git:"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imprint-")))
            yield find_descriptor(_checkout(source, folder, directory), source)
        elif is_url(source):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imprint-")))
            yield _download(source, folder)
        else:
            path = Path(source)
            if path.suffix.lower() == ".zip" and path.is_file():
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imprint-")))
                yield find_descriptor(unzip(path, folder), source)
            else:
                yield find_descriptor(path, source)


def find_descriptor(path: Path, source: str) -> Path:
    """The descriptor in a directory, or the file itself."""
    if path.is_file():
        return path
    if not path.exists():
        raise ImprintError("is not there", where=source, fix="name a directory, a descriptor, a zip, a URL or git:REV")
    if not path.is_dir():
        raise ImprintError("is neither a file nor a directory", where=source, fix="name a directory or a descriptor")
    for name in DESCRIPTOR_NAMES:
        if (path / name).is_file():
            return path / name
    raise ImprintError("has no datapackage.json or datapackage.yaml", where=source, fix="name the package's directory")


def unzip(archive: Path, folder: Path) -> Path:
    """Unpack a package's zip; the directory that holds its descriptor. Raises ImprintError for a zip that isn't safe."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse_unsafe_members(archive, members)
            opened.extractall(folder, members=[member.filename for member in members])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ImprintError(f"is not a zip that can be read ({error})", where=archive, fix="download it again") from error
    names = {PurePosixPath(member.filename).parts[0] for member in members}
    if len(names) == 1 and not any((folder / name).is_file() for name in DESCRIPTOR_NAMES):
        inner = folder / names.pop()
        return inner if inner.is_dir() else folder
    return folder


def _refuse_unsafe_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        reason = unsafe(member.filename)
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            reason = "is a symbolic link"
        if member.filename in seen:
            reason = "is there twice"
        if member.file_size > EXPANSION_LIMIT * max(member.compress_size, 1024):
            reason = f"unpacks to more than {EXPANSION_LIMIT} times its size"
        if reason:
            raise ImprintError(f'member "{member.filename}" {reason}', where=archive, fix="don't trust this archive")
        seen.add(member.filename)
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise ImprintError(f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB", where=archive, fix="unpack it yourself")


def git(*arguments: str, where: str, directory: Path | None = None) -> bytes:
    """What a git command prints. Raises ImprintError with git's own last line."""
    command = ["git", *(("-C", str(directory)) if directory else ()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ImprintError("needs git, which is not installed", where=where, fix="install git") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        raise ImprintError(lines[-1].removeprefix("fatal: "), where=where, fix="see `git log` for revisions")
    return done.stdout


def _checkout(source: str, folder: Path, directory: Path | None) -> Path:
    _, _, rest = source.partition(":")
    revision, _, path = rest.partition(":")
    if not revision or revision.startswith("-"):
        raise UsageFault("is not a git revision", where=source, fix="write git:REV or git:REV:path")
    if not path:
        path = git("rev-parse", "--show-prefix", where=source, directory=directory).decode().strip()
    try:
        commit = git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", where=source, directory=directory
        )
    except ImprintError as error:
        if "not installed" in error.what:
            raise
        message = f'git knows no revision "{revision}" here'
        raise ImprintError(message, where=source, fix="see `git log`, or run inside the repository") from error
    root = Path(git("rev-parse", "--show-toplevel", where=source, directory=directory).decode().strip())
    name = commit.decode().strip()
    packed = git("archive", "--format=tar", name, *([path] if path else []), where=source, directory=root)
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.seek(0)
        with tarfile.open(fileobj=file) as opened:
            opened.extractall(folder, filter="data")
    return folder / path


def read_document(path: Path) -> Any:
    """The value that a JSON or YAML file holds. Raises ImprintError with line and column where it is broken."""
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ImprintError("cannot be read (no file)", where=path, fix="name a file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImprintError(f"is not UTF-8 (byte {error.start})", where=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    value = _parse_yaml(path, text) if path.suffix.lower() in (".yaml", ".yml") else _parse_json(path, text)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ImprintError("holds half a surrogate pair, which is no text", where=path, fix="mend it there") from error
    except RecursionError as error:
        raise ImprintError("nests too deeply", where=path, fix="flatten it") from error
    return value


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ImprintError(message, where=path, fix="mend it there") from error
    except (ValueError, RecursionError) as error:
        raise ImprintError("nests too deeply, or holds a number too long", where=path, fix="flatten it") from error


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay texts, as JSON has none."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in listed if not tag.endswith(":timestamp")]
        for first, listed in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        value = yaml.load(text, Loader)
        _unfold(value, {})
        return json.loads(json.dumps(value))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ImprintError(f"is not YAML: {error.problem}{place}", where=path, fix="mend it there") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ImprintError("is not YAML that JSON could say too", where=path, fix="mend it") from error


def _unfold(value: Any, sizes: dict[int, int]) -> int:
    """How many values there are once aliases are followed. Raises ValueError for more than a descriptor can need."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = UNFOLDED_LIMIT  # that of a value inside itself
        items = [*value, *value.values()] if isinstance(value, dict) else value
        sizes[id(value)] = sum(_unfold(item, sizes) for item in items) + 1
    if sizes[id(value)] >= UNFOLDED_LIMIT:
        raise ValueError("unfolds to too much")
    return sizes[id(value)]


def _download(source: str, folder: Path) -> Path:
    """Fetch a zip, a descriptor or a bare data file; what lies beside a descriptor is fetched when it is asked for."""
    try:
        urlsplit(source)
    except ValueError as error:
        raise UsageFault(f"is no address ({error})", where=source, fix="mend it") from error
    target = folder / "download" / (path_of(source).name or DESCRIPTOR_NAMES[0])
    fetch(source, target)
    return find_descriptor(unzip(target, folder / "unpacked"), source) if target.suffix.lower() == ".zip" else target
