"""Time indexes of PostgreSQL: a check of one day reads the blocks of this day, and not the whole table.

In: the resources of a load, and a connected client. Out: a block range index on the time of the rows of each
large table that is read by window. It takes a few kilobytes, whatever the size of the table. DuckDB keeps
the range of each block by itself. An index that cannot be made never fails a load.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import READ_AT
from analytics_sync.common.shown import shown
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait
from analytics_sync.load.clients.postgres_keys import MAX_NAME, large_tables
from analytics_sync.load.tables.table_changes import stored_name

log = logging.getLogger(__name__)

_BLOCKS = 32  # a range is a quarter of a megabyte
_MAX_REASON_CHARACTERS = 300
_INDEXES = """
SELECT c.relname FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'i'
"""


def index_times(client: Any, resources: Iterable[Resource], naming: Any) -> None:
    """Make the time indexes that are missing.

    Args:
        client: A client that is connected to the dataset of the resources.
        resources: Resources that are read by window, and whose tables exist.
        naming: dlt's naming convention of the warehouse: it shortens names that are too long.
    """
    by_table = {resource.table: resource for resource in resources}
    large = large_tables(client, by_table)
    if not large:
        return
    existing = {name for (name,) in client.execute_sql(_INDEXES, client.dataset_name) or ()}
    for table in large:
        resource = by_table[table]
        name = f"_time_of_{table}"[:MAX_NAME]
        if name not in existing:
            _make(client, resource, name, naming)


def _make(client: Any, resource: Resource, name: str, naming: Any) -> None:
    column = resource.cursor.column if resource.cursor else READ_AT
    quote = client.escape_column_name
    try:
        with client.begin_transaction():
            limit_lock_wait(client)
            client.execute_sql(
                f"CREATE INDEX IF NOT EXISTS {quote(name)} "
                f"ON {client.make_qualified_table_name(resource.table)} "
                f"USING brin ({quote(stored_name(naming, column))}) "
                f"WITH (pages_per_range = {_BLOCKS}, autosummarize = on)"
            )
    except DatabaseException as e:  # the next load tries again
        log.warning(
            "%s: the index on the time of its rows is not made: %s. The next load tries again",
            resource, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
        )  # fmt: skip
