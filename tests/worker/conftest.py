"""A deployment and a worker per test module, and clips of different lengths."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, WorkerProcess, system
from tests.support.ffmpeg import FEW_COLOURS
from tests.support.files import files_in
from tests.support.groups import WAITING

# Tests that kill a process wait until its death is noticed. This is half of all waiting time, so
# another process of pytest-xdist runs them.
GROUPS = {"test_bucket": WAITING, "test_deaths": "killing", "test_faults": "killing"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.worker)
            # The tests of a module share one deployment, so one process of pytest-xdist runs them.
            stem = item.path.stem
            item.add_marker(pytest.mark.xdist_group(GROUPS.get(stem, stem)))


@pytest.fixture(scope="module")
def running_deployment(tmp_path_factory) -> Iterator[Deployment]:
    with system(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


@pytest.fixture
def deployment(running_deployment: Deployment) -> Iterator[Deployment]:
    """Yield the module's deployment; remove all jobs and files after each test."""
    yield running_deployment
    running_deployment.broker.client().flushall()
    for name in files_in(running_deployment.media):
        (running_deployment.media / name).unlink()


@pytest.fixture(scope="module")
def worker(running_deployment: Deployment) -> Iterator["WorkerProcess"]:
    """Run one worker for the module's tests, because starting one takes a second."""
    with running_deployment.worker() as worker:
        worker.wait_until_ready()
        yield worker


@pytest.fixture(scope="session")
def short_clip(clips) -> Path:
    """Return a clip of 0.5 s: 12 frames."""
    return clips("half.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=0.5", *YUV)


@pytest.fixture(scope="session")
def clip(clips) -> Path:
    """Return a clip of 1.5 s, long enough to interrupt its conversion."""
    return clips("some.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=1.5", *YUV)


@pytest.fixture(scope="session")
def long_clip(clips) -> Path:
    """Return a clip of 4 s."""
    return clips("four.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=4", *YUV)


YUV = ("-pix_fmt", "yuv420p")
