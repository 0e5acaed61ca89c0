"""Operator faults: what went wrong, where, and what to do about it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command."""

    GOOD = 0
    INVALID = 1
    USAGE = 2
    ENVIRONMENT = 3


class ImprintError(Exception):
    """A fault that ends a command: `where` it lies, `what` is wrong and the `fix`, in one line."""

    exit_code = ExitCode.ENVIRONMENT

    def __init__(self, what: str, *, where: object = "", fix: str = "") -> None:
        self.what = what
        self.where = str(where)
        self.fix = fix
        super().__init__(what, self.where, fix)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"; {self.fix}" if self.fix else ""
        return " ".join(f"{place}{self.what}{advice}".split())


class UsageFault(ImprintError):
    """The command was asked for something that makes no sense."""

    exit_code = ExitCode.USAGE


class Unreadable(ImprintError):
    """A resource that can't be read: `kind` is the type of its error, `unchecked` that nothing is said of its data."""

    def __init__(self, kind: str, what: str, *, where: object = "", unchecked: bool = False) -> None:
        self.kind = kind
        self.unchecked = unchecked
        super().__init__(what, where=where)


class DataFault(ImprintError):
    """The data says no: it is invalid, its bump is too small, or a digest differs."""

    exit_code = ExitCode.INVALID
