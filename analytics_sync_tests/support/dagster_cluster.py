"""Dagster as it is deployed: PostgreSQL for its history, a daemon, and Celery workers if there are any.

In: a folder with a ``dagster.yaml`` of ``deploy/``, and settings. Out: backfills that the daemon executes, and
their runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from dagster import AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.definitions.selector import (
    PartitionRangeSelector,
    PartitionsByAssetSelector,
    PartitionsSelector,
)
from dagster._core.execution.backfill import PartitionBackfill
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from analytics_sync.definitions import defs
from analytics_sync_tests.support.world import ROOT

_MAX_SECONDS = 1500.0  # a machine that is busy with other tests is slow
_MODULE = ("-m", "analytics_sync.definitions")


class Cluster:
    """A Dagster instance with a daemon and workers; a context manager.

    Args:
        home: The folder for DAGSTER_HOME.
        config: The name of the folder in ``deploy/``.
        settings: Environment variables of all processes.
        changes: Keys of ``dagster.yaml`` with other values, so that a test waits less.
    """

    def __init__(
        self,
        home: Path,
        config: str,
        settings: Mapping[str, str],
        changes: Mapping[str, Mapping[str, object]],
    ) -> None:
        home.mkdir()
        text = (ROOT / "deploy" / config / "dagster.yaml").read_text(encoding="utf-8")
        parsed = yaml.safe_load(text)
        for key, values in changes.items():
            parsed[key] = {**parsed[key], **values}
        (home / "dagster.yaml").write_text(yaml.safe_dump(parsed), encoding="utf-8")
        self.home = home
        self._environment = {
            **os.environ, **settings, "DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        self.instance = DagsterInstance.from_config(str(self.home))
        self._daemon = self._start("daemon", "-m", "dagster._daemon", "run", *_MODULE)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.instance.dispose()

    def start_worker(self, number: int) -> subprocess.Popen[bytes]:
        """Start a Celery worker that executes one run at a time."""
        return self._start(
            f"worker{number}", "-m", "celery", "-A", "analytics_sync.celery_app", "worker", "--queues",
            "dagster", "--concurrency", "1", "--hostname", f"worker{number}@%h",
        )  # fmt: skip

    def running_worker(self) -> tuple[DagsterRun, int]:
        """A run that a worker executes now, and the number of the worker."""
        until = time.monotonic() + _MAX_SECONDS
        launcher = self.instance.run_launcher
        assert isinstance(launcher, CeleryRunLauncher)
        while time.monotonic() < until:
            for run in self.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
                meta = launcher.celery.AsyncResult(run.tags[DAGSTER_CELERY_TASK_ID_TAG]).info
                if isinstance(meta, dict) and "hostname" in meta:
                    return run, int(meta["hostname"].removeprefix("worker").split("@")[0])
            time.sleep(0.2)
        raise TimeoutError("no worker executes a run")

    def backfill(self, assets: Iterable[str], first: str, last: str) -> None:
        """Ask the daemon for a backfill."""
        days = PartitionsSelector(ranges=[PartitionRangeSelector(start=first, end=last)])
        keys = [AssetKey(asset.split("/")) for asset in assets]
        chosen = [PartitionsByAssetSelector(asset_key=key, partitions=days) for key in keys]
        self.instance.add_backfill(
            PartitionBackfill.from_partitions_by_assets(
                "sixtydays", defs.resolve_asset_graph(), time.time(), {}, self.instance, chosen,
                None, None, None,
            )
        )  # fmt: skip

    def wait_for(self, runs: int, *, finished: bool) -> list[DagsterRun]:
        """All runs, once so many are there that have begun, or have ended and will not be repeated."""
        until = time.monotonic() + _MAX_SECONDS
        while time.monotonic() < until:
            found = self.instance.get_runs()
            if finished:
                done = [r for r in found if r.is_success]
                if len(done) >= runs and all(r.is_finished for r in found):
                    return list(found)
            elif sum(r.status.value == "STARTED" or r.is_finished for r in found) >= runs:
                return list(found)
            time.sleep(0.5)
        raise TimeoutError(f"{[(r.run_id, r.status.value) for r in self.instance.get_runs()]}")

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], env=self._environment, cwd=self.home,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)
        return process


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children as a machine that loses its power does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
