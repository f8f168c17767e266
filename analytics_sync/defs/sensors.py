"""A sensor for each windowed resource that declares one: something new, so read that day.

In: the declarations. Out: sensors, off until somebody switches them on. A tick costs one request;
the sensor's cursor is the newest instant seen.
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

_MOST_DAYS = 14  # after a long pause: the rest is a backfill, started by a person


def new_records_sensor(source: Source, resource: Resource) -> SensorDefinition:
    """``new_<source>_<resource>``: asks for the partitions in which something new is.

    Args:
        source: The declaration.
        resource: Windowed by a cursor of its own, with ``sensor`` declared.
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
        from analytics_sync.extract.newest import (
            newest_cursor,  # not needed to load the definitions
        )

        try:
            latest = newest_cursor(source, resource)
        except MissingSetting as e:
            return SkipReason(str(e))
        except ExtractError as e:
            raise RuntimeError(str(e)) from e
        known = datetime.fromisoformat(context.cursor) if context.cursor else None
        if latest is None or (known is not None and latest <= known):
            return SkipReason(f"{resource}: nothing newer than {known or 'the beginning'}.")
        first = known.date() if known else latest.date()
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
    today = datetime.now(UTC).date()
    last = min(last, today)
    count = min((last - first).days + 1, _MOST_DAYS)
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]
