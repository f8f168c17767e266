"""The row counts of tables after a load.

In: a connected client and names of tables. Out: the exact number of rows of each. DuckDB knows it without
reading. PostgreSQL must read the table, so that a large one is not counted: a load of one day must not
take longer because the table has ten years.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

_MAX_BYTES = 256 * 1024 * 1024  # of a PostgreSQL table that is counted: a tenth of a second
_SMALL = """
SELECT c.relname FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND c.relname = ANY(%s::pg_catalog.text[])
AND pg_catalog.pg_relation_size(c.oid) <= %s
"""


def row_counts(client: SqlClientBase[Any], tables: Collection[str]) -> Mapping[str, int]:
    """The number of rows of each table that can be counted at once.

    Args:
        client: A connected client of DuckDB or PostgreSQL.
        tables: Tables that exist.
    """
    names = sorted(tables)
    if client.capabilities.sqlglot_dialect == "postgres":
        small = client.execute_sql(_SMALL, client.dataset_name, names, _MAX_BYTES)
        names = sorted(name for (name,) in small or ())
    if not names:
        return {}
    queries = (
        f"SELECT {number}, count(*) FROM {client.make_qualified_table_name(name)}"
        for number, name in enumerate(names)
    )
    found = client.execute_sql(" UNION ALL ".join(queries)) or ()
    return {names[number]: count for number, count in found}
