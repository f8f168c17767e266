"""The check ``freshness``: whether the newest data that should be there by now is there.

In: Dagster's history. Out: a warning that names what is late. A backfill of old partitions makes nothing
fresh and nothing stale: a windowed resource is judged by its newest partition that is due. No table is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import DagsterInstance, EventLogRecord, TimeWindowPartitionsDefinition

from analytics_sync.catalog import Resource, Source
from analytics_sync.defs.checks.table_checks import Verdict
from analytics_sync.defs.history.materializations import latest_of_partitions, read_from
from analytics_sync.defs.partitions.past_partitions import Partition, past_partitions
from analytics_sync.defs.specs.translator import asset_key

FRESHNESS = "freshness"
DESCRIPTION = "The newest partition that is due, or the latest snapshot, is loaded."
_DAY = timedelta(days=1)
_LOOKED_AT = 30  # partitions before the newest one


class Freshness:
    """The freshness of the resources of one source.

    Args:
        instance: Dagster's instance.
        source: The source.
        partitions: The partitions of its windowed resources.
    """

    def __init__(
        self,
        instance: DagsterInstance,
        source: Source,
        partitions: TimeWindowPartitionsDefinition,
    ) -> None:
        self._instance = instance
        self._source = source
        self._definition = partitions
        self._now = datetime.now(UTC)
        current = partitions.get_last_partition_window()
        self._length = current.end - current.start if current else _DAY

    def verdict(self, resource: Resource, record: EventLogRecord | None) -> Verdict:
        """Whether a resource is fresh.

        Args:
            resource: The resource.
            record: Its latest materialization.
        """
        owner = self._source.window_owner(resource)
        if owner is None or owner.incremental is None:
            return self._of_snapshot(resource, record)
        return self._of_partitions(resource, owner.incremental.delay or timedelta())

    @property
    def _grace(self) -> timedelta:
        """How long after it is due a partition may be missing: the schedule starts at some hour."""
        return min(3 * self._length, _DAY)

    def _of_snapshot(self, resource: Resource, record: EventLogRecord | None) -> Verdict:
        if record is None:
            return False, f"{resource} was never loaded. {_command(resource)}", {}
        age = self._now - datetime.fromtimestamp(record.timestamp, UTC)
        allowed = self._length + self._grace
        metadata = {
            "seconds_old": round(age.total_seconds(), 1),
            "seconds_allowed": allowed.total_seconds(),
        }
        if age > allowed:
            text = f"{resource} was loaded {_days(age)} ago, and is due after {_days(allowed)}."
            return False, f"{text} Look at the runs of its schedule. {_command(resource)}", metadata
        return True, "The snapshot is as new as its schedule makes it.", metadata

    def _of_partitions(self, resource: Resource, delay: timedelta) -> Verdict:
        due_until = self._now - delay - self._grace
        back = (_LOOKED_AT + 1) * self._length
        due = past_partitions(self._definition, due_until - back, due_until)
        if not due:
            return True, "No partition is due yet.", {}
        keys = [p.key for p in due]
        records = latest_of_partitions(self._instance, asset_key(resource), keys)
        late = [p for p in due if not _is_read(p, records.get(p.key))]
        newest = due[-1]
        metadata: dict[str, Any] = {"newest_due": newest.key, "partitions_late": len(late)}
        if read := [p.key for p in due if p not in late]:
            metadata["newest_loaded"] = read[-1]
        if newest not in late:
            return True, f"{newest.key}, the newest partition that is due, is loaded.", metadata
        seconds = (self._now - newest.end.astimezone(UTC)).total_seconds()
        metadata["seconds_late"] = round(seconds, 1)
        return False, _late_text(resource, newest, late, read), metadata


def _late_text(
    resource: Resource, newest: Partition, late: Sequence[Partition], read: Sequence[str]
) -> str:
    before = f"the newest one that is loaded is {read[-1]}" if read else "none before it is loaded"
    return (
        f"{newest.key} should be loaded by now, and is not, or was read before it was over; {before}. "
        f"{len(late)} of the last partitions are missing. Look at the runs of its schedule. "
        f"{_command(resource, newest.key)}"
    )


def _command(resource: Resource, partition: str | None = None) -> str:
    chosen = f" --partition {partition}" if partition else ""
    return (
        f"To load it: dagster asset materialize --select {resource}{chosen} "
        "-m analytics_sync.definitions."
    )


def _is_read(partition: Partition, record: EventLogRecord | None) -> bool:
    """Whether a partition was read after its end."""
    return record is not None and read_from(record) >= partition.end.astimezone(UTC)


def _days(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
