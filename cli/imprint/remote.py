"""Files on the web: what a package may fetch of them (standard, "Security"), and within which limits."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urljoin, urlsplit

from . import limited
from .exceptions import ImprintError
from .report import shorten

LIMIT = 10**9  # bytes of all that a package names by URL
OWN_LIMIT = 64 * 2**30  # bytes of a remote package's descriptor or zip, and of each file beside it
SECONDS = 3600  # for all that a package fetches
PATIENCE = 30  # seconds without a byte from a server
BLOCK = 1 << 20


def is_url(text: str) -> bool:
    """Whether the text is an http(s) address."""
    return text.lower().startswith(("http://", "https://"))


def path_of(url: str) -> PurePosixPath:
    """The path of an address; empty where it is no address."""
    try:
        return PurePosixPath(urlsplit(url).path)
    except ValueError:
        return PurePosixPath()


def quoted(url: str) -> str:
    """An address with spaces and letters beyond ASCII as addresses have them."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]", errors="replace")


class Files:
    """The files of a package: in `base`; fetched to there from beside a remote descriptor; or, by URL, fetched to `folder`.

    Without a `folder` no URL is followed.
    """

    def __init__(self, base: Path, source: str, folder: Path | None) -> None:
        self.base = base
        self.beside = source if is_url(source) and path_of(source).suffix.lower() != ".zip" else ""
        self.folder = folder
        self._until = time.monotonic() + SECONDS
        self._left = LIMIT
        self._found: dict[str, Path | ImprintError] = {}

    def follows(self, path: str) -> bool:
        """Whether a path is in the package, or a URL that may be fetched."""
        return self.folder is not None or not is_url(path)

    def file(self, path: str) -> Path:
        """Where the file lies on this machine; it need not be there. Raises ImprintError where it can't be fetched."""
        if path not in self._found:
            self._found[path] = self._find(path)
        if isinstance(found := self._found[path], ImprintError):
            raise found
        return found

    def _find(self, path: str) -> Path | ImprintError:
        try:
            return self._from_web(path) if is_url(path) else self._from_base(path)
        except ImprintError as error:
            return error

    def _from_base(self, path: str) -> Path:
        target = self.base / path
        if self.beside and not os.path.lexists(target):
            fetch(urljoin(self.beside, quote(path)), target, OWN_LIMIT, self._seconds)
        return target

    def _from_web(self, url: str) -> Path:
        assert self.folder is not None
        target = self.folder / str(len(self._found)) / (path_of(url).name[-100:] or "file")
        fetch(url, target, self._left, self._seconds)
        self._left -= target.stat().st_size
        return target

    @property
    def _seconds(self) -> float:
        return max(self._until - time.monotonic(), 0.01)


def fetch(url: str, target: Path, limit: int = OWN_LIMIT, seconds: float = SECONDS) -> None:
    """Download one file. Raises ImprintError where the server doesn't give all of it, or it goes beyond a limit."""
    try:
        reason = limited.call("remote", "download", url, str(target), limit, PATIENCE, seconds=seconds)
    except TimeoutError:
        reason = f"it takes too long: all that belongs to a package may take {SECONDS:,} seconds"
    except ChildProcessError:
        reason = "the download broke down"
    if reason:
        with contextlib.suppress(OSError):  # it may be no file at all
            target.unlink()
        fix = "check the address, or download it yourself"
        raise ImprintError(f"cannot be downloaded ({reason})", where=url, fix=fix)


def download(url: str, target: str, limit: int, patience: float) -> str:
    """Fetch one file, a block at a time; why that failed, or ""."""
    import urllib.request
    from http.client import HTTPException, HTTPMessage
    from typing import IO
    from urllib.error import URLError
    from urllib.request import HTTPRedirectHandler, Request

    class Redirects(HTTPRedirectHandler):
        """Leads to http and https only."""

        def redirect_request(
            self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
        ) -> Request | None:
            if not is_url(newurl):
                raise URLError(f"it redirects to {newurl}, which is not http")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    too_large = f"it is too large: more than the {limit:,} bytes that may still be fetched"
    try:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.build_opener(Redirects).open(quoted(url), timeout=patience) as answer,
            Path(target).open("wb") as file,
        ):
            if (answer.length or 0) > limit:
                return too_large
            while block := answer.read(BLOCK):
                if file.tell() + len(block) > limit:
                    return too_large
                file.write(block)
            return f"it breaks off, {answer.length:,} bytes too early" if answer.length else ""
    except (OSError, ValueError, HTTPException) as error:
        return _reason(error, patience)


def _reason(error: BaseException, patience: float) -> str:
    """What went wrong, in a few words that hold nothing but text, whatever the server sent."""
    from http.client import IncompleteRead, InvalidURL
    from urllib.error import HTTPError, URLError

    match error:
        case HTTPError():
            said = f"{error.code} {error.reason}"
        case URLError():
            return _reason(error.reason, patience) if isinstance(error.reason, BaseException) else _plain(error.reason)
        case TimeoutError():
            said = f"nothing came for {patience:g} seconds"
        case IncompleteRead():
            said = "it breaks off"
        case OSError():
            said = error.strerror or str(error)
        case InvalidURL() | ValueError():
            said = f"it is no address: {error}"
        case _:
            said = "what answers there does not speak HTTP"
    return _plain(said)


def _plain(text: str) -> str:
    return shorten(" ".join(text.split()), 200)
