"""The schedules: a daily one for each source.

In: a declaration and its job. Out: a schedule definition. It is off until somebody switches it on.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from dagster import (
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    schedule,
)

from analytics_sync.defs.planned import Planned


def nightly_schedule(planned: Planned, job: Any) -> ScheduleDefinition:
    """The schedule ``daily_<source>``: the partition of yesterday, and the snapshots.

    Its name begins with the kind of the partitions, ``hourly_`` for instance.
    """
    source, plan = planned.source, planned.plan
    windowed = any(source.windowed(resource) for resource in source.assets)

    @schedule(
        name=f"{plan.partitions}_{source.name}",
        job=job,
        cron_schedule=plan.schedule,
        execution_timezone=plan.time_zone,
        default_status=DefaultScheduleStatus.STOPPED,
        description=(
            f"At {plan.schedule!r} in {plan.time_zone}: the newest partition that is over, and the "
            f"snapshots of {source.name}."
        ),
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date()
        key = day.isoformat()
        return RunRequest(run_key=f"{source.name}-{key}", partition_key=key if windowed else None)

    return daily
