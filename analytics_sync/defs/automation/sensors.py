"""The sensors: one for each windowed resource that declares one.

In: the declarations and their partitions. Out: sensor definitions, off until somebody switches them on. A
tick costs one request. If the resource has a newer cursor than the last tick saw, the sensor requests runs
of the partitions in between, as far as these exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dagster import (
    AssetSelection,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    TimeWindow,
    TimeWindowPartitionsDefinition,
    define_asset_job,
    sensor,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError, MissingSetting
from analytics_sync.defs.history.run_tags import SOURCE_TAG
from analytics_sync.defs.specs.translator import asset_key

_MAX_RUNS = 14  # of one tick; the next tick requests what follows
_MAX_CLOCK_SKEW = timedelta(minutes=5)  # an API's clock may be ahead of ours by as much
_STEP = timedelta(microseconds=1)


def new_records_sensor(
    source: Source, resource: Resource, partitions: TimeWindowPartitionsDefinition
) -> SensorDefinition:
    """The sensor ``new_<source>_<resource>``: requests runs of the partitions that have new records.

    Args:
        source: The declaration.
        resource: A resource with a cursor of its own, which declares ``sensor``.
        partitions: The partitions of the source.
    """
    assert resource.sensor is not None
    followers = [
        asset_key(r) for r in source.assets if r is resource or source.window_owner(r) is resource
    ]
    job = define_asset_job(
        f"follow_{source.name}_{resource.name}",
        selection=AssetSelection.assets(*followers),
        description=f"{resource} and what belongs to its windows, with checks.",
        run_tags={SOURCE_TAG: source.name},
    )

    @sensor(
        name=f"new_{source.name}_{resource.name}",
        job=job,
        minimum_interval_seconds=resource.sensor.interval_seconds,
        default_status=DefaultSensorStatus.STOPPED,
        description=f"Runs the partition when {resource} has something newer.",
    )
    def new_records(context: SensorEvaluationContext) -> Any:
        return _tick(source, resource, partitions, context)

    return new_records


def _tick(
    source: Source,
    resource: Resource,
    partitions: TimeWindowPartitionsDefinition,
    context: SensorEvaluationContext,
) -> SensorResult | SkipReason:
    """The runs of one tick, or the reason why there are none."""
    # Imported by a tick only, so that definitions load without it.
    from analytics_sync.extract.newest import newest_cursor

    times = _CursorTimes(
        is_date=resource.cursor is not None and resource.cursor.data_type == "date",
        zone=ZoneInfo(partitions.timezone),
    )
    try:
        latest = times.instant(newest_cursor(source, resource, times.now()))
    except MissingSetting as e:
        return SkipReason(str(e))
    except ExtractError as e:
        raise RuntimeError(str(e)) from e
    seen = datetime.fromisoformat(context.cursor) if context.cursor else None
    if latest is None or (seen is not None and latest <= seen):
        return SkipReason(
            f"{resource}: nothing newer than {seen or 'the beginning'}. Records dated in the future "
            "do not count."
        )
    found = _partitions_between(partitions, seen + _STEP if seen else latest, latest)
    if not found:
        return SkipReason(
            f"{resource}: the newest record is from {latest.isoformat()}, before the first partition "
            f"({partitions.start:%Y-%m-%d}). Set an earlier start_date of the source to read it."
        )
    requested, later = found[:_MAX_RUNS], found[_MAX_RUNS:]
    if later:
        context.log.info(
            f"{resource}: {len(found)} partitions have new records. {requested[0].key}..."
            f"{requested[-1].key} are requested now, {later[0].key}...{later[-1].key} by later ticks."
        )
    return SensorResult(
        run_requests=[
            RunRequest(
                run_key=f"{resource}:{partition.key}:{latest.isoformat()}",
                partition_key=partition.key,
            )
            for partition in requested
        ],
        # what is not requested yet stays newer than the cursor
        cursor=(later[0].start - _STEP if later else latest).isoformat(),
    )


@dataclass(frozen=True)
class _CursorTimes:
    """The times of a cursor. A date without a time of day is a whole day in the zone of the partitions.

    Attributes:
        is_date: Whether the cursor is such a date.
        zone: The zone of the partitions.
    """

    is_date: bool
    zone: tzinfo

    def now(self) -> datetime:
        """The latest cursor that is not dated in the future."""
        if self.is_date:
            return datetime.combine(datetime.now(self.zone).date(), time.min, UTC)
        return datetime.now(UTC) + _MAX_CLOCK_SKEW

    def instant(self, cursor: datetime | None) -> datetime | None:
        """The first instant that a cursor stands for."""
        if cursor is None or not self.is_date:
            return cursor
        return cursor.replace(tzinfo=self.zone).astimezone(UTC)


class _Found(NamedTuple):
    key: str
    start: datetime


def _partitions_between(
    partitions: TimeWindowPartitionsDefinition, first: datetime, last: datetime
) -> list[_Found]:
    """The partitions from that of one instant to that of another, as far as they exist."""
    current = partitions.get_last_partition_window()
    if current is None or last < partitions.start:
        return []
    first_key = partitions.get_partition_key_for_timestamp(max(first, partitions.start).timestamp())
    start = partitions.time_window_for_partition_key(first_key).start.astimezone(UTC)
    end = min(last, current.start.astimezone(UTC)) + _STEP
    keys = partitions.get_partition_keys_in_time_window(TimeWindow(start, end))
    windows = map(partitions.time_window_for_partition_key, keys)
    return [_Found(key, w.start.astimezone(UTC)) for key, w in zip(keys, windows, strict=True)]
