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

from analytics_sync.catalog import Source

_CRON = "15 2 * * *"  # after midnight UTC, when yesterday is complete


def daily_schedule(source: Source, job: Any) -> ScheduleDefinition:
    """The schedule ``daily_<source>``: the partition of yesterday, and the snapshots."""
    windowed = any(source.windowed(resource) for resource in source.assets)

    @schedule(
        name=f"daily_{source.name}",
        job=job,
        cron_schedule=_CRON,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.STOPPED,
        description=(
            f"Every day at 02:15 UTC: yesterday's partition and the snapshots of {source.name}."
        ),
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date()
        key = day.isoformat()
        return RunRequest(run_key=f"{source.name}-{key}", partition_key=key if windowed else None)

    return daily
