"""Rows that the API does not list any more.

In: a finished load and the complete readings of snapshots. Out: ``_deleted_at`` on the rows of
earlier loads; a row that comes back loses it when it is merged. Nothing is ever removed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.extract.run import ReadRun
from analytics_sync.spec.naming import DELETED_AT, READ_AT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mark_deleted(run: ReadRun, client: SqlClientBase[Any]) -> dict[str, int]:
    """Mark what complete reads did not see; rows marked, by resource.

    What was read last before this read began was not seen by it, nor by a run beside it. A listing
    with no records at all marks nothing: it is more often a mistake than the truth.

    Args:
        run: Finished; its failed resources are left out.
        client: Open on the source's dataset.
    """
    failed = run.failures()
    marked = {}
    for resource in run.resources:
        if not resource.soft_deletes or resource.name in failed:
            continue
        reading = run.reading(resource.name)
        if not reading.complete or not reading.rows or reading.since is None:
            continue
        table = client.make_qualified_table_name(resource.table)
        deleted, read_at = (client.escape_column_name(n) for n in (DELETED_AT, READ_AT))
        gone = f"{deleted} IS NULL AND ({read_at} < %s OR {read_at} IS NULL)"
        since = _EPOCH + timedelta(microseconds=reading.since)
        with client.execute_query(f"SELECT count(*) FROM {table} WHERE {gone}", since) as cursor:
            count = cursor.fetchall()[0][0]
        if count:
            client.execute_sql(f"UPDATE {table} SET {deleted} = %s WHERE {gone}", since, since)
        marked[resource.name] = count
    return marked
