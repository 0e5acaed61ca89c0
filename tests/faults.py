"""A command broken off at one of its writes: killed there, or with the disk full from there on.

`python faults.py` reads a run from each line of its input and answers each with a line. It has imported what a release needs
and then forks for each run, so that a run costs little and begins without threads. A write is an `open` for writing, the
`write` of a buffer, and each other call that changes what a disk holds; the writers that aren't Python (DuckDB, SQLite)
are broken off by the system's own limit on the size of a file.
"""

from __future__ import annotations

import _pyio
import builtins
import contextlib
import errno
import gc
import importlib
import io
import json
import os
import resource
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.chmod", "os.truncate", "os.link", "os.symlink"}
ROOM = {"open", "os.mkdir", "os.link", "os.symlink", "write", "sendfile", "fsync", "sqlite3.connect"}
"""What fails for good once the disk is full; a rename may fail once."""


@dataclass(frozen=True)
class Run:
    """`imprint` with these arguments in `cwd`, broken off `at` a write (counted from 1), or never where that is 0.

    `how` is "kill" or "full"; or, with `at` in bytes, "kill-size" or "full-size" as a file grows beyond that size.
    """

    arguments: Sequence[str]
    cwd: str
    how: str = ""
    at: int = 0
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """How a run ended: the exit code, or minus the signal; what it printed; its writes as "what: where"."""

    code: int
    stdout: str
    stderr: str
    writes: Sequence[str] = ()


class Server:
    """A process that makes runs, one at a time. With `disk` it has a disk of its own of 8 MB there, which nobody else sees."""

    def __init__(self, disk: Path | None = None) -> None:
        command = [sys.executable, __file__]
        if disk is not None:
            mounted = f"mount -t tmpfs -o size=8m none {shlex.quote(str(disk))} && exec {shlex.join(command)}"
            command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.disk = Path(f"/proc/{self._process.pid}/root{disk}")  # how others see it

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, one: Run) -> Done:
        """What came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(one)) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))


def new_key(path: Path) -> None:
    """Write a private key to sign with."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, form, plain))


# In the server


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    modules = _child(Run(("--version",), "."), _modules_of_a_release).stdout
    for name in json.loads(modules):
        with contextlib.suppress(Exception):  # what can't be imported on its own is imported by the run
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each fork would copy what the collector looks at
    for line in sys.stdin:
        print(json.dumps(asdict(_child(Run(**json.loads(line)), _command))), file=answers, flush=True)


def _modules_of_a_release(_: Run) -> None:
    """Print the modules that are there once something was released and signed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        schema = {"fields": [{"name": "id", "type": "integer"}]}
        resource = {"name": "one", "type": "table", "path": "one.csv", "schema": schema}
        new_key(Path("key.pem"))
        for version in ("0.1.0", "0.2.0"):
            Path("one.csv").write_text(f"id\n{version[2]}\n", encoding="utf-8")
            said = {"name": "one", "version": version, "resources": [resource]}
            Path("datapackage.json").write_text(json.dumps(said), encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                assert _imprint(["release", "--sign", "key.pem"]) == 0
        os.chdir("/")
    print(json.dumps(sorted(name for name in sys.modules if name != "__main__")))


def _imprint(arguments: Sequence[str]) -> int:
    from imprint import commands

    try:
        commands.main(list(arguments))
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def _child(one: Run, call: Callable[[Run], int | None]) -> Done:
    """Make a call in a fork of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as log:
        process = os.fork()
        if not process:
            code = 99
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.environ.update(one.environment)
                os.chdir(one.cwd)
                with _breaking(one, log.fileno()):
                    code = call(one) or 0
            except BaseException:  # noqa: BLE001  (the fork must end here, and say why)
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            finally:
                with contextlib.suppress(Exception):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(process, 0)
        texts = []
        for file in (out, err, log):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Done(os.waitstatus_to_exitcode(status), texts[0], texts[1], texts[2].splitlines())


def _command(one: Run) -> int:
    return _imprint(one.arguments)


@contextlib.contextmanager
def _breaking(one: Run, log: int) -> Iterator[None]:
    """Break this process off where the run says."""
    if one.how.endswith("-size"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if one.how == "kill-size" else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (one.at, one.at))
    elif one.how:
        _count_writes(one, log)
    yield


def _count_writes(one: Run, log: int) -> None:
    lock, seen = threading.Lock(), 0
    write, sendfile, fsync = os.write, os.sendfile, os.fsync

    def happen(what: str, where: object) -> None:
        nonlocal seen
        with lock:
            seen += 1
            here = seen
            write(log, f"{what}: {_name(where)}\n".encode())
            if one.how == "kill" and here == one.at:
                os.kill(os.getpid(), signal.SIGKILL)
        full = here >= one.at > 0 if what in ROOM else here == one.at and what == "os.rename"
        if one.how == "full" and full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), _name(where))

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.mkdir" and os.path.lexists(arguments[0]):
            return  # which changes nothing
        if event in CHANGES or event == "sqlite3.connect" or (event == "open" and _writes(*arguments)):
            happen(event, arguments[0])

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(file: int, *rest: Any) -> Any:
            if not stat.S_ISFIFO(os.fstat(file).st_mode):
                happen(name, file)
            return call(file, *rest)

        return calling

    sys.addaudithook(audit)
    os.write, os.sendfile, os.fsync = counted("write", write), counted("sendfile", sendfile), counted("fsync", fsync)
    reading = io.open

    def opening(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        """The io that is written in Python writes through `os.write`; that in C doesn't."""
        return (_pyio.open if set(mode) & set("wax+") else reading)(file, mode, *rest, **named)

    builtins.open = io.open = opening
    _count_copies(happen)


def _writes(path: object, _: object, flags: int) -> bool:
    return bool(flags & WRITING) and not isinstance(path, int) and not os.fspath(path).startswith("/dev/")  # type: ignore[call-overload]


def _count_copies(happen: Callable[[str, object], None]) -> None:
    """The engine's own writes, before and after."""
    from imprint.engine import Engine

    write = Engine.write

    def writing(self: Engine, query: str, path: Path, form: str) -> None:
        happen("COPY", path)
        write(self, query, path, form)
        happen("copied", path)

    Engine.write = writing  # type: ignore[method-assign]


def _name(where: object) -> str:
    if isinstance(where, int):
        link = Path(f"/proc/self/fd/{where}")
        where = link.readlink() if link.is_symlink() else f"file {where}"
    return os.fsdecode(where)  # type: ignore[arg-type]


if __name__ == "__main__":
    _serve()
