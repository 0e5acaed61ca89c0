"""imprint: validate, diff, version and release Frictionless Data Packages.

The public API is what `__all__` lists; names are loaded when they are first used, so that importing `imprint` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import diff, load, open_package, validate
    from .changes import Changes
    from .exceptions import ImprintError
    from .package import Package
    from .report import Error, Report, Task, Total

__version__ = "0.1.0"
__all__ = ["Changes", "Error", "ImprintError", "Package", "Report", "Task", "Total", "diff", "load", "open_package", "validate"]

_HOMES = {
    "Changes": "changes",
    "Error": "report", "ImprintError": "exceptions", "Package": "package", "Report": "report", "Task": "report",
    "Total": "report",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'imprint' has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'api')}", __name__), name)
