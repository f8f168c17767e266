"""The check ``volume``: a partition whose number of rows is far outside that of the last weeks.

In: the numbers of rows that materializations report. Out: a warning with the numbers. No table is read. A
day is compared with the same weekday of the last weeks, a week or a month with those before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    AssetKey,
    DagsterInstance,
    EventLogRecord,
    MetadataValue,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)

from analytics_sync.defs.checks.table_checks import Verdict
from analytics_sync.defs.history.materializations import (
    latest_of_partitions,
    metadata_of,
    read_from,
)
from analytics_sync.defs.history.metadata_names import PARTITION_ROWS
from analytics_sync.defs.partitions.past_partitions import Partition

VOLUME = "volume"
DESCRIPTION = "A partition has about as many rows as the same weekday of the last weeks."
_BEFORE = 8  # partitions to compare with
_LEAST = 4  # fewer of them say nothing
_FACTOR = 2  # below the fewest, or above the most
_NOISE = 10  # rows by which small numbers may differ
_DAYS_A_WEEK = 7


class Volumes:
    """The numbers of rows of an asset's partitions, and of those before them.

    Args:
        instance: Dagster's instance.
        asset: The asset.
        definition: Its partitions.
        partitions: The partitions to judge, from old to new.
    """

    def __init__(
        self,
        instance: DagsterInstance,
        asset: AssetKey,
        definition: TimeWindowPartitionsDefinition,
        partitions: Sequence[Partition],
    ) -> None:
        first, last = partitions[0], partitions[-1]
        self._step = _DAYS_A_WEEK if _is_day(first) else 1
        length = first.end - first.start
        since = max(definition.start, first.start - (_BEFORE * self._step + 1) * length)
        self._keys = definition.get_partition_keys_in_time_window(TimeWindow(since, last.end))
        self._number = {key: n for n, key in enumerate(self._keys)}
        judged = [p.key for p in partitions]
        wanted = {*judged, *(key for own in judged for key in self._before(own))}
        self._rows = _rows(latest_of_partitions(instance, asset, wanted))

    def verdict(self, partition: Partition, record: EventLogRecord | None) -> Verdict:
        """Whether the number of rows of a partition is usual."""
        rows = self._rows.get(partition.key)
        if rows is None:
            return True, "The number of rows of this partition is not known.", {}
        if _was_read_early(partition, record):
            return True, f"{rows} rows so far: it was read before it was over.", {"rows": rows}
        before = self._before(partition.key)
        usual = {key: self._rows[key] for key in before if key in self._rows}
        if len(usual) < _LEAST:
            text = f"{rows} rows. {len(usual)} of {_LEAST} partitions to compare with are loaded."
            return True, text, {"rows": rows}
        return _compared(rows, usual)

    def _before(self, key: str) -> list[str]:
        """The partitions that one is compared with."""
        positions = range(self._number[key] - self._step, -1, -self._step)
        return [self._keys[n] for n in positions[:_BEFORE]]


def _compared(rows: int, usual: Mapping[str, int]) -> Verdict:
    fewest, most = min(usual.values()), max(usual.values())
    metadata: dict[str, Any] = {
        "rows": rows,
        "fewest_before": fewest,
        "most_before": most,
        "compared_with": MetadataValue.json(dict(usual)),
    }
    text = f"{rows} rows; {fewest} to {most} in {len(usual)} partitions before it."
    if rows * _FACTOR < fewest and fewest - rows > _NOISE:
        advice = "Compare with the API: its filter, its permissions or the cursor may have changed."
        return False, f"Far fewer rows than usual: {text} {advice}", metadata
    if rows > most * _FACTOR and rows - most > _NOISE:
        advice = "Look for records that come twice under new keys, and for an import at the API."
        return False, f"Far more rows than usual: {text} {advice}", metadata
    return True, text, metadata


def _rows(records: Mapping[str, EventLogRecord]) -> dict[str, int]:
    found = {key: metadata_of(record, PARTITION_ROWS) for key, record in records.items()}
    return {key: rows for key, rows in found.items() if isinstance(rows, int)}


def _was_read_early(partition: Partition, record: EventLogRecord | None) -> bool:
    read = read_from(record) if record else datetime.now(UTC)
    return read < partition.end.astimezone(UTC)


def _is_day(partition: Partition) -> bool:
    """Whether the partition is a day. Two times of one zone: wall-clock time."""
    return partition.end - partition.start == timedelta(days=1)
