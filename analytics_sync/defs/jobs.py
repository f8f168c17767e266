"""A job for each source and one for everything, and a daily schedule for each source.

In: the declarations. Out: jobs, and schedules that are off until somebody switches them on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    define_asset_job,
    schedule,
)

from analytics_sync.spec import Source

_CRON = "15 2 * * *"  # after midnight UTC, when yesterday is complete


def source_job(source: Source) -> Any:
    """``sync_<source>``: all assets and checks of a source."""
    return define_asset_job(
        f"sync_{source.name}",
        selection=AssetSelection.groups(source.name),
        description=f"All resources of {source.name}, and their checks.",
    )


def everything_job(sources: Iterable[Source]) -> Any:
    """``sync_everything``: all assets and checks."""
    return define_asset_job(
        "sync_everything",
        selection=AssetSelection.groups(*(s.name for s in sources)),
        description="All resources of all sources, and their checks.",
    )


def daily_schedule(source: Source, job: Any) -> ScheduleDefinition:
    """``daily_<source>``: yesterday's partition of the windowed resources, and the snapshots."""
    windowed = any(source.windowed(resource) for resource in source.assets)

    @schedule(
        name=f"daily_{source.name}",
        job=job,
        cron_schedule=_CRON,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.STOPPED,
        description=f"Every day at 02:15 UTC: yesterday's partition and the snapshots of {source.name}.",
    )
    def daily(context: ScheduleEvaluationContext) -> RunRequest:
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date()
        key = day.isoformat()
        return RunRequest(run_key=f"{source.name}-{key}", partition_key=key if windowed else None)

    return daily
