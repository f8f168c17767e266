"""The partitions of a source, and the window of a run's partitions.

In: the plan of a source and the context of a run. Out: the partitions definition and a ``Window``. A
partition begins in the time zone of its source: a day has 23 or 25 hours where the clock is changed. The
window is the same range in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dagster import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

from analytics_sync.catalog.plan import SourcePlan
from analytics_sync.common.window import Window
from analytics_sync.defs.partitions.past_partitions import Partition, partition_of

_MONDAY = 1  # as cron counts the days of a week


def partitions_of(plan: SourcePlan) -> TimeWindowPartitionsDefinition:
    """The partitions from the start date up to and including the present one.

    The present day is a partition, so that new records can be read before it is over. A week begins on
    Monday. The week or month of the start date is the first partition, so that no day is left out.
    """
    zone = plan.time_zone
    start = datetime.combine(_first_day(plan), time.min, ZoneInfo(zone))
    match plan.partitions:
        case "hourly":
            return HourlyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)
        case "daily":
            return DailyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)
        case "weekly":
            return WeeklyPartitionsDefinition(
                start_date=start, timezone=zone, day_offset=_MONDAY, end_offset=1
            )
        case "monthly":
            return MonthlyPartitionsDefinition(start_date=start, timezone=zone, end_offset=1)


def _first_day(plan: SourcePlan) -> date:
    day = plan.start_date
    match plan.partitions:
        case "weekly":
            return day - timedelta(days=day.weekday())
        case "monthly":
            return day.replace(day=1)
    return day


def run_window(
    context: AssetExecutionContext, partitions: TimeWindowPartitionsDefinition
) -> Window | None:
    """The run's range of partitions as one window. None for a run without partitions."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    keys = context.partition_key_range
    return window_of_keys(partitions, keys.start, keys.end)


def window_of_keys(partitions: TimeWindowPartitionsDefinition, first: str, last: str) -> Window:
    """A range of partitions as one window."""
    begin = partitions.time_window_for_partition_key(first).start
    end = partitions.time_window_for_partition_key(last).end
    zone = None if partitions.timezone == "UTC" else ZoneInfo(partitions.timezone)
    return Window(_utc(begin), _utc(end), zone=zone)


def run_partitions(
    context: AssetExecutionContext | AssetCheckExecutionContext,
    partitions: TimeWindowPartitionsDefinition,
) -> list[Partition]:
    """The partitions of a run, from old to new; none for a run without partitions."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return []
    keys = partitions.get_partition_keys_in_range(context.partition_key_range)
    return [partition_of(partitions, key) for key in keys]


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
