"""Real tables: the columns that the tables of a dataset have, and those that dlt has stored of them.

In: dlt's job client of DuckDB or PostgreSQL. Out: types and constraints as the warehouse has them. Dlt
compares nothing with real tables: it trusts the hash of a schema that it has stored. Somebody may have
dropped a table or a column since then.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from analytics_sync.load.clients.mariadb_types import TYPE_OF_COLUMN


@dataclass(frozen=True)
class RealColumn:
    """A column of a real table.

    Attributes:
        type: Its type, in the warehouse's words.
        nullable: Whether it may be null. The columns of a primary key may not.
    """

    type: str
    nullable: bool = True


Columns = Mapping[str, RealColumn]

_QUERIES = {
    "duckdb": "SELECT table_name, column_name, data_type, is_nullable "
    "FROM system.main.duckdb_columns() WHERE NOT internal AND schema_name = %s",
    "sqlite": 'SELECT l.name, c.name, c.type, NOT c."notnull" FROM pragma_table_list AS l '
    "JOIN pragma_table_xinfo(l.name, l.schema) AS c WHERE l.type = 'table' AND l.schema = %s",
    "mysql": f"SELECT table_name, column_name, {TYPE_OF_COLUMN}, is_nullable = 'YES' "
    "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
    "WHERE table_type = 'BASE TABLE' AND extra NOT LIKE '%%INVISIBLE%%' AND table_schema = %s "
    "ORDER BY table_name, ordinal_position",
    # information_schema has no precision of timestamps and no length of texts
    "postgres": "SELECT c.relname, a.attname, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull "
    "FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname = %s",
}


def knows_columns(job_client: Any) -> bool:
    """Whether ``real_tables`` can tell the columns of the destination; only those with a merge of ours."""
    return job_client.capabilities.sqlglot_dialect in _QUERIES


def real_tables(job_client: Any) -> Mapping[str, Columns]:
    """Table -> column, as the tables of the dataset really are.

    Returns:
        Nothing for a destination without a merge of ours.
    """
    return columns_of(job_client.sql_client)


def columns_of(client: Any) -> Mapping[str, Columns]:
    """As ``real_tables``, with dlt's SQL client."""
    query = _QUERIES.get(client.capabilities.sqlglot_dialect)
    found: dict[str, dict[str, RealColumn]] = {}
    if query is not None:
        for table, column, type_, nullable in client.execute_sql(query, client.dataset_name) or ():
            found.setdefault(table, {})[column] = RealColumn(type_, bool(nullable))
    return found


def stored_tables(job_client: Any) -> dict[str, set[str]]:
    """Table -> columns, of all schemas that dlt has stored: tables and columns of earlier loads."""
    found: dict[str, set[str]] = {}
    for _, tables in stored_versions(job_client):
        for table, columns in tables.items():
            found.setdefault(table, set()).update(columns)
    return found


def stored_versions(job_client: Any) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """The hash of each schema that dlt has stored, and its tables with their columns."""
    client = job_client.sql_client
    table = client.make_qualified_table_name(job_client.schema.version_table_name)
    hash_, schema = (client.escape_column_name(name) for name in ("version_hash", "schema"))
    try:
        rows = client.execute_sql(f"SELECT {hash_}, {schema} FROM {table}")
    except DatabaseUndefinedRelation:
        rows = ()
    for version, text in rows or ():
        tables = json.loads(_inflated(text)).get("tables", {})
        yield version, {name: set(stored.get("columns", ())) for name, stored in tables.items()}


def _inflated(text: str) -> str:
    """The JSON of a stored schema. Dlt compresses long ones."""
    if text.startswith("{"):
        return text
    return zlib.decompress(base64.b64decode(text)).decode()
