"""What comes from elsewhere may not do harm: names that stay inside a directory, archives that are safe to unpack."""

from __future__ import annotations

import errno
import lzma
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from .documents import DESCRIPTOR_NAMES
from .exceptions import ImprintError

UNPACKED_LIMIT = 64 * 2**30  # bytes; a zip that claims more is refused before anything is written
EXPANSION_LIMIT = 1000  # a member that unpacks to more than this many times its packed size is a bomb

# What Python raises for a zip whose bytes were changed; and OSError, which a disk raises too.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError, RuntimeError)


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


def unzip(archive: Path, folder: Path) -> Path:
    """Unpack a package's zip; the directory that holds its descriptor. Raises ImprintError for a zip that isn't safe."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse_unsafe_members(archive, members)
            opened.extractall(folder, members=[member.filename for member in members])
    except (*BROKEN_ZIP, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENAMETOOLONG):  # the disk's, not the zip's
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ImprintError(f"is not a zip that can be read ({reason})", where=archive, fix="download it again") from None
    names = {PurePosixPath(member.filename).parts[0] for member in members} - {"__MACOSX"}  # what Finder adds
    if len(names) == 1 and not any((folder / name).is_file() for name in DESCRIPTOR_NAMES):
        inner = folder / names.pop()
        return inner if inner.is_dir() else folder
    return folder


def _refuse_unsafe_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [PurePosixPath(member.filename) for member in members]
    times, folders = Counter(names), {folder for name in names for folder in name.parents}
    for member, name in zip(members, names, strict=True):
        reason = unsafe(member.filename) if name.parts else "has no name"
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            reason = "is a symbolic link"
        if times[name] > 1:
            reason = "is there twice"
        if name.parts and name in folders:
            reason = "is a file and a folder"
        if member.file_size > EXPANSION_LIMIT * max(member.compress_size, 1024):
            reason = f"unpacks to more than {EXPANSION_LIMIT} times its size"
        if reason:
            raise ImprintError(f'member "{member.filename}" {reason}', where=archive, fix="don't trust this archive")
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise ImprintError(f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB", where=archive, fix="unpack it yourself")
