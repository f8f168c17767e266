"""System tables of a dataset: what it remembers of its loads and of its origin.

In: a connected client. Out: the tables ``_loaded`` and ``_origin``, and the names of the tables that exist.
They lie beside the rows that they are about, so that a lost or restored warehouse loses or restores both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

LOADED = "_loaded"
ORIGIN = "_origin"
SYSTEM_TABLES = (LOADED, ORIGIN)

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    # window_start and window_end are null for a resource that is read as a whole, and window_start for all
    # that an earlier version loaded; rows is null where their number is not known
    LOADED: {
        "resource": "text",
        "window_start": "timestamp",
        "window_end": "timestamp",
        "rows": "bigint",
        "load_id": "text",
        "loaded_at": "timestamp",
    },
    # mark_key is empty for a value that is shown; replaced_at is when it took the place of another one
    ORIGIN: {
        "resource": "text",
        "part": "text",
        "value": "text",
        "mark_key": "text",
        "noted_at": "timestamp",
        "replaced_at": "timestamp",
    },
}
_TABLES = {
    "duckdb": "SELECT table_name FROM system.main.duckdb_tables() "
    "WHERE NOT internal AND schema_name = %s",
    "sqlite": "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = %s",
    "mysql": "SELECT table_name FROM information_schema.tables "
    "WHERE table_type = 'BASE TABLE' AND table_schema = %s",
    "postgres": "SELECT c.relname FROM pg_catalog.pg_class AS c "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname = %s",
}


def table_names(client: SqlClientBase[Any]) -> frozenset[str]:
    """The names of all tables of the client's dataset; none for an untested destination."""
    query = _TABLES.get(str(client.capabilities.sqlglot_dialect))
    if query is None:
        return frozenset()
    return frozenset(name for (name,) in client.execute_sql(query, client.dataset_name) or ())


def create_system_table(client: SqlClientBase[Any], name: str) -> None:
    """Create a system table, and its dataset, if they are missing."""
    if not client.has_dataset():
        client.create_dataset()
    types = client.capabilities.get_type_mapper()
    columns = ", ".join(
        f"{client.escape_column_name(column)} "
        f"{types.to_destination_type({'name': column, 'data_type': data_type}, {'name': name})}"  # type: ignore[typeddict-item]
        for column, data_type in _COLUMNS[name].items()
    )
    table = client.make_qualified_table_name(name)
    client.execute_sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")


def insert(client: SqlClientBase[Any], name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to a system table. A missing column is null."""
    columns = list(_COLUMNS[name])
    rows = list(rows)
    if not rows:
        return
    quoted = ", ".join(client.escape_column_name(column) for column in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    values = [made.get(column) for made in rows for column in columns]
    client.execute_sql(
        f"INSERT INTO {client.make_qualified_table_name(name)} ({quoted}) "
        f"VALUES {', '.join([row] * len(rows))}",
        *values,
    )


def filled_tables(client: SqlClientBase[Any], names: Iterable[str]) -> frozenset[str]:
    """The tables that hold a row.

    Args:
        client: A connected client.
        names: Tables that exist.
    """
    names = list(names)
    queries = [
        f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {client.make_qualified_table_name(name)})"
        for number, name in enumerate(names)
    ]
    if not queries:
        return frozenset()
    found = client.execute_sql(" UNION ALL ".join(queries)) or ()
    return frozenset(names[number] for (number,) in found)
