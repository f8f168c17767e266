"""Fixtures of all tests: a clean environment, and a world of sandbox, warehouse and Dagster."""

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
from analytics_sync_tests.support.mariadb_server import MariaDb
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import World

_SHARED_MEMORY = Path("/dev/shm")
# The tests write less than 4 GiB of files. Their processes get another 4 GiB of memory.
_MIN_FREE_BYTES = 8 << 30
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory, if enough memory is free.

    Databases wait for the disk at each commit. That was a quarter of the time of all tests. No test
    can see the difference, because no test cuts the power.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores SIGINT for background jobs. Dagster ends its processes with SIGINT, and
        # they would inherit the ignored signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.basetemp or "TMPDIR" in os.environ or not _has_enough_memory():
        return
    folder = Path(tempfile.mkdtemp(prefix="analytics-sync-tests-", dir=_SHARED_MEMORY))
    # The lowest priority runs last: multiprocessing first removes its own folder inside this one.
    Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=-1000)
    config.option.basetemp = folder / "pytest"
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")


def _has_enough_memory() -> bool:
    try:
        memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return min(memory, shutil.disk_usage(_SHARED_MEMORY).free) > _MIN_FREE_BYTES
    except (OSError, ValueError):
        return False


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hide the settings and the state of the developer, and run in an empty folder."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "ANALYTICS_SYNC__", "DAGSTER_HOME")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The place to try faults; it is made once, and each case starts from the same warehouses."""
    with laboratory(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests; each test makes a database for itself."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """One MariaDB server for all tests; each dataset is a database of its own."""
    with MariaDb() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The shipped catalog on a small sandbox, with an empty warehouse."""
    with World(tmp_path) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield world
