"""The check ``freshness``: whether the newest data that should be there by now is there.

In: Dagster's history, and the cadence of the source. Out: a warning that names what is late. A backfill of old
partitions makes nothing fresh and nothing stale: a windowed resource is judged by its newest partition that is
due. With a cadence, the newest record may not be older than it allows. No table is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Any

from dagster import DagsterInstance, EventLogRecord, TimeWindowPartitionsDefinition

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.page_keys import PageKeys, cadence_of, joined
from analytics_sync.catalog.plan import plan_of
from analytics_sync.defs.checks.table_checks import Verdict
from analytics_sync.defs.history.materializations import (
    latest_of_partitions,
    metadata_of,
    read_from,
)
from analytics_sync.defs.history.metadata_names import NEWEST_CURSOR
from analytics_sync.defs.partitions.past_partitions import Partition, past_partitions
from analytics_sync.defs.specs.translator import asset_key, load_command

FRESHNESS = "freshness"
NEWEST_DUE = "newest_due"
"""The metadata key of the newest partition that is due."""
DESCRIPTION = "The newest partition that is due, or the latest snapshot, is loaded."
_DAY, _NONE = timedelta(days=1), timedelta()
_LOOKED_AT = 30  # partitions before the newest one
_MOST_LOOKED_AT = 400  # with a long cadence


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

    @cached_property
    def _page(self) -> PageKeys:
        return plan_of(self._source).page

    def _cadence(self, resource: Resource) -> timedelta | None:
        return cadence_of(joined(resource.page, self._page))

    def _of_snapshot(self, resource: Resource, record: EventLogRecord | None) -> Verdict:
        if record is None:
            return False, f"{resource} was never loaded. {_command(resource)}", {}
        age = self._now - datetime.fromtimestamp(record.timestamp, UTC)
        allowed = max(self._length, self._cadence(resource) or _NONE) + self._grace
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
        cadence = self._cadence(resource)
        allowed = (cadence or _NONE) + self._length + delay + self._grace
        back = min(max(_LOOKED_AT, ceil(allowed / self._length)), _MOST_LOOKED_AT) + 1
        due = past_partitions(self._definition, due_until - back * self._length, due_until)
        if not due:
            return True, "No partition is due yet.", {}
        keys = [p.key for p in due]
        records = latest_of_partitions(self._instance, asset_key(resource), keys)
        late = [p for p in due if not _is_read(p, records.get(p.key))]
        newest = due[-1]
        metadata: dict[str, Any] = {NEWEST_DUE: newest.key, "partitions_late": len(late)}
        if read := [p.key for p in due if p not in late]:
            metadata["newest_loaded"] = read[-1]
        if newest in late:
            seconds = (self._now - newest.end.astimezone(UTC)).total_seconds()
            metadata["seconds_late"] = round(seconds, 1)
            return False, _late_text(resource, newest, late, read), metadata
        if resource.cursor is not None and cadence is not None:
            found = [metadata_of(record, NEWEST_CURSOR) for record in records.values()]
            cursor = max((datetime.fromisoformat(str(c)) for c in found if c), default=None)
            since = cursor or due[0].start.astimezone(UTC)
            metadata["newest_record"] = cursor.isoformat() if cursor else "none"
            metadata["seconds_allowed"] = allowed.total_seconds()
            if self._now - since > allowed:
                return False, self._quiet_text(resource, cursor, self._now - since), metadata
        return True, f"{newest.key}, the newest partition that is due, is loaded.", metadata

    def _quiet_text(self, resource: Resource, cursor: datetime | None, age: timedelta) -> str:
        """The message of partitions that are loaded and have no new record."""
        cadence = joined(resource.page, self._page).cadence
        newest = (
            f"the newest record is of {cursor:%Y-%m-%d %H:%M} UTC, {_days(age)} ago"
            if cursor
            else f"no partition of the last {_days(age)} has a record"
        )
        return (
            f"{resource} is loaded, but {newest}, and the cadence is {cadence}. Look at the API: its filter, its "
            "permissions or the field of the cursor may have changed. If it has no new data, correct `cadence`."
        )


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
    return f"To load it: {load_command(resource, chosen)}."


def _is_read(partition: Partition, record: EventLogRecord | None) -> bool:
    """Whether a partition was read after its end."""
    return record is not None and read_from(record) >= partition.end.astimezone(UTC)


def _days(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
