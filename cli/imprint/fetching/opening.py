"""A file of a store, opened at a byte: on the web, in a directory, or wherever fsspec reaches."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from ..exceptions import ImprintError, UsageFault
from ..manifest import INDEX
from ..remote import is_url, quoted
from ..report import shorten

BLOCK = 1 << 16
REDIRECTS = 5
SLOWEST = 100  # bytes a second, over the time that a server may stall
AGAIN = {408, 425, 429, 500, 502, 503, 504}  # a server's answers that time may mend


class Missing(ImprintError):
    """A store hasn't that file."""


class Interrupted(Exception):
    """A download broke off and may be tried again, if the server says so after `wait` seconds."""

    def __init__(self, reason: str, wait: float = 0) -> None:
        self.reason = reason
        self.wait = wait
        super().__init__(reason)


@dataclass(frozen=True)
class Answer:
    """The bytes of a file from `start` on; `total` is how many the whole file has, if that is said."""

    start: int
    total: int | None
    etag: str
    blocks: Iterator[bytes]


class Open(Protocol):
    """Opens a file of a store, by its name there, at a byte; `etag` is what the file had when its beginning was read."""

    def __call__(self, name: str, start: int = 0, etag: str = "") -> contextlib.AbstractContextManager[Answer]: ...


def opener(address: str, stall: float) -> Open:
    """What opens the files of the store at an address. Raises UsageFault where the address makes no sense."""
    if is_url(address):
        return _web(address, stall)
    return _fsspec(address) if "://" in address else _directory(Path(address))


def shown(address: str) -> str:
    """An address as it may be printed: without a password or a token in it."""
    if "://" not in address:
        return address
    return re.sub(r"//[^/@]*@", "//", address).partition("?")[0]


def _missing(name: str, where: str, why: str = "") -> Missing:
    fix = "name a store of releases: the directory that it is in" if name == INDEX else "ask its publisher"
    return Missing(f"has no {name}{why}", where=where, fix=fix)


def _directory(folder: Path) -> Open:
    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        path = folder / name
        if not path.is_file():  # a pipe would never end
            raise _missing(name, str(folder))
        with path.open("rb") as file:
            file.seek(start)
            yield Answer(start, path.stat().st_size, etag, iter(lambda: file.read(BLOCK), b""))

    return opened


def _fsspec(address: str) -> Open:
    scheme, where = address.partition(":")[0], shown(address)
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        fix = f"pip install {'s3fs' if scheme in ('s3', 's3a') else f'fsspec and what it needs for {scheme}'}"
        raise ImprintError(f"can't be opened ({_plain(str(error))})", where=where, fix=fix) from error
    except Exception as error:  # the libraries behind fsspec have no common fault
        raise UsageFault(f"can't be opened ({_plain(str(error))})", where=where, fix="check the address") from error

    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        path = f"{root.rstrip('/')}/{name}"
        with contextlib.ExitStack() as stack:
            with _clear(name, where):
                size = system.size(path)
                file = stack.enter_context(system.open(path, "rb"))
                file.seek(start)
            yield Answer(start, size, etag, _read(file, name, where))

    return opened


def _read(file: Any, name: str, where: str) -> Iterator[bytes]:
    while True:
        with _clear(name, where):
            block = file.read(BLOCK)
        if not block:
            return
        yield block


@contextlib.contextmanager
def _clear(name: str, where: str) -> Iterator[None]:
    """Say in our words what goes wrong in a library behind fsspec."""
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(name, where) from error
    except (TimeoutError, ConnectionError) as error:
        raise Interrupted(_plain(str(error)) or "nothing came in time") from error
    except Exception as error:  # the libraries behind fsspec have no common fault
        fix = "check the address, your credentials and the network"
        raise ImprintError(f"{name} cannot be read ({_plain(str(error))})", where=where, fix=fix) from error


def _web(address: str, stall: float) -> Open:
    import requests

    try:
        urlsplit(address)
    except ValueError as error:
        raise UsageFault(f"is no address ({_plain(str(error))})", where=address, fix="mend it") from error
    session = requests.Session()

    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        headers = {"Accept-Encoding": "identity", "Cache-Control": "no-cache", "User-Agent": "imprint"}
        if start:
            headers |= {"Range": f"bytes={start}-"} | ({"If-Range": etag} if etag and not etag.startswith("W/") else {})
        with _followed(session, _joined(address, name), headers, stall) as said:
            packed = said.headers.get("Content-Encoding", "identity").strip().lower()
            if packed != "identity":
                what = f"{name} comes packed ({_plain(packed)}), which was not asked for"
                raise ImprintError(what, where=shown(address), fix="tell its publisher to serve the files as they are")
            yield _told(said, name, start, shown(address), stall)

    return opened


def _joined(address: str, name: str) -> str:
    """The address of a file of a store; what follows a question mark, such as a token, stays."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{quote(name)}", parts.query, ""))


def _told(said: Any, name: str, start: int, where: str, stall: float) -> Answer:
    """What a server's answer says of the bytes that follow. Raises Interrupted or ImprintError where none do."""
    status, headers = said.status_code, said.headers
    etag, length = headers.get("ETag", ""), headers.get("Content-Length", "")
    span = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", headers.get("Content-Range", "").strip())
    if status == 206 and span and int(span[1]) == start:
        return Answer(start, None if span[2] == "*" else int(span[2]), etag, _blocks(said, stall))
    if status in (206, 416):  # bytes that weren't asked for, or more are here than there: from the beginning
        return Answer(-1, None, "", iter(()))
    if status == 200:
        return Answer(0, int(length) if re.fullmatch(r"\d{1,18}", length) else None, etag, _blocks(said, stall))
    words = _plain(f"{status} {said.reason or ''}".strip())
    if status in (404, 410):
        raise _missing(name, where, f" (the server says {words})")
    if status in AGAIN:
        wait = _seconds(headers.get("Retry-After", ""))
        raise Interrupted(f"the server says {words}" + (f", and to come back in {wait:,.0f} seconds" if wait else ""), wait)
    raise ImprintError(f"{name} cannot be downloaded (the server says {words})", where=where, fix="check the address")


def _seconds(text: str) -> float:
    """How long a server asks to wait, in seconds or until a date."""
    from email.utils import parsedate_to_datetime

    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0)
    except ValueError:
        return 0


def _blocks(said: Any, stall: float) -> Iterator[bytes]:
    """The body as it comes, not unpacked. Raises Interrupted where it breaks off, stalls or only drips."""
    from urllib3.exceptions import HTTPError

    since, came = time.monotonic(), 0
    while True:
        try:
            block = said.raw.read1(BLOCK, decode_content=False)
        except (HTTPError, OSError) as error:
            raise Interrupted(_reason(error, stall)) from error
        if not block:
            return
        came += len(block)
        if time.monotonic() - since > stall:
            if came < SLOWEST * stall:
                raise Interrupted(f"only {came:,} bytes came in {stall:g} seconds")
            since, came = time.monotonic(), 0
        yield block


@contextlib.contextmanager
def _followed(session: Any, url: str, headers: dict[str, str], stall: float) -> Iterator[Any]:
    """The answer at the end of a few redirects, which lead to http and https alone and never from https to http."""
    for _ in range(REDIRECTS + 1):
        with _asked(session, url, headers, stall) as said:
            if said.status_code not in (301, 302, 303, 307, 308) or "Location" not in said.headers:
                yield said
                return
            target = urljoin(url, said.headers["Location"])
        if not is_url(target) or (url.lower().startswith("https:") and not target.lower().startswith("https:")):
            wanted = "https" if url.lower().startswith("https:") else "http"
            what = f"redirects to {_plain(shown(target))}, which is not {wanted}"
            raise ImprintError(what, where=shown(url), fix="don't trust this store")
        url = target
    raise ImprintError(f"redirects more than {REDIRECTS} times", where=shown(url), fix="check the address")


def _asked(session: Any, url: str, headers: dict[str, str], stall: float) -> Any:
    """A server's answer up to its body; a thread waits for it, as a header that only drips has no end."""
    from requests.exceptions import ConnectionError, InvalidURL, RequestException, SSLError
    from urllib3.exceptions import LocationParseError

    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(session.get(quoted(url), headers=headers, stream=True, timeout=stall, allow_redirects=False))
        except (RequestException, LocationParseError, ValueError, OSError) as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * stall)  # to connect, then to answer
    match found:
        case []:
            raise Interrupted(f"nothing came for {2 * stall:g} seconds")
        case [SSLError() as error]:
            what = f"can't be trusted: its certificate or its TLS is broken ({_reason(error, stall)})"
            raise ImprintError(what, where=shown(url), fix="check the address and this machine's clock") from error
        case [InvalidURL() | LocationParseError() as error]:
            raise UsageFault(f"is no address ({_plain(str(error))})", where=shown(url), fix="mend it") from error
        case [ConnectionError() as error] if "NameResolutionError" in repr(error):
            fix = "check the address and the network; what is in the cache can be had with --offline"
            raise ImprintError("there is no such host", where=shown(url), fix=fix) from error
        case [Exception() as error]:
            raise Interrupted(_reason(error, stall)) from error
    return found[0]


def _reason(error: BaseException, stall: float) -> str:
    """What went wrong, in a few words that hold nothing but text, whatever the server sent."""
    from http.client import HTTPException, IncompleteRead

    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    match error:
        case TimeoutError():
            return f"nothing came for {stall:g} seconds"
        case IncompleteRead():
            return "it breaks off"
        case ConnectionError() if type(error).__name__ == "RemoteDisconnected":
            return "the server hangs up"
        case OSError():
            return _plain(error.strerror or str(error))
        case HTTPException():
            return "what answers there does not speak HTTP"
        case _:
            return _plain(str(error))


def _plain(text: str) -> str:
    return shorten(" ".join(text.split()), 200)
