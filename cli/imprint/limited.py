"""A call that ends: it runs in a process of its own, which a clock stops.

Python's `re` backtracks, jsonschema follows references, and both can take longer than the universe lasts; no thread can stop
them, as they hold Python's lock. So what a package asks for and isn't surely quick is tried here. One process serves all
calls, started with the first.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
from importlib import import_module
from typing import Any

ALARM = -1 if sys.platform == "win32" else signal.SIGALRM

_lock = threading.Lock()
_servers: list[subprocess.Popen[bytes]] = []  # none, or the one that runs


def call(module: str, name: str, *arguments: Any, seconds: float) -> Any:
    """What a function of imprint returns. Arguments and result are what JSON can say.

    Raises TimeoutError, and ChildProcessError where the function ends the process otherwise.
    """
    line = json.dumps([module, name, arguments, seconds]).encode() + b"\n"
    with _lock:
        if not _servers:
            _servers.append(_start())
        answer = _asked(_servers[0], line)
        if not answer and _stop() == -ALARM:
            raise TimeoutError(f"takes more than {seconds:g} second{'' if seconds == 1 else 's'}")
    if not answer:
        raise ChildProcessError(f"{module}.{name} broke down")
    return json.loads(answer)


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-c", "from imprint.limited import serve; serve()"]
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env={**os.environ, **path})


def _asked(server: subprocess.Popen[bytes], line: bytes) -> bytes:
    assert server.stdin is not None and server.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        server.stdin.write(line)
        server.stdin.flush()
        return server.stdout.readline()
    return b""


def _stop() -> int:
    server = _servers.pop()
    server.communicate()
    return server.returncode


@atexit.register
def _kill() -> None:
    while _servers:
        server = _servers.pop()
        server.kill()
        server.communicate()


def serve() -> None:
    """Answer calls until there are no more, or one takes too long."""
    for line in sys.stdin:
        module, name, arguments, seconds = json.loads(line)
        function = getattr(import_module(f".{module}", __package__), name)
        _set_clock(seconds)
        answer = function(*arguments)
        _set_clock(0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _set_clock(seconds: float) -> None:
    """End this process after so many seconds, whatever it does then; never, for 0."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
    elif seconds:
        faulthandler.dump_traceback_later(seconds, exit=True)  # with 1
    else:
        faulthandler.cancel_dump_traceback_later()
