"""A package as it stood in a git revision: of the repository, only the files that the package is made of are written.

Git itself writes them, so links, line ends and filters (Git LFS among them) are as in a checkout; no work tree is touched.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .documents import DESCRIPTOR_NAMES, read_document, texts
from .exceptions import ImprintError, UsageFault

DOCUMENTS = ("schema", "jsonSchema", "dialect", "$schema")  # what they name may name files in its turn
LINK, SUBMODULE = "120000", "160000"  # modes in a tree
LINKS = 40  # that lead from one to the next, as file systems allow
CUT = "this clone is shallow, so fetch the rest with `git fetch --unshallow`"


def git(
    *arguments: str, where: str, directory: Path | None = None, given: bytes = b"", setting: Mapping[str, str] | None = None
) -> bytes:
    """What a git command prints, `given` that on its standard input. Raises ImprintError with git's own reason."""
    command = ["git", "--literal-pathspecs", *(("-C", str(directory)) if directory else ()), *arguments]
    environment = {**os.environ, "LC_ALL": "C", **(setting or {})}
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False, env=environment)
    except FileNotFoundError as error:
        raise ImprintError("needs git, which is not installed", where=where, fix="install git") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        reason = next((line for line in lines if line.startswith("fatal: ")), lines[-1]).removeprefix("fatal: ")
        if reason.startswith("not a git repository"):
            raise ImprintError("this is not a git repository", where=where, fix="run it inside the repository")
        raise ImprintError(reason, where=where, fix="see `git log` for revisions")
    return done.stdout


def shallow(where: str, directory: Path | None) -> bool:
    """Whether a clone lacks a part of its history."""
    return git("rev-parse", "--is-shallow-repository", where=where, directory=directory).strip() == b"true"


@dataclass(frozen=True)
class Revision:
    """A commit, as `source` names it, and everything in it: mode and id by path. Git is asked in `directory`."""

    source: str
    commit: str
    directory: Path | None
    entries: Mapping[str, tuple[str, str]]


def checkout(source: str, folder: Path, directory: Path | None) -> Path:
    """Write the package that `git:REV[:path]` names to `folder`; where it lies there, a directory or a file.

    A path starts at the top of the repository; without one it is `directory`, by default the current one.
    Raises UsageFault for what can't be a revision, ImprintError where git or the revision lacks something.
    """
    name, _, path = source.removeprefix("git:").partition(":")
    if not name or name.startswith("-"):
        raise UsageFault("is not a git revision", where=source, fix="write git:REV or git:REV:path")
    commit = _commit(source, name, directory)
    if not path:
        path = os.fsdecode(git("rev-parse", "--show-prefix", where=source, directory=directory)).rstrip("\n")
    path = posixpath.normpath(path or ".")
    revision = Revision(source, commit, directory, _entries(source, commit, directory))
    if path in revision.entries and revision.entries[path][0] != SUBMODULE:
        descriptors = [path] if path.endswith((".json", ".yaml", ".yml")) else []
        base = posixpath.dirname(path)
        _write(revision, [path], folder)
    else:
        base = "" if path == "." else path
        descriptors = [one for name in DESCRIPTOR_NAMES if (one := posixpath.join(base, name)) in revision.entries][:1]
        if not descriptors:
            raise _lack(revision, base)
    _write_package(revision, base, descriptors, folder)
    return folder / path


def _commit(source: str, name: str, directory: Path | None) -> str:
    git("rev-parse", "--git-dir", where=source, directory=directory)
    wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    try:
        return git(*wanted, where=source, directory=directory).decode().strip()
    except ImprintError as error:
        fix = CUT if shallow(source, directory) else "see `git log`, or fetch it"
        raise ImprintError(f'git knows no revision "{name}" here', where=source, fix=fix) from error


def _entries(source: str, commit: str, directory: Path | None) -> dict[str, tuple[str, str]]:
    entries = {}
    for line in git("ls-tree", "-r", "-z", "--full-tree", commit, where=source, directory=directory).split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            mode, _, identity = about.decode().split(" ")
            entries[os.fsdecode(path)] = mode, identity
    return entries


def _lack(revision: Revision, base: str) -> ImprintError:
    """Why there is no package in a directory of a revision."""
    _refuse_submodule(revision, base)
    if base and not any(path.startswith(f"{base}/") for path in revision.entries):
        what, fix = f'has no "{base}"', "write git:REV:path, the path from the top of the repository"
    else:
        what, fix = "has no datapackage.json or datapackage.yaml", "name the package's directory, as in git:REV:path"
    return ImprintError(what, where=revision.source, fix=fix)


def _refuse_submodule(revision: Revision, path: str) -> None:
    for above in _prefixes(path):
        if revision.entries.get(above, ("", ""))[0] == SUBMODULE:
            what = f'"{path}" lies in the submodule "{above}", whose files the revision doesn\'t hold'
            raise ImprintError(what, where=revision.source, fix="check it out, and name its directory")


def _prefixes(path: str) -> Iterator[str]:
    """A path's beginnings, itself last."""
    parts = path.split("/")
    return ("/".join(parts[:number]) for number in range(1, len(parts) + 1))


def _write_package(revision: Revision, base: str, descriptors: list[str], folder: Path) -> None:
    """Write descriptors and whatever they name, in as many rounds as documents name others."""
    seen: set[str] = set()
    while descriptors:
        seen.update(descriptors)
        _write(revision, descriptors, folder)
        contents = [content for path in descriptors for content in _content(folder / path)]
        named = {posixpath.normpath(posixpath.join(base, text)) for text in texts(contents)}
        for path in named:
            _refuse_submodule(revision, path)
        _write(revision, named, folder)
        descriptors = sorted({posixpath.normpath(posixpath.join(base, text)) for text in _documents(contents)} - seen)


def _content(path: Path) -> list[Any]:
    try:
        return [read_document(path)]
    except ImprintError:  # which whoever needs the document will say
        return []


def _documents(value: Any) -> Iterator[str]:
    """The documents that a descriptor names."""
    if isinstance(value, dict):
        yield from (value[word] for word in DOCUMENTS if isinstance(value.get(word), str))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _documents(item)


def _write(revision: Revision, paths: Iterable[str], folder: Path) -> None:
    """Have git write files of a revision to a folder, with the files that links lead to."""
    wanted = {one for path in paths for one in _followed(revision, path) if one in revision.entries}
    rules = (path for path in revision.entries if posixpath.basename(path) == ".gitattributes")  # how git writes the others
    entries = ((path, *revision.entries[path]) for path in {*wanted, *rules})
    listed = "".join(f"{mode} {identity} 0\t{path}\0" for path, mode, identity in entries)
    if not wanted:
        return
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
    written = ("checkout-index", "--all", "--force", "--quiet")
    with tempfile.TemporaryDirectory(prefix="imprint-") as aside:
        setting = {"GIT_INDEX_FILE": str(Path(aside) / "index"), "GIT_WORK_TREE": str(folder)}
        for given, command in ((os.fsencode(listed), ("update-index", "-z", "--index-info")), (b"", written)):
            git(*quiet, *command, where=revision.source, directory=revision.directory, given=given, setting=setting)


def _followed(revision: Revision, path: str) -> Iterator[str]:
    """A path, and those that it leads to where it is a link or goes through one."""
    for _ in range(LINKS):
        yield path
        link = next((above for above in _prefixes(path) if revision.entries.get(above, ("", ""))[0] == LINK), None)
        if link is None:
            return
        yield link
        target = git("cat-file", "blob", revision.entries[link][1], where=revision.source, directory=revision.directory)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), os.fsdecode(target) + path[len(link) :]))
