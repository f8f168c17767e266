"""The materializations that Dagster knows: the latest of each asset, and of each partition.

In: Dagster's instance. Out: records of the event log, and single values of their metadata.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    EventLogRecord,
)

from analytics_sync.defs.history.metadata_names import READING_BEGAN

_BATCH = 500  # records that are fetched at a time


def latest_of_assets(
    instance: DagsterInstance, keys: Iterable[AssetKey]
) -> dict[AssetKey, EventLogRecord]:
    """The latest materialization of each asset that has one. Dagster is asked once for all."""
    entries = [record.asset_entry for record in instance.get_asset_records(list(keys))]
    return {
        e.asset_key: e.last_materialization_record
        for e in entries
        if e.last_materialization_record is not None
    }


def latest_of_partitions(
    instance: DagsterInstance, asset: AssetKey, keys: Collection[str]
) -> dict[str, EventLogRecord]:
    """The latest materialization of each of some partitions that has one."""
    if not keys:
        return {}
    found = instance.get_latest_storage_id_by_partition(
        asset, DagsterEventType.ASSET_MATERIALIZATION, set(keys)
    )
    ids = sorted(found.values())
    latest: dict[str, EventLogRecord] = {}
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        records = instance.fetch_materializations(
            AssetRecordsFilter(asset, storage_ids=some), limit=len(some)
        ).records
        latest |= {str(record.partition_key): record for record in records}
    return latest


def metadata_of(record: EventLogRecord | None, *names: str) -> Any:
    """The value of the first of some names in the metadata of a materialization; None without one."""
    materialization = record.asset_materialization if record else None
    for name in names:
        if materialization is not None and (value := materialization.metadata.get(name)):
            return value.value
    return None


def read_from(record: EventLogRecord) -> datetime:
    """When the read of a materialization began, in UTC; without a word of it, when Dagster was told."""
    began = metadata_of(record, READING_BEGAN)
    if began is None:
        return datetime.fromtimestamp(record.timestamp, UTC)
    return datetime.fromisoformat(str(began))
