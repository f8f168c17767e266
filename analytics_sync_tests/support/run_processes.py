"""Runs in processes of their own, which can be killed, stopped and continued.

In: a unit of work, an environment, and the stage at which the run dies or stops. Out: the process,
its status and its output.

A server process imports all modules once and is forked for each run, so that a run starts in a
fraction of a second.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from analytics_sync.catalog import load_catalog
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.dagster_runs import run_in_dagster
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.killed_runs import STAGES, Fatal

for _name in (
    # The modules that a run imports late, so that the server process has all of them.
    "dlt.destinations.impl.duckdb.duck",
    "dlt.destinations.impl.postgres.postgres",
    "dlt.extract.extract",
    "dlt.normalize.items_normalizers",
    "dlt.common.libs.pyarrow",
    "dlt.load.load",
    "pyarrow.parquet",
    "sqlglot.optimizer",
    "psycopg2",
    "duckdb",
):
    import_module(_name)
CATALOG = load_catalog()

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["analytics_sync_tests.support.run_processes"])


@dataclass(frozen=True)
class Work:
    """The work of one run.

    Attributes:
        source: The source.
        names: The resources.
        first: The first day, as ISO 8601; empty reads without a window.
        end: The day after the last one.
        dagster: Whether the run materializes assets in Dagster.
    """

    source: str
    names: tuple[str, ...]
    first: str = ""
    end: str = ""
    dagster: bool = False

    @property
    def assets(self) -> list[str]:
        """``source/resource`` of each resource."""
        return [f"{self.source}/{name}" for name in self.names]

    def on(self, first: date, end: date) -> Work:
        """The same resources over the days [first, end)."""
        return replace(self, first=str(first), end=str(end))


class Running:
    """The process of a run. Its output is in a file.

    Args:
        process: The process.
        output: The file.
    """

    def __init__(self, process: ForkServerProcess, output: Path) -> None:
        self.process = process
        self.output = output
        assert process.pid is not None
        self.pid: int = process.pid

    def status(self, timeout: float = 120) -> int:
        """Wait for the end and return the exit status; a negative number is a signal."""
        self.process.join(timeout)
        code = self.process.exitcode
        if code is None:
            self.kill()
            raise AssertionError(f"{self.pid} has not ended:\n{self.output.read_text()[-6000:]}")
        return code

    def succeed(self, timeout: float = 120) -> None:
        """Wait for the end and assert that the run succeeded."""
        status = self.status(timeout)
        assert status == 0, f"ended with {status}:\n{self.output.read_text()[-6000:]}"

    def kill(self) -> None:
        """Kill the process if it is alive."""
        if self.process.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            self.process.join(20)

    def wait_until_stopped(self, timeout: float = 60) -> None:
        """Wait until the process has stopped itself."""
        deadline = time.monotonic() + timeout
        while self._stat()[0] != "T":
            assert time.monotonic() < deadline, self.output.read_text()[-6000:]
            time.sleep(0.02)

    def resume(self) -> None:
        """Continue the process after it has stopped itself."""
        os.kill(self.pid, signal.SIGCONT)

    def is_asleep(self) -> bool:
        """Whether every thread of the process waits for something other than a processor."""
        try:
            threads = [f.read_text() for f in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except OSError:  # a thread has just ended
            return False
        return all(thread.rpartition(")")[2].split()[0] == "S" for thread in threads)

    def cpu_seconds(self) -> float:
        """The processor time that the process has used, as the kernel counts it."""
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _stat(self) -> list[str]:
        """The fields of ``/proc/<pid>/stat`` after the name of the process: the state is first."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()


def begin(
    work: Work,
    environment: Mapping[str, str],
    folder: Path,
    stage: str = "",
    nth: int = 1,
    sent: signal.Signals = signal.SIGKILL,
) -> Running:
    """Start a run.

    Args:
        work: The work.
        environment: Settings of the run.
        folder: The working directory, which also gets the output.
        stage: The stage at which the run sends itself a signal; empty for none.
        nth: The number of the visit to the stage.
        sent: The signal: ``SIGKILL`` kills the run, ``SIGSTOP`` stops it until ``resume``.
    """
    output = folder / f"run-{time.monotonic_ns()}.txt"
    process = _FORKS.Process(
        target=_run, args=(work, dict(environment), str(folder), str(output), stage, nth, sent)
    )
    process.start()
    return Running(process, output)


def _run(
    work: Work,
    environment: dict[str, str],
    folder: str,
    output: str,
    stage: str,
    nth: int,
    sent: signal.Signals,
) -> None:
    handle = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    faulthandler.enable()
    faulthandler.dump_traceback_later(100, exit=False)
    os.environ.update(environment)
    tempfile.tempdir = None  # The module has cached the folder of the server process.
    os.chdir(folder)
    if stage:
        STAGES[stage](Fatal(nth, sent))
    days = [date.fromisoformat(day) for day in (work.first, work.end) if day]
    if work.dagster:
        _materialize(work, days, Path(environment["DAGSTER_HOME"]))
    else:
        _read_and_load(work, days)


def _materialize(work: Work, days: list[date], home: Path) -> None:
    first, last = (days[0], days[1] - timedelta(days=1)) if days else (None, None)
    result = run_in_dagster(home, CATALOG, work.assets, first, last)
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())


def _read_and_load(work: Work, days: list[date]) -> None:
    window = day_window(days[0], days[1]) if days else None
    with ReadRun(CATALOG[work.source], window, work.names) as run:
        load(run, f"run{os.getpid()}")
        assert not run.failures(), run.failures()
