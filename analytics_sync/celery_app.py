"""Optional. The Celery application of workers that execute runs or steps of Dagster.

In: ``ANALYTICS_SYNC__CELERY_BROKER``. Out: ``app``. Start a worker with
``celery -A analytics_sync.celery_app worker --queues dagster``. It needs the extra ``celery``.
"""

from __future__ import annotations

import os

from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task, create_task

# A process of a worker is a copy of this one: what is imported here, no run has to import again.
from analytics_sync.defs import build as _build  # noqa: F401
from analytics_sync.defs.steps import materialize as _materialize  # noqa: F401

_BROKER = "ANALYTICS_SYNC__CELERY_BROKER"
_address = os.environ.get(_BROKER, "").strip()
if not _address:
    raise RuntimeError(
        f"{_BROKER} is missing: set it to the address of the broker, such as redis://HOST:6379/1"
    )

app = make_app(  # type: ignore[no-untyped-call]
    {"broker": _address, "backend": _address, "task_default_queue": "dagster"}
)
app.conf.update(
    # A worker that is busy must not reserve a run that another worker could execute.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=_address.startswith(("redis://", "rediss://")),
    # Python's heap of a long run is not given back: a worker's process executes one run.
    worker_max_tasks_per_child=1,
    broker_connection_retry_on_startup=True,
)
execute_plan = create_task(app)  # type: ignore[no-untyped-call]
execute_job = create_execute_job_task(app)
resume_job = create_resume_job_task(app)
