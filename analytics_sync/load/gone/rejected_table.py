"""The table ``_rejected``: it exists in each dataset, and holds what the API still lists as far as is known.

In: the connection of a load. Out: the table, and without the rows that a complete read has not found again:
their records came back sound, or are gone. dlt creates a table only for a load job, and a job without rows
costs a small load an eighth of its time.
"""

from __future__ import annotations

from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.catalog.tables import REJECTED, REJECTED_COLUMNS, REJECTED_KEY
from analytics_sync.common.window import Window
from analytics_sync.extract.rejected import lists_everything
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.gone.scope import among_texts, column_names
from analytics_sync.load.gone.sound_again import sound_again


def ensure_rejected(client: SqlClientBase[Any], file_format: str) -> None:
    """Create ``_rejected`` as dlt would, if the dataset has no such table.

    Args:
        client: Of the destination.
        file_format: Of the files to load. PostgreSQL's type of JSON columns depends on it.
    """
    types = client.capabilities.get_type_mapper()
    table: Any = {"name": REJECTED, "file_format": file_format}
    columns: dict[str, Any] = {
        **REJECTED_COLUMNS,
        LOAD_ID: {"name": LOAD_ID, "data_type": "text"},
    }
    declared = ", ".join(
        f"{client.escape_column_name(name)} {types.to_destination_type(column, table)}"
        + (" NOT NULL" if name in (*REJECTED_KEY, LOAD_ID) else "")
        for name, column in columns.items()
    )
    name = client.make_qualified_table_name(REJECTED)
    client.execute_sql(f"CREATE TABLE IF NOT EXISTS {name} ({declared})")
    existing = column_names(client, name)
    missing = [column for column in columns if column not in existing]

    def add() -> None:
        with client.begin_transaction():
            limit_lock_wait(client)
            for column in missing:
                kind = types.to_destination_type(columns[column], table)
                quoted = client.escape_column_name(column)
                client.execute_sql(f"ALTER TABLE {name} ADD COLUMN {quoted} {kind}")

    if missing:  # an older version made the table
        run_ddl(client, lambda: [REJECTED], add)


def clear_rejected(run: ReadRun, client: SqlClientBase[Any], load_id: str) -> dict[str, int]:
    """Remove the rejected records that the reads of this load would have found again, or found sound.

    The rows of this load have its id. So nothing is removed before the new rows are there.

    Args:
        run: The finished and loaded run.
        client: A client that is connected to the source's dataset.
        load_id: The id of the load.

    Returns:
        The number of removed rows, by resource.
    """
    table = client.make_qualified_table_name(REJECTED)
    name, load = (client.escape_column_name(column) for column in ("resource", LOAD_ID))
    sql = f"SELECT {name}, count(*) FROM {table} WHERE {load} <> %s GROUP BY {name}"
    rows: Any = client.execute_sql(sql, load_id) or ()
    counts: dict[str, int] = dict(rows)
    failed, windows, cleared = run.failures(), run.windows, {}
    for resource in run.resources:
        if not counts.get(resource.name) or resource.name in failed:
            continue
        result = run.result(resource.name)
        older = f"{name} = %s AND {load} <> %s"
        gone = 0
        if (found := _found_again(client, result, windows.get(resource.name))) is not None:
            gone = _delete(client, f"{older} AND ({found[0]})", resource.name, load_id, *found[1])
        if gone < counts[resource.name]:
            hashes = sound_again(client, result, older, resource.name, load_id)
            if hashes:
                among = f"{client.escape_column_name('record_hash')} IN ({among_texts(client)})"
                where = f"{older} AND {among}"
                gone += _delete(client, where, resource.name, load_id, hashes)
        if gone:
            cleared[resource.name] = gone
    return cleared


def _delete(client: SqlClientBase[Any], where: str, *values: Any) -> int:
    """Delete rows of ``_rejected``, in one transaction, and return their number."""
    table = client.make_qualified_table_name(REJECTED)
    with own_tables(client, REJECTED):
        return len(
            client.execute_sql(f"DELETE FROM {table} WHERE {where} RETURNING 1", *values) or ()
        )


def _found_again(
    client: SqlClientBase[Any], result: ReadResult, window: Window | None
) -> tuple[str, list[Any]] | None:
    """The rejected records that a read lists if they are still there, as a condition; None for none.

    Args:
        client: A connected client.
        result: The finished read.
        window: Its window; None for a snapshot.
    """
    resource = result.resource
    if not result.listed_all or result.read_up_to is not None:
        return None
    start, end, parent = (
        client.escape_column_name(name) for name in ("window_start", "window_end", "parent")
    )
    conditions: list[str] = []
    values: list[Any] = []
    if result.children is not None and resource.incremental is None:
        listed = sorted(result.parents_read | result.parents_without_listing)
        conditions.append(f"{parent} IN ({among_texts(client)})")
        values.append(listed)
    if result.parents_complete and len(result.skipped) == len(result.parents_without_listing):
        if window is None:
            # a listing without a record is more often a mistake than the truth
            return ("1 = 1", []) if result.records else None
        conditions.append(f"{start} >= %s AND {end} <= %s")
        values += [window.start, window.end]
        if lists_everything(resource):
            conditions.append(f"{start} IS NULL")
    return (" OR ".join(conditions), values) if conditions else None
