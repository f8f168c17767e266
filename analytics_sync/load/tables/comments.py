"""Comments: the descriptions of a catalog file stand in the warehouse, at their tables and columns.

In: the resources of a load, and a connected client. Out: comments that differ from the descriptions are
set. A table or column without a description keeps the comment that somebody has given it. A comment that
cannot be set never fails a load.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog import Resource
from analytics_sync.catalog.tables import OWN_DESCRIPTIONS
from analytics_sync.common.shown import shown
from analytics_sync.load.clients.merge_sql import literal
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait
from analytics_sync.load.tables.table_changes import stored_name

log = logging.getLogger(__name__)

_MAX_REASON_CHARACTERS = 300
_TABLE = ""  # in the place of a column's name: a comment of the table

# The comments of all tables and columns. In PostgreSQL, only those of tables that this role may comment.
_QUERIES = {
    "duckdb": """
SELECT table_name, '', comment FROM system.main.duckdb_tables()
WHERE NOT internal AND database_name = %s AND schema_name = %s
UNION ALL
SELECT table_name, column_name, comment FROM system.main.duckdb_columns()
WHERE NOT internal AND database_name = %s AND schema_name = %s
""",
    "postgres": """
SELECT c.relname, coalesce(a.attname, ''), d.description
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN (SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute
      WHERE attnum > 0 AND NOT attisdropped
      UNION ALL SELECT oid, 0, NULL FROM pg_catalog.pg_class) AS a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_description AS d ON d.objoid = c.oid AND d.objsubid = a.attnum
    AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
WHERE c.relkind IN ('r', 'p') AND n.nspname = %s
    AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
""",
}


def comment_on_tables(client: Any, resources: Iterable[Resource], naming: Any) -> None:
    """Set the comments of the tables of resources, where they are not as declared.

    Args:
        client: A client that is connected to the dataset of the resources.
        resources: Resources whose tables exist.
        naming: dlt's naming convention of the warehouse: it shortens names that are too long.
    """
    try:
        known = _comments(client)
    except DatabaseException as e:
        log.warning(
            "%s: the comments of its tables are not known: %s. The next load tries again",
            client.dataset_name, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
        )  # fmt: skip
        return
    for resource in resources:
        changed = {
            column: text
            for column, text in _descriptions(resource, naming)
            if known.get((resource.table, column), text) != text
        }
        if not changed:
            continue
        try:
            with client.begin_transaction():
                limit_lock_wait(client)
                for column, text in changed.items():
                    _set(client, resource.table, column, text)
        except DatabaseException as e:  # the next load tries again
            log.warning(
                "%s: the comments of its table are not set: %s. The next load tries again",
                resource, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
            )  # fmt: skip


def _comments(client: Any) -> dict[tuple[str, str], str]:
    """Table and column -> comment; empty without a comment. What is not in it gets no comment."""
    query = _QUERIES.get(client.capabilities.sqlglot_dialect)
    if query is None:
        return {}
    place = [client.dataset_name]
    if client.capabilities.sqlglot_dialect == "duckdb":
        place = [client.catalog_name(quote=False), client.dataset_name] * 2
    rows = client.execute_sql(query, *place) or ()
    return {(table, column): text or "" for table, column, text in rows}


def _descriptions(resource: Resource, naming: Any) -> Iterator[tuple[str, str]]:
    """The described columns, and the text of each."""
    texts = [(_TABLE, resource.description)]
    texts += [(field.column, field.description) for field in (*resource.fields, *resource.hints)]
    texts += list(OWN_DESCRIPTIONS.items())
    for column, text in texts:
        if text := _storable(text or ""):
            yield stored_name(naming, column), text


def _storable(text: str) -> str:
    """The text without NUL, which no warehouse stores."""
    return text.replace("\0", "").strip()


def _set(client: Any, table: str, column: str, text: str) -> None:
    name = client.make_qualified_table_name(table)
    what = f"COLUMN {name}.{client.escape_column_name(column)}" if column else f"TABLE {name}"
    if client.capabilities.sqlglot_dialect == "postgres":
        # the driver quotes the text as the server reads it; a percent sign of a name is doubled
        client.execute_sql(f"COMMENT ON {what.replace('%', '%%')} IS %s", text)
    else:  # DuckDB takes no parameter here, and its texts know no other escape
        client.execute_sql(f"COMMENT ON {what} IS {literal(text)}")
