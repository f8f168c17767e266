"""The partitions that a night has to read: what Dagster's history says about those of the last days.

In: a Dagster instance, the partitions of a source, and a moment. Out: for each partition that is over,
the assets that need it, each with the reason. A partition is needed if it is missing, if its last run
failed, if it was read before it was over, or if the lookback of its resource reaches it. A partition that
a living run is reading is not needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dagster import (
    AssetKey,
    AssetPartitionStatus,
    AssetRecordsFilter,
    DagsterInstance,
    DagsterRunStatus,
    EventLogRecord,
    RunRecord,
    TimeWindowPartitionsDefinition,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.history.materializations import metadata_of, read_from
from analytics_sync.defs.partitions.past_partitions import Partition, past_partitions
from analytics_sync.defs.specs.translator import asset_key

# The run of a machine that was switched off stays "started" for ever. The next night takes it for dead.
_DEAD_AFTER = timedelta(hours=20)
_REPORTED = 92  # how many older partitions are looked at, for the log only
_MAX_RECORDS = 200
_LEAST_LONG = 3  # weeks or months are looked at so many back, whatever the number of days


class Reason(StrEnum):
    """Why a partition of an asset is read tonight."""

    MISSING = "missing"
    FAILED = "failed"
    UNENDED = "its run did not end"
    EARLY = "read before it was over"
    LOOKBACK = "lookback"


@dataclass(frozen=True)
class Needs:
    """What a night has to read.

    Attributes:
        partitions: The partitions that are over, from old to new.
        by_key: The assets that need a partition, each with the reason.
        in_progress: The partitions that a run is reading, and that are not needed for this reason.
        older: The partitions before the last days that an asset lacks.
    """

    partitions: tuple[Partition, ...]
    by_key: Mapping[str, Mapping[AssetKey, Reason]]
    in_progress: tuple[Partition, ...]
    older: tuple[Partition, ...]


@dataclass(frozen=True)
class Rules:
    """When the records of an asset are there.

    Attributes:
        delay: How long after its end the API has all records of a partition.
        lookback: How far before the newest partition records may still change.
    """

    delay: timedelta
    lookback: timedelta


class MissedPartitions:
    """Finds the partitions of one source that a night has to read.

    Args:
        instance: Dagster's instance; None in a tick that has none, which reads the newest partition.
        partitions: The partitions of the windowed resources.
        at: The moment of the tick. Partitions that end later are not looked at.
        days: How many days back missed partitions are read. The newest partition is always looked at.
    """

    def __init__(
        self,
        instance: DagsterInstance | None,
        partitions: TimeWindowPartitionsDefinition,
        at: datetime,
        days: int,
    ) -> None:
        self._instance = instance
        self._definition = partitions
        self._at = at
        self._days = timedelta(days=days)
        self._runs: dict[str, RunRecord | None] = {}

    def of(self, source: Source) -> Needs:
        """The partitions that the windowed assets of a source need."""
        rules = rules_of(source)
        over = past_partitions(self._definition, self._at - self._back(rules.values()), self._at)
        by_key: dict[str, dict[AssetKey, Reason]] = {}
        in_progress, older = set[str](), set[str]()
        for key, rule in rules.items():
            due = [p for p in over if _utc(p.end) + rule.delay <= self._at]
            wanted = self._wanted(due, rule)
            status = self._status(key, [p.key for p in due])
            older.update(
                p.key
                for p in due
                if p.key not in wanted and status.get(p.key) in (None, AssetPartitionStatus.FAILED)
            )
            for name, reason in self._reasons(key, rule, due, wanted, status):
                if reason is None:
                    in_progress.add(name)
                else:
                    by_key.setdefault(name, {})[key] = reason
        return Needs(
            tuple(over),
            by_key,
            tuple(p for p in over if p.key in in_progress),
            tuple(p for p in over if p.key in older),
        )

    def of_asset(self, key: AssetKey, rule: Rules) -> set[str]:
        """The keys of the partitions that one asset needs."""
        over = past_partitions(self._definition, self._at - self._back([rule]), self._at)
        due = [p for p in over if _utc(p.end) + rule.delay <= self._at]
        wanted = self._wanted(due, rule)
        status = self._status(key, sorted(wanted))
        found = self._reasons(key, rule, due, wanted, status)
        return {name for name, reason in found if reason is not None}

    def _back(self, rules: Collection[Rules]) -> timedelta:
        """How far back the first partition begins that is looked at."""
        current = self._definition.get_last_partition_window()
        length = _utc(current.end) - _utc(current.start) if current else timedelta()
        farthest = max((rule.lookback for rule in rules), default=timedelta())
        delay = max((rule.delay for rule in rules), default=timedelta())
        return max(self._days, farthest, _LEAST_LONG * length) + delay + (_REPORTED + 1) * length

    def _wanted(self, due: Sequence[Partition], rule: Rules) -> set[str]:
        """The keys of the partitions that are read again if the history asks for it."""
        if not due or self._instance is None:
            return {p.key for p in due[-1:]}
        newest = due[-1]
        # wall-clock time: a day of 23 or 25 hours is a day
        last_days = self._at.astimezone(newest.end.tzinfo) - self._days - rule.delay
        reached = newest.start - rule.lookback
        least = _LEAST_LONG if newest.is_long else 1
        return {p.key for p in due if p.end > last_days or p.start >= reached} | {
            p.key for p in due[-least:]
        }

    def _status(
        self, asset: AssetKey, keys: Sequence[str]
    ) -> Mapping[str, AssetPartitionStatus | None]:
        if self._instance is None:
            return {}
        found = self._instance.get_status_by_partition(asset, keys, self._definition)
        return found or {}  # nothing is known of an asset that no run ever planned

    def _reasons(
        self,
        asset: AssetKey,
        rule: Rules,
        due: Sequence[Partition],
        wanted: Collection[str],
        status: Mapping[str, AssetPartitionStatus | None],
    ) -> Iterator[tuple[str, Reason | None]]:
        """The wanted keys with the reason to read them; None while a run reads them."""
        looked_at = [p for p in due if p.key in wanted]
        read = [p for p in looked_at if status.get(p.key) == AssetPartitionStatus.MATERIALIZED]
        records = self._latest(asset, [p.key for p in read])
        for partition in looked_at:
            match status.get(partition.key):
                case AssetPartitionStatus.IN_PROGRESS:
                    dead = self._is_dead(asset, partition.key)
                    yield partition.key, Reason.UNENDED if dead else None
                case AssetPartitionStatus.FAILED:
                    yield partition.key, Reason.FAILED
                case AssetPartitionStatus.MATERIALIZED if record := records.get(partition.key):
                    if reason := self._reason_again(record, partition, rule, due[-1]):
                        yield partition.key, reason
                case _:
                    yield partition.key, Reason.MISSING

    def _reason_again(
        self,
        record: EventLogRecord,
        partition: Partition,
        rule: Rules,
        newest: Partition,
    ) -> Reason | None:
        """Why a partition that was read is read again; None if it is not."""
        began, read_up_to = _times(record)
        given = began - rule.delay  # what is later is not given yet
        if min(given, read_up_to or given) < _utc(partition.end):
            return Reason.EARLY
        is_reached = partition.start >= newest.start - rule.lookback
        if partition is newest or not is_reached:
            return None
        is_read_tonight = _utc(newest.end) <= given and began <= self._at
        return None if is_read_tonight else Reason.LOOKBACK

    def _latest(self, asset: AssetKey, keys: Sequence[str]) -> dict[str, EventLogRecord]:
        """The latest materialization of each partition."""
        latest: dict[str, EventLogRecord] = {}
        cursor, pending = None, set(keys)
        while pending and self._instance is not None:
            result = self._instance.fetch_materializations(
                AssetRecordsFilter(asset, asset_partitions=sorted(pending)),
                limit=_MAX_RECORDS,
                cursor=cursor,
            )
            for record in result.records:
                latest.setdefault(record.partition_key or "", record)
            pending -= latest.keys()
            cursor = result.cursor
            if not result.has_more:
                break
        return latest

    def _is_dead(self, asset: AssetKey, key: str) -> bool:
        """Whether the run that reads a partition ended without a word, as with a switched off machine.

        A queued run is alive: Dagster starts it later.
        """
        assert self._instance is not None
        planned = self._instance.get_latest_planned_materialization_info(asset, key)
        if planned is None:
            return True
        if planned.run_id not in self._runs:
            self._runs[planned.run_id] = self._instance.get_run_record_by_id(planned.run_id)
        record = self._runs[planned.run_id]
        if record is None:
            return True
        if record.dagster_run.status == DagsterRunStatus.QUEUED:
            return False
        began = record.start_time or record.create_timestamp.timestamp()
        return self._at - datetime.fromtimestamp(began, UTC) > _DEAD_AFTER


def _times(record: EventLogRecord) -> tuple[datetime, datetime | None]:
    """When the read of a materialization began, and up to which instant the API gave records."""
    read_up_to = metadata_of(record, "read_up_to")
    return read_from(record), datetime.fromisoformat(str(read_up_to)) if read_up_to else None


def rules_of(source: Source) -> dict[AssetKey, Rules]:
    """The rules of each windowed asset: those of the resource whose cursor cuts its windows."""
    found: dict[AssetKey, Rules] = {}
    for resource in source.assets:
        owner = source.window_owner(resource)
        if owner is not None and (incremental := owner.incremental) is not None:
            found[asset_key(resource)] = Rules(
                incremental.delay or timedelta(), incremental.lookback or timedelta()
            )
    return found


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
