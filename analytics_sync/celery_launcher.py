"""Optional. A run launcher for Celery that sees the death of a worker.

In: an instance whose ``dagster.yaml`` names this class, with the options of Dagster's ``CeleryRunLauncher``.
Out: runs as Celery tasks. Celery calls a task started for ever if the machine of its worker is gone. Then
Dagster would show the run as started, and never repeat it. This launcher asks the worker for its tasks. Run
monitoring must be switched on.
"""

from __future__ import annotations

from typing import Any

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

_ANSWER_SECONDS = 5.0
_CHECKS_BEFORE_LOST = 2  # one missing answer may be a busy network


class WatchedCeleryRunLauncher(CeleryRunLauncher):
    """Launches runs as Celery tasks. Set it as ``run_launcher`` in ``dagster.yaml``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missed: dict[str, int] = {}

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """The health of a run: failed if its worker does not have its task any more."""
        health = super().check_run_worker_health(run)
        if health.status != WorkerStatus.RUNNING:
            self._missed.pop(run.run_id, None)
            return health
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        meta = self.celery.AsyncResult(task).info
        worker = meta.get("hostname") if isinstance(meta, dict) else None
        if worker is None or self._has_task(worker, task):
            self._missed.pop(run.run_id, None)
            return health
        missed = self._missed[run.run_id] = self._missed.get(run.run_id, 0) + 1
        if missed < _CHECKS_BEFORE_LOST:
            return health
        del self._missed[run.run_id]
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"The Celery worker {worker} is gone, or does not execute this run.",
        )

    def _has_task(self, worker: str, task: str) -> bool:
        """Whether the worker answers, and names the task among those that it executes."""
        inspect = self.celery.control.inspect([worker], timeout=_ANSWER_SECONDS)
        active = (inspect.active() or {}).get(worker)
        return active is not None and any(found["id"] == task for found in active)
