"""The loaded windows of a dataset: what a table holds, as the loads have noted it.

In: a connection of a load, and what Dagster reports of earlier loads. Out: the table ``_loaded``, with one
row for each window of a resource, or one for a resource that is read as a whole. A load that Dagster reports
and the dataset does not know is lost: the file is another one, or an older copy. A day may have no rows, so
that rows alone do not tell whether it was loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.tables.system_tables import (
    LOADED,
    create_system_table,
    filled_tables,
    insert,
)

_DLT_LOADS = "_dlt_loads"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Reported(Protocol):
    """What Dagster reports of earlier loads."""

    def latest_loads(self, resources: Iterable[Resource]) -> Mapping[str, str]:
        """dlt's id of the load of the latest materialization, for each resource that has one."""

    def windows_since(self, resource: Resource, load_id: str) -> list[Window]:
        """The windows of materializations by later loads than ``load_id``."""


@dataclass(frozen=True)
class KnownLoads:
    """What the dataset knows of the loads of a resource.

    Attributes:
        latest: dlt's id of the latest load; None without one.
        with_rows: Number of windows that have rows, or may have some.
    """

    latest: str | None = None
    with_rows: int = 0


def known_loads(client: SqlClientBase[Any]) -> dict[str, KnownLoads]:
    """The known loads by resource. The table exists."""
    rows = client.escape_column_name("rows")
    found = client.execute_sql(
        f"SELECT resource, max(load_id), count(CASE WHEN {rows} IS NULL OR {rows} > 0 THEN 1 END) "
        f"FROM {client.make_qualified_table_name(LOADED)} GROUP BY resource"
    )
    return {resource: KnownLoads(latest, count) for resource, latest, count in found or ()}


def windows_query(table: str) -> str:
    """The query of the loaded windows of a resource, its one parameter."""
    return (
        f"SELECT window_start, window_end FROM {table} "
        "WHERE resource = %s AND window_start IS NOT NULL"
    )


def covered(windows: Iterable[Sequence[datetime]]) -> list[tuple[datetime, datetime]]:
    """The ranges of time that windows cover, in their order, without overlaps."""
    ranges: list[tuple[datetime, datetime]] = []
    for start, end in sorted((w[0], w[1]) for w in windows):
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((start, end))
    return ranges


def load_time(load_id: str) -> float:
    """When a load began, in seconds since 1970: dlt's ids are such times."""
    try:
        return float(load_id)
    except ValueError:
        return 0.0


def is_missing(reported: str | None, known: str | None) -> bool:
    """Whether a load that Dagster reports is later than all loads of the dataset."""
    return reported is not None and (known is None or load_time(known) < load_time(reported))


def adopt(client: SqlClientBase[Any], source: Source, tables: Collection[str]) -> None:
    """Create the table. Note what an earlier version has loaded: all up to its last load.

    Args:
        client: A client that holds the load lock.
        source: The source of the dataset.
        tables: The tables of the dataset.
    """
    create_system_table(client, LOADED)
    if _DLT_LOADS not in tables:
        return
    names = ", ".join(client.escape_column_name(n) for n in ("load_id", "inserted_at"))
    loads = client.make_qualified_table_name(_DLT_LOADS)
    rows = list(client.execute_sql(f"SELECT {names} FROM {loads}") or ())
    if not rows:
        return
    load_id = max((str(row[0]) for row in rows), key=load_time)
    last = max(row[1] for row in rows).astimezone(UTC)
    # The day of the last load counts as a whole: it may be a partition that has begun.
    end = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    filled = filled_tables(client, [r.table for r in source.assets if r.table in tables])
    insert(
        client,
        LOADED,
        [
            {
                "resource": resource.name,
                "window_start": BEGINNING if source.windowed(resource) else None,
                "window_end": end if source.windowed(resource) else None,
                "rows": None if resource.table in filled else 0,
                "load_id": load_id,
                "loaded_at": datetime.now(UTC),
            }
            for resource in source.assets
        ],
    )


def forget_empty(
    client: SqlClientBase[Any],
    run: ReadRun,
    known: Mapping[str, KnownLoads],
    filled: Collection[str],
) -> dict[str, KnownLoads]:
    """Forget what was loaded into tables that somebody has dropped or emptied; return the rest.

    Args:
        client: A client that holds the load lock.
        run: The run.
        known: What ``known_loads`` returned.
        filled: The tables that hold rows.
    """
    left = dict(known)
    rows = client.escape_column_name("rows")
    for resource in run.resources:
        if resource.table not in filled and left.get(resource.name, KnownLoads()).with_rows:
            del left[resource.name]
            _delete(client, [resource.name], f"({rows} IS NULL OR {rows} > 0)")
    return left


def forget_lost(
    client: SqlClientBase[Any],
    run: ReadRun,
    known: Mapping[str, KnownLoads],
    reported: Reported,
) -> dict[str, str]:
    """Forget the windows of loads that Dagster reports and the dataset does not know.

    Args:
        client: A client that holds the load lock.
        run: The run.
        known: What ``forget_empty`` returned.
        reported: What Dagster reports.

    Returns:
        The lost load of each resource that is read as a whole; dlt's id.
    """
    lost = {}
    reported_loads = reported.latest_loads(run.resources)
    for resource in run.resources:
        latest = known.get(resource.name, KnownLoads()).latest
        reported_load = reported_loads.get(resource.name)
        if reported_load is None or not is_missing(reported_load, latest):
            continue
        if run.source.windowed(resource):
            if latest is not None:
                _cut(client, resource.name, reported.windows_since(resource, latest))
        else:
            lost[resource.name] = reported_load
    return lost


def _cut(client: SqlClientBase[Any], resource: str, gaps: Sequence[Window]) -> None:
    """Cut ranges of time out of the loaded windows."""
    names = ("window_start", "window_end", "load_id", "loaded_at")
    query = (
        f"SELECT {', '.join(names)} FROM {client.make_qualified_table_name(LOADED)} "
        "WHERE resource = %s AND window_start IS NOT NULL"
    )
    for start, end, load_id, loaded_at in client.execute_sql(query, resource) or ():
        pieces = list(_without(start, end, gaps))
        if pieces == [(start, end)]:
            continue
        _delete(client, [resource], "window_start = %s AND window_end = %s", start, end)
        kept = {"resource": resource, "load_id": load_id, "loaded_at": loaded_at}
        insert(
            client,
            LOADED,
            [{**kept, "window_start": first, "window_end": last} for first, last in pieces],
        )


def note_windows(client: SqlClientBase[Any], run: ReadRun, load_id: str | None) -> None:
    """Note the windows of a load whose rows are in their tables. A trial has read no window.

    Args:
        client: A client that holds the load lock.
        run: The run. Its failed resources are left out.
        load_id: dlt's id of the load; None if there was nothing to load.
    """
    if run.page_limit is not None:
        return
    failed, now = run.failures(), datetime.now(UTC)
    # without partitions a windowed resource is read as a whole
    window = run.window or Window(BEGINNING, now)
    windowed: list[str] = []
    whole: list[str] = []
    for resource in run.resources:
        if resource.name not in failed:
            (windowed if run.source.windowed(resource) else whole).append(resource.name)
    noted = {"load_id": load_id, "loaded_at": now}
    bounds = {"window_start": window.start, "window_end": window.end}
    with client.begin_transaction():
        _delete(client, whole, "window_start IS NULL")
        # windows inside of it say nothing more
        inside = "window_start >= %s AND window_end <= %s"
        _delete(client, windowed, inside, window.start, window.end)
        insert(
            client,
            LOADED,
            [
                {**noted, **more, "resource": name, "rows": run.result(name).rows}
                for names, more in ((windowed, bounds), (whole, {}))
                for name in names
            ],
        )


def _without(
    start: datetime, end: datetime, gaps: Iterable[Window]
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a window that are in no gap."""
    for gap in sorted(gaps, key=lambda g: g.start):
        if gap.end <= start or gap.start >= end:
            continue
        if gap.start > start:
            yield start, gap.start
        start = gap.end
    if start < end:
        yield start, end


def _delete(client: SqlClientBase[Any], resources: Sequence[str], where: str, *values: Any) -> None:
    if resources:
        table = client.make_qualified_table_name(LOADED)
        names = ", ".join(["%s"] * len(resources))
        client.execute_sql(
            f"DELETE FROM {table} WHERE resource IN ({names}) AND {where}", *resources, *values
        )
