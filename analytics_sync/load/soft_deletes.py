"""Rows that the API does not list any more.

In: a finished load and the complete readings of snapshots. Out: ``_deleted_at`` on the rows of
earlier loads; a row that comes back loses it when it is merged. Nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import DELETED_AT, READ_AT
from analytics_sync.catalog.paginators import Offset, PageNumber
from analytics_sync.extract.run import ReadRun

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deleted:
    """Rows marked, by resource; and the resources that have to be read again before any are, each
    with when its reading began (microseconds since 1970)."""

    marked: dict[str, int] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)


def mark_deleted(
    run: ReadRun, client: SqlClientBase[Any], first_started_at: Mapping[str, int]
) -> Deleted:
    """Mark what complete reads did not see.

    What was read last before this read began was not seen by it, nor by a run beside it. A listing
    with no records at all marks nothing: it is more often a mistake than the truth. In a listing by
    offset or page number a row slips from one page to the one before when another is deleted
    meanwhile: what is missing there is gone only when a second read misses it too.

    Args:
        run: Finished; its failed resources are left out.
        client: Open on the source's dataset.
        since: When the first read of those that are now read again began.
    """
    failed = run.failures()
    found = Deleted()
    for resource in run.resources:
        if not resource.soft_deletes or resource.name in failed:
            continue
        result = run.result(resource.name)
        if not result.complete or not result.rows or result.started_at is None:
            continue
        began = first_started_at.get(resource.name, result.started_at)
        table = client.make_qualified_table_name(resource.table)
        deleted, read_at = (client.escape_column_name(n) for n in (DELETED_AT, READ_AT))
        gone = f"{deleted} IS NULL AND ({read_at} < %s OR {read_at} IS NULL)"
        at = _EPOCH + timedelta(microseconds=began)
        with client.execute_query(f"SELECT count(*) FROM {table} WHERE {gone}", at) as cursor:
            count = cursor.fetchall()[0][0]
        if count and resource.name not in first_started_at and _rows_may_slip(run.source, resource):
            found.doubtful[resource.name] = began
            continue
        if count:
            client.execute_sql(f"UPDATE {table} SET {deleted} = %s WHERE {gone}", at, at)
        found.marked[resource.name] = count
    return found


def _rows_may_slip(source: Source, resource: Resource) -> bool:
    listings = (resource, *source.ancestors(resource))
    return any(isinstance(r.paginator, Offset | PageNumber) for r in listings)
