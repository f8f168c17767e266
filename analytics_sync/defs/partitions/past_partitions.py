"""The partitions of the past: those that are over at a moment.

In: a partitions definition, and two moments. Out: partitions with their keys and windows, and their names
in a text. Nothing here knows how long a partition is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dagster import TimeWindow, TimeWindowPartitionsDefinition

from analytics_sync.common.window import Window


@dataclass(frozen=True)
class Partition:
    """One partition.

    Attributes:
        key: Its key.
        start: Its first instant, in the time zone of the partitions.
        end: The instant after it, in the same zone.
    """

    key: str
    start: datetime
    end: datetime

    @property
    def is_long(self) -> bool:
        """Whether it is longer than a day. The clock's change makes no day longer."""
        return self.end - self.start > timedelta(days=1)  # two times of one zone: wall-clock time


def partition_of(definition: TimeWindowPartitionsDefinition, key: str) -> Partition:
    """The partition of a key."""
    window = definition.time_window_for_partition_key(key)
    return Partition(key, window.start, window.end)


def window_of(partition: Partition) -> Window:
    """The window of a partition."""
    zone = partition.start.tzinfo
    start, end = partition.start.astimezone(UTC), partition.end.astimezone(UTC)
    return Window(start, end, zone=None if zone is None or str(zone) == "UTC" else zone)


def past_partitions(
    definition: TimeWindowPartitionsDefinition, since: datetime, at: datetime
) -> list[Partition]:
    """The partitions that begin at ``since`` or later and are over at ``at``, from old to new."""
    since = max(definition.start, since)
    if since >= at:
        return []
    keys = definition.get_partition_keys_in_time_window(TimeWindow(since, at))
    return [p for key in keys if (p := partition_of(definition, key)).end <= at]


def ranges(partitions: Iterable[Partition]) -> list[tuple[Partition, Partition]]:
    """The first and the last partition of each run of neighbours, from partitions in their order."""
    found: list[tuple[Partition, Partition]] = []
    for partition in partitions:
        # two times of one zone are compared by the clock on the wall, which shows an hour twice
        if found and found[-1][1].end.astimezone(UTC) == partition.start.astimezone(UTC):
            found[-1] = found[-1][0], partition
        else:
            found.append((partition, partition))
    return found


def spans(partitions: Iterable[Partition]) -> list[str]:
    """Partitions in words, neighbours as one range: ``2026-01-03...2026-01-07``."""
    return [a.key if a == b else f"{a.key}...{b.key}" for a, b in ranges(partitions)]
