"""The row counts of tables after a load.

In: a connected client and names of tables. Out: the number of rows of each. DuckDB knows it without reading.
PostgreSQL and MariaDB must read the table: a load of one day must not take longer because the table has ten years.
So the number of a large table is the estimate of the planner, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from dlt.destinations.sql_client import SqlClientBase

_MAX_BYTES = 256 * 1024 * 1024  # of a PostgreSQL table that is counted: a tenth of a second
_OF_MARIADB = """
SELECT table_name, data_length, table_rows FROM information_schema.tables WHERE table_schema = %s
"""
# The planner's estimate: the rows per page of the last ANALYZE or VACUUM, times the pages of today.
_SIZES = """
SELECT c.relname, pg_catalog.pg_relation_size(c.oid),
CASE WHEN c.relpages > 0 AND c.reltuples >= 0 THEN c.reltuples::pg_catalog.float8 / c.relpages
* (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8) END
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND c.relname = ANY(%s::pg_catalog.text[])
"""


class RowCount(NamedTuple):
    """The number of rows of a table, and whether it is exact or an estimate."""

    rows: int
    is_exact: bool


def row_counts(client: SqlClientBase[Any], tables: Collection[str]) -> Mapping[str, RowCount]:
    """The number of rows of each table; of a large PostgreSQL table that was never analyzed, none.

    Args:
        client: A connected client of DuckDB or PostgreSQL.
        tables: Tables that exist.
    """
    names, estimates = sorted(tables), {}
    dialect, sizes = client.capabilities.sqlglot_dialect, None
    if dialect == "postgres":
        sizes = client.execute_sql(_SIZES, client.dataset_name, names) or ()
    elif dialect == "mysql":
        found = client.execute_sql(_OF_MARIADB, client.dataset_name) or ()
        sizes = [row for row in found if row[0] in tables]
    if sizes is not None:
        names = sorted(name for name, size, _ in sizes if size <= _MAX_BYTES)
        estimates = {
            name: RowCount(round(rows), is_exact=False)
            for name, size, rows in sizes
            if size > _MAX_BYTES and rows is not None
        }
    if not names:
        return estimates
    queries = (
        f"SELECT {number}, count(*) FROM {client.make_qualified_table_name(name)}"
        for number, name in enumerate(names)
    )
    found = client.execute_sql(" UNION ALL ".join(queries)) or ()
    return estimates | {names[n]: RowCount(count, is_exact=True) for n, count in found}
