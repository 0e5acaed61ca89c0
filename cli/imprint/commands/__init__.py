"""The command line: parse, call, render, exit. Heavy modules are imported by the command that needs them."""

from . import checking, comparing, curating, releasing
from .group import main

__all__ = ["checking", "comparing", "curating", "main", "releasing"]
