"""Key indexes of PostgreSQL: a merge finds the rows of its keys without reading the table.

In: a connected client, a table and its primary key. Out: a unique index on the key of each large table. It
also proves that no key has two rows. A key may be too long for an index: such a table has none, and its merges
read the whole table. An index that cannot be made never fails a load. DuckDB reads the keys of a table faster
than it keeps an index of them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.common.shown import shown
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait

log = logging.getLogger(__name__)

_LEAST_BYTES = 8 * 1024 * 1024  # of a table; a smaller one is read at once
_MAX_KEY_BYTES = 2_500  # PostgreSQL's index takes 2,704, with what it notes beside the key
MAX_NAME = 63
"""Characters of the name of an index."""
_MAX_REASON_CHARACTERS = 300
_UNIQUE_VIOLATION = "23505"
_LARGE = """
SELECT c.relname FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname = ANY(%s::pg_catalog.text[])
AND pg_catalog.pg_relation_size(c.oid) > %s
AND pg_catalog.pg_has_role(c.relowner, CURRENT_USER, 'USAGE')
"""
# An index proves nothing of rows with a null in its columns, of those beside its condition, or of those of an
# open transaction.
_UNIQUE = """
SELECT c.relname, pg_catalog.array_agg(a.attname::pg_catalog.text)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey::pg_catalog.int2[])
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname = ANY(%s::pg_catalog.text[])
AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
AND i.indnkeyatts = i.indnatts
GROUP BY c.relname, i.indexrelid HAVING pg_catalog.bool_and(a.attnotnull)
"""


def index_keys(client: Any, keys: Mapping[str, Sequence[str]]) -> None:
    """Make the key indexes that are missing.

    Args:
        client: A client that is connected to the dataset of the tables.
        keys: The columns of the primary key of each table, by its name in the warehouse.
    """
    names = [name for name in large_tables(client, keys) if keys[name]]
    if not names:
        return
    existing = _unique_keys(client, names)
    for name in names:
        if frozenset(keys[name]) not in existing.get(name, ()):
            _make(client, name, keys[name])


def large_tables(client: Any, tables: Collection[str]) -> list[str]:
    """The tables that are worth an index, and that the role may give one; only PostgreSQL has some."""
    if client.capabilities.sqlglot_dialect != "postgres" or not tables:
        return []
    found = client.execute_sql(_LARGE, client.dataset_name, sorted(tables), _LEAST_BYTES) or ()
    return [name for (name,) in found]


def has_unique_index(client: Any, table: str, key: Collection[str]) -> bool:
    """Whether an index of a table proves that no two rows have the same key."""
    if client.capabilities.sqlglot_dialect != "postgres":
        return False
    return frozenset(key) in _unique_keys(client, [table]).get(table, ())


def drop_key_index(client: Any, table: str) -> bool:
    """Drop our index of a table's key, in the client's transaction; whether there was one."""
    if client.capabilities.sqlglot_dialect != "postgres":
        return False
    name = _name(table)
    sql = (
        "SELECT 1 FROM pg_catalog.pg_index AS i "
        "JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid "
        "JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid "
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND x.relname = %s"
    )
    if not client.execute_sql(sql, client.dataset_name, table, name):
        return False
    client.execute_sql(f"DROP INDEX {client.make_qualified_table_name(name)}")
    return True


def _unique_keys(client: Any, tables: Collection[str]) -> dict[str, set[frozenset[str]]]:
    """The sets of columns of which each table can have no values twice."""
    found: dict[str, set[frozenset[str]]] = {}
    for name, columns in client.execute_sql(_UNIQUE, client.dataset_name, list(tables)) or ():
        found.setdefault(name, set()).add(frozenset(columns))
    return found


def _name(table: str) -> str:
    return f"_key_of_{table}"[:MAX_NAME]


def _make(client: Any, table: str, key: Sequence[str]) -> None:
    target = client.make_qualified_table_name(table)
    columns = [client.escape_column_name(column) for column in key]
    lengths = " + ".join(f"pg_catalog.octet_length({c}::pg_catalog.text)" for c in columns)
    if client.execute_sql(f"SELECT 1 FROM {target} WHERE {lengths} > {_MAX_KEY_BYTES} LIMIT 1"):
        return
    try:
        with client.begin_transaction():
            limit_lock_wait(client)
            client.execute_sql(
                f"CREATE UNIQUE INDEX {client.escape_column_name(_name(table))} "
                f"ON {target} ({', '.join(columns)})"
            )
            client.execute_sql(f"ANALYZE {target}")  # the table has grown since the last one
    except DatabaseException as e:  # the next load tries again
        if getattr(e.dbapi_exception, "pgcode", None) == _UNIQUE_VIOLATION:
            log.warning(
                "%s.%s: several rows have the same key, so that its index is not made. The check "
                "primary_key_unique names them: delete those that are too many. The next load tries again",
                client.dataset_name, table,
            )  # fmt: skip
            return
        log.warning(
            "%s.%s: the index of its key is not made: %s. The next load tries again",
            client.dataset_name, table, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
        )  # fmt: skip
