"""What all tests share: a clean environment, and a world of sandbox, warehouse and Dagster."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

from analytics_sync_tests.support.fault_lab import Lab, laboratory
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import World

_SHARED_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30  # bytes, of which the tests need a part, and so much again for what they run
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def pytest_configure(config: pytest.Config) -> None:
    """Where there is plenty of memory, temporary files are there.

    Databases wait for the disk at each commit, which was a quarter of the time of all tests. What a
    test sees is the same: nothing is tested by cutting the power.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # so it is behind nohup and an ampersand, and the processes that Dagster interrupts inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.basetemp or "TMPDIR" in os.environ or not _plenty_of_memory():
        return
    folder = Path(tempfile.mkdtemp(prefix="analytics-sync-tests-", dir=_SHARED_MEMORY))
    # at the very end: multiprocessing removes a folder of its own in there before
    Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=-1000)
    config.option.basetemp = folder / "pytest"
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")


def _plenty_of_memory() -> bool:
    try:
        memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return min(memory, shutil.disk_usage(_SHARED_MEMORY).free) > 2 * _ROOM
    except (OSError, ValueError):
        return False


@pytest.fixture(autouse=True)
def _no_settings_of_yours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings of whoever runs it, or leaves files beside the code."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "ANALYTICS_SYNC__", "DAGSTER_HOME")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Where faults are tried; made once, each case starts from the same warehouses."""
    with laboratory(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for everybody; take a database of your own."""
    with Postgres() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The shipped catalog on a small sandbox, with an empty warehouse."""
    with World(tmp_path) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made
