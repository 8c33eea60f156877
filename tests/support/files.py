"""The repository's root, and folders that tests write to."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def files_in(folder: Path) -> list[str]:
    """List the paths of all files below `folder`, relative to it and sorted.

    A subfolder may be removed meanwhile: os.walk skips it, Python 3.11's rglob raises.
    """
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(str(path.relative_to(folder)) for path in found if path.is_file())


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this test run that all processes of pytest-xdist share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
