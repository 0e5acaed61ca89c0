"""What tests share: where the source documents and the third-party packages are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from packages import MORE

ROOT = Path(__file__).parent.parent
os.environ["IMPRINT_DEBUG"] = "1"  # a fault of its own fails a test, whatever exit code the test expects

settings.register_profile(
    "imprint", deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=MORE == 1
)
settings.load_profile("imprint")


def _directory(variable: str, default: str, what: str) -> Path:
    path = Path(os.environ.get(variable) or ROOT / default)
    if not path.is_dir():
        pytest.skip(f"{what} are not at {path}: put them there, or set {variable} to the directory that holds them")
    return path.resolve()


@pytest.fixture(scope="session")
def documents() -> Path:
    """The directory of the source documents, which this repository doesn't hold."""
    return _directory("DOCUMENTS", "../shared/documents", "the source documents")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The directory of third-party packages."""
    return _directory("CORPUS", "../shared/corpus", "the third-party packages")
