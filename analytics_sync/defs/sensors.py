"""The sensors: one for each windowed resource that declares one.

In: the declarations. Out: sensor definitions, off until somebody switches them on. A tick costs one
request. If the resource has a newer cursor than the last tick saw, the sensor requests runs of the
days in between.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from dagster import (
    AssetSelection,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    define_asset_job,
    sensor,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError, MissingSetting
from analytics_sync.defs.translator import asset_key

_MAX_DAYS = 14  # After a longer pause, a person starts a backfill for the days before.


def new_records_sensor(source: Source, resource: Resource) -> SensorDefinition:
    """The sensor ``new_<source>_<resource>``: requests runs of the days that have new records.

    Args:
        source: The declaration.
        resource: A resource with a cursor of its own, which declares ``sensor``.
    """
    assert resource.sensor is not None
    followers = [
        asset_key(r) for r in source.assets if r is resource or source.window_owner(r) is resource
    ]
    job = define_asset_job(
        f"follow_{source.name}_{resource.name}",
        selection=AssetSelection.assets(*followers),
        description=f"{resource} and what belongs to its windows, with checks.",
    )

    @sensor(
        name=f"new_{source.name}_{resource.name}",
        job=job,
        minimum_interval_seconds=resource.sensor.interval_seconds,
        default_status=DefaultSensorStatus.STOPPED,
        description=f"Runs the day's partition when {resource} has something newer.",
    )
    def new_records(context: SensorEvaluationContext) -> Any:
        # Imported by a tick only, so that definitions load without it.
        from analytics_sync.extract.newest import newest_cursor

        try:
            latest = newest_cursor(source, resource)
        except MissingSetting as e:
            return SkipReason(str(e))
        except ExtractError as e:
            raise RuntimeError(str(e)) from e
        seen = datetime.fromisoformat(context.cursor) if context.cursor else None
        if latest is None or (seen is not None and latest <= seen):
            return SkipReason(f"{resource}: nothing newer than {seen or 'the beginning'}.")
        first = seen.date() if seen else latest.date()
        return SensorResult(
            run_requests=[
                RunRequest(
                    run_key=f"{resource}:{day}:{latest.isoformat()}", partition_key=day.isoformat()
                )
                for day in _days(first, latest.date())
            ],
            cursor=latest.isoformat(),
        )

    return new_records


def _days(first: date, last: date) -> list[date]:
    """The days from first to last: none after today, and at most ``_MAX_DAYS``."""
    today = datetime.now(UTC).date()
    last = min(last, today)
    count = min((last - first).days + 1, _MAX_DAYS)
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]
