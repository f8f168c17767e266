"""Rows that the API does not list any more.

In: a finished load and the complete readings of snapshots. Out: ``_deleted_at`` on the rows of
earlier loads; a row that comes back loses it when it is merged. Nothing is ever removed.
"""

from __future__ import annotations

from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.extract.columns import DELETED
from analytics_sync.extract.run import ReadRun


def mark_deleted(run: ReadRun, client: SqlClientBase[Any], load_id: str) -> dict[str, int]:
    """Mark what complete reads did not see; rows marked, by resource.

    A merge gives every row it saw this load's id, so what has an earlier one was not seen. Rows of a
    later load (of a run beside this one) stay as they are. A listing with no records at all marks
    nothing: it is more often a mistake than the truth.

    Args:
        run: Finished; its failed resources are left out.
        client: Open on the source's dataset.
        load_id: Of the load: seconds since 1970, as text.
    """
    failed = run.failures()
    marked = {}
    for resource in run.resources:
        if not resource.soft_deletes or resource.name in failed:
            continue
        reading = run.reading(resource.name)
        if not reading.complete or not reading.rows:
            continue
        table = client.make_qualified_table_name(resource.table)
        deleted, load = (client.escape_column_name(n) for n in (DELETED, "_dlt_load_id"))
        gone = f"{deleted} IS NULL AND {load} < %s"
        with client.execute_query(f"SELECT count(*) FROM {table} WHERE {gone}", load_id) as cursor:
            count = cursor.fetchall()[0][0]
        if count:
            client.execute_sql(
                f"UPDATE {table} SET {deleted} = CURRENT_TIMESTAMP WHERE {gone}", load_id
            )
        marked[resource.name] = count
    return marked
