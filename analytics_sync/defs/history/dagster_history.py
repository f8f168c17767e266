"""The history: what Dagster reports of earlier loads, compared with what the warehouse holds.

In: Dagster's instance, the partitions of a source, and the table ``_loaded``. Out: the verdict of the check
``history``, and what a load needs to know of earlier ones. A partition that Dagster shows as materialized
and that the warehouse does not have is missing in a lost, restored or other warehouse: later loads would
not bring it back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckSeverity,
    AssetKey,
    AssetRecordsFilter,
    DagsterInstance,
    EventLogEntry,
    TimeWindowPartitionsDefinition,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import variable_name
from analytics_sync.common.shown import listed
from analytics_sync.common.window import Window
from analytics_sync.defs.partitions.past_partitions import Partition, partition_of, ranges
from analytics_sync.defs.specs.translator import asset_key, load_command

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_LOAD_ID = "load_id"
ACCOUNT_CHANGES = "account_changes"
_LONGEST_PARTITION = timedelta(days=32)
_BATCH = 1000  # materializations that are fetched at a time

HistoryVerdict = tuple[bool, AssetCheckSeverity, str, dict[str, Any]]
"""Whether the check passed, its severity, description and metadata."""


@dataclass(frozen=True)
class DagsterHistory:
    """What Dagster reports of the loads of one source.

    Attributes:
        instance: Dagster's instance. An ephemeral one reports nothing.
        source: The source.
        partitions: The partitions of its windowed resources.
    """

    instance: DagsterInstance
    source: Source
    partitions: TimeWindowPartitionsDefinition

    def latest_loads(self, resources: Iterable[Resource]) -> dict[str, str]:
        """dlt's id of the load of the latest materialization, for each resource that has one."""
        names = {asset_key(resource): resource.name for resource in resources}
        latest = latest_materializations(self.instance, names)
        loads = {names[key]: _load_id(event) for key, event in latest.items()}
        return {name: load for name, load in loads.items() if load is not None}

    def windows_since(self, resource: Resource, load_id: str) -> list[Window]:
        """The windows of materializations by later loads than ``load_id``."""
        from analytics_sync.load.memory.loaded_windows import load_time  # imported by a run only

        since = load_time(load_id)
        return [
            _window(self.partitions, key)
            for key, load in self._materializations(resource, since)
            if load_time(load) > since and self.partitions.has_partition_key(key)
        ]

    def _materializations(self, resource: Resource, since: float) -> Iterator[tuple[str, str]]:
        """Partition and load of each materialization after a time, in seconds since 1970."""
        wanted = AssetRecordsFilter(asset_key(resource), after_timestamp=since)
        cursor = None
        while True:
            found = self.instance.fetch_materializations(wanted, limit=_BATCH, cursor=cursor)
            for record in found.records:
                load = _load_id(record.event_log_entry)
                if record.partition_key is not None and load is not None:
                    yield record.partition_key, load
            if not found.has_more:
                return
            cursor = found.cursor

    def verdict(
        self, warehouse: Warehouse, resource: Resource, event: EventLogEntry | None
    ) -> HistoryVerdict:
        """Whether the warehouse has what Dagster reports.

        Args:
            warehouse: The dataset of the source.
            resource: The resource.
            event: Its latest materialization.
        """
        from analytics_sync.load.tables.system_tables import LOADED  # imported by a run only

        has_memory = bool(warehouse.columns(LOADED))
        if not has_memory and warehouse.columns(resource.table):
            text = "An earlier version loaded the table: the next load notes what it holds."
            return True, AssetCheckSeverity.ERROR, text, {}
        known = _known(warehouse, resource) if has_memory else _Known([], None)
        missing: Sequence[Partition] = ()
        if self.source.windowed(resource):
            missing = self._missing(resource, known.ranges)
        if missing:
            text = _missing_text(warehouse, resource, missing)
            return False, AssetCheckSeverity.ERROR, text, {"partitions_missing": len(missing)}
        if text := _lost_load(warehouse, resource, _load_id(event), known.latest):
            return False, AssetCheckSeverity.ERROR, text, {}
        if changes := _account_changes(event):
            text = _changes_text(self.source, changes)
            return False, AssetCheckSeverity.WARN, text, {}
        text = "The warehouse has all that Dagster reports. No change of its account was seen."
        return True, AssetCheckSeverity.ERROR, text, {}

    def _missing(
        self, resource: Resource, loaded: Sequence[tuple[datetime, datetime]]
    ) -> list[Partition]:
        """The materialized partitions that were not loaded into the warehouse, in their order."""
        starts = [start for start, _ in loaded]
        missing = []
        for key in self.instance.get_materialized_partitions(asset_key(resource)):
            try:
                begin = self.partitions.start_time_for_partition_key(key)
            except ValueError:  # of other partitions, which the source had once
                continue
            index = bisect_right(starts, begin) - 1
            end = loaded[index][1] if index >= 0 else begin
            # to look for the end of each partition would take longer than all else
            if end < begin + _LONGEST_PARTITION:
                if not self.partitions.has_partition_key(key):
                    continue
                partition = partition_of(self.partitions, key)
                if end < partition.end:
                    missing.append(partition)
        return sorted(missing, key=lambda partition: partition.start.astimezone(UTC))


def latest_materializations(
    instance: DagsterInstance, keys: Iterable[AssetKey]
) -> dict[AssetKey, EventLogEntry]:
    """The latest materialization of each asset that has one. Dagster is asked once for all."""
    entries = [record.asset_entry for record in instance.get_asset_records(list(keys))]
    return {e.asset_key: e.last_materialization for e in entries if e.last_materialization}


@dataclass(frozen=True)
class _Known:
    ranges: list[tuple[datetime, datetime]]
    latest: str | None


def _known(warehouse: Warehouse, resource: Resource) -> _Known:
    """The ranges of time that were loaded into the table, and its latest load."""
    from analytics_sync.load.memory.loaded_windows import (  # imported by a run only
        covered,
        windows_query,
    )
    from analytics_sync.load.tables.system_tables import LOADED

    table, rows = warehouse.table(LOADED), warehouse.column("rows")
    empty = ""
    if not warehouse.columns(resource.table) or not warehouse.rows(
        f"SELECT 1 FROM {warehouse.table(resource.table)} LIMIT 1"
    ):
        empty = f" AND {rows} = 0"  # somebody has dropped or emptied the table
    windows = warehouse.rows(windows_query(table) + empty, resource.name)
    latest = warehouse.row(
        f"SELECT max(load_id) FROM {table} WHERE resource = %s{empty}", resource.name
    )[0]
    return _Known(covered(windows), latest)


def _missing_text(warehouse: Warehouse, resource: Resource, missing: Sequence[Partition]) -> str:
    found = [(first.key, last.key) for first, last in ranges(missing)]
    named = listed(first if first == last else f"{first} to {last}" for first, last in found)
    first, last = found[0]
    chosen = f" --partition {first}" if first == last else f" --partition-range {first}...{last}"
    each = " (and so on for each range)" if len(found) > 1 else ""
    return (
        f"Dagster shows {len(missing)} partitions as materialized that the warehouse "
        f"{_address()} does not have in {warehouse.dataset}.{resource.table}: {named}. It was lost, "
        "replaced or restored, or the table was dropped. Put the right warehouse back, or load them "
        f"again: {load_command(resource, chosen)}{each}."
    )


def _lost_load(
    warehouse: Warehouse, resource: Resource, reported: str | None, known: str | None
) -> str:
    """The message of a load that Dagster reports and the warehouse does not have; empty without one."""
    from analytics_sync.load.memory.loaded_windows import (  # imported by a run only
        is_missing,
        load_time,
    )

    if reported is None or not is_missing(reported, known):
        return ""
    at = datetime.fromtimestamp(load_time(reported), UTC)
    return (
        f"Dagster reports a load of {at:%Y-%m-%d %H:%M} UTC that the warehouse {_address()} does not have "
        f"in {warehouse.dataset}.{resource.table}. It was lost, replaced or restored, or the table was "
        f"dropped. Put the right warehouse back, or load the asset again: {load_command(resource)}."
    )


def _changes_text(source: Source, changes: Iterable[str]) -> str:
    variable = variable_name(source.name, "accept_origin")
    return (
        f"{listed(changes, separator='; ')}. If they are those of another account, its rows are now beside "
        "those of the one before: take another warehouse for it, or start over. If the account is the "
        f"same, nothing is wrong; {variable}=credentials says so at once."
    )


def _address() -> str:
    from analytics_sync.load.clients.destination import make_destination, warehouse_address

    return warehouse_address(make_destination())


def _load_id(event: EventLogEntry | None) -> str | None:
    found = _metadata(event, _LOAD_ID)
    return str(found) if found else None


def _account_changes(event: EventLogEntry | None) -> list[str]:
    return list(_metadata(event, ACCOUNT_CHANGES) or ())


def _metadata(event: EventLogEntry | None, name: str) -> Any:
    materialization = event.asset_materialization if event else None
    found = materialization.metadata.get(name) if materialization else None
    return found.value if found else None


def _window(partitions: TimeWindowPartitionsDefinition, key: str) -> Window:
    found = partitions.time_window_for_partition_key(key)
    return Window(found.start.astimezone(UTC), found.end.astimezone(UTC))
