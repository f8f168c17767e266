"""The daily partitions, and the window of a run's partitions.

In: ``ANALYTICS_SYNC__START_DATE`` and the context of a run. Out: the partitions definition and a
``Window``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import dlt
from dagster import AssetExecutionContext, DailyPartitionsDefinition

from analytics_sync.common.window import Window

DEFAULT_START = "2025-01-01"


def daily_partitions() -> DailyPartitionsDefinition:
    """UTC days from the start date up to and including today.

    Today is a partition, so that new records can be read before the day is over.

    Raises:
        ValueError: The start date is not an ISO 8601 day.
    """
    value = dlt.config.get("analytics_sync.start_date", str) or DEFAULT_START
    try:
        start = datetime.combine(date.fromisoformat(value), time.min, UTC)
    except ValueError:
        raise ValueError(
            f"ANALYTICS_SYNC__START_DATE is {value!r}; expected a day such as {DEFAULT_START}"
        ) from None
    return DailyPartitionsDefinition(start_date=start, timezone="UTC", end_offset=1)


def run_window(context: AssetExecutionContext) -> Window | None:
    """The run's range of partitions as one window. None for a run without partitions."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    keys = context.partition_key_range
    partitions = context.assets_def.partitions_def or daily_partitions()
    assert isinstance(partitions, DailyPartitionsDefinition)
    first = partitions.time_window_for_partition_key(keys.start)
    last = partitions.time_window_for_partition_key(keys.end)
    return Window(_utc(first.start), _utc(last.end))


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
