"""SQL of the merge: of two versions of a row, the one that the API served last stays.

In: a table, where its new rows are, and which rows they replace. Out: SQL statements that compare
``_read_at``. Loads may come in any order: a row that was read earlier never replaces a row that was read
later. This holds for rows of a parallel run and for rows of a newer window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import DELETED_AT, READ_AT
from analytics_sync.load.clients.merge_counts import OLDER_VERSIONS, UNEXPECTED
from analytics_sync.load.clients.sqlite_values import to_stored

# The write dispositions whose tables these statements change. dlt loads other tables itself.
MERGED = frozenset({"merge", "replace"})
# DuckDB: the rows of the table that have the key of a new row. No column of a record has a space in its name.
_MET = "temp.main._met_rows"
_ROW, _OLDER, _UNEXPECTED = '"row id"', '"is older"', '"is unexpected"'


@dataclass(frozen=True)
class Replaced:
    """The rows of a table that a load removes before it adds new rows.

    Attributes:
        where: The rows, as SQL with literals; None removes all rows.
        read_before: When the read began. Rows of a part that were read later stay.
    """

    where: str | None
    read_before: datetime


def merge_statements(
    table: Any,
    client: SqlClientBase[Any],
    rows: str,
    replaced: Replaced | None,
    expected: str | None = None,
) -> list[str]:
    """Statements that bring new rows into a table. They must run in one transaction.

    Args:
        table: dlt's declaration of the table.
        client: The client of a tested warehouse.
        rows: The new rows, as SQL that may follow FROM. No key may come twice in them.
        replaced: The rows to remove first; None removes none. It counts if the table replaces rows.
        expected: A condition on the rows ``old`` that new rows should take the place of; None counts none
            of the others.
    """
    target = client.make_qualified_table_name(table["name"])
    quote, dialect = client.escape_column_name, str(client.capabilities.sqlglot_dialect)
    columns = [quote(c) for c in get_columns_names_with_prop(table, "name")]
    names, new = ", ".join(columns), ", ".join(f"new.{c}" for c in columns)
    insert = f"INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new"
    # SQLite's time of its own is a text of another form
    now = literal(datetime.now(UTC), dialect) if dialect == "sqlite" else "CURRENT_TIMESTAMP"
    removal = []
    if table["write_disposition"] == "replace" and replaced is not None:
        if replaced.where is None:
            return [f"DELETE FROM {target} WHERE true", insert]
        read_at = quote(READ_AT)
        removal = [
            f"DELETE FROM {target} WHERE ({replaced.where}) AND ({read_at} IS NULL "
            f"OR {read_at} < {literal(replaced.read_before, dialect)} OR {read_at} > {now})"
        ]
    keys = [quote(k) for k in get_columns_names_with_prop(table, "primary_key")]
    is_older = _old_is_older(table, quote, now)
    merge = {"duckdb": _merge_by_row_id, "sqlite": _merge_by_lookup}.get(dialect, _merge_by_key)
    return [*removal, *merge(target, rows, keys, is_older, insert, expected)]


def _merge_by_row_id(
    target: str, rows: str, keys: list[str], is_older: str, insert: str, expected: str | None
) -> list[str]:
    """The merge of DuckDB: one look at the keys of the table, because it has no index to look them up in."""
    same_key = _same_key(keys)
    new_keys = ", ".join(f"new.{k}" for k in keys)
    is_unexpected = "false" if expected is None else f"NOT ({expected})"
    return [
        f"CREATE TEMP TABLE {_MET} AS SELECT old.rowid AS {_ROW}, {new_keys}, "
        f"coalesce({is_older}, false) AS {_OLDER}, {is_unexpected} AS {_UNEXPECTED} "
        f"FROM {target} AS old JOIN {rows} AS new ON {same_key}",
        f"{UNEXPECTED} FROM {_MET} WHERE {_UNEXPECTED}",
        f"{OLDER_VERSIONS} {target} WHERE rowid IN (SELECT {_ROW} FROM {_MET} WHERE {_OLDER})",
        f"{insert} WHERE NOT EXISTS "
        f"(SELECT 1 FROM {_MET} AS old WHERE {same_key} AND NOT old.{_OLDER})",
        f"DROP TABLE {_MET}",
    ]


def _merge_by_key(
    target: str, rows: str, keys: list[str], is_older: str, insert: str, expected: str | None
) -> list[str]:
    """The merge of PostgreSQL: a large table has an index of its keys."""
    same_key = _same_key(keys)
    statements = [
        f"{OLDER_VERSIONS} {target} AS old USING {rows} AS new WHERE {same_key} AND {is_older}",
        f"{insert} WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same_key})",
    ]
    if expected is None:
        return statements
    # The offset keeps the condition outside: an estimate of it must not choose how to join.
    met = f"SELECT old.* FROM {target} AS old JOIN {rows} AS new ON {same_key} OFFSET 0"
    return [f"{UNEXPECTED} FROM ({met}) AS old WHERE NOT ({expected})", *statements]


def _merge_by_lookup(
    target: str, rows: str, keys: list[str], is_older: str, insert: str, expected: str | None
) -> list[str]:
    """The merge of SQLite: each new row looks its key up in an index. CROSS JOIN keeps this order."""
    same_key = _same_key(keys)
    met = f"FROM {rows} AS new CROSS JOIN {target} AS old WHERE {same_key}"
    counted = [] if expected is None else [f"{UNEXPECTED} {met} AND NOT ({expected})"]
    return [
        *counted,
        f"{OLDER_VERSIONS} {target} WHERE _rowid_ IN (SELECT old._rowid_ {met} AND {is_older})",
        f"{insert} WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same_key})",
    ]


def _same_key(keys: list[str]) -> str:
    return " AND ".join(f"old.{k} = new.{k}" for k in keys)


def _old_is_older(table: Any, quote: Callable[[str], str], now: str) -> str:
    """The condition that an old row was read before the new one, or has a time in the future."""
    if READ_AT not in table["columns"]:
        return "true"
    read_at = quote(READ_AT)
    last_seen = f"old.{read_at}"
    if DELETED_AT in table["columns"]:  # to find the row missing is an observation, too
        last_seen = f"greatest({last_seen}, old.{quote(DELETED_AT)})"
    # A time in the future comes from a clock that was wrong: such a row must not stay for ever.
    return f"(old.{read_at} IS NULL OR {last_seen} <= new.{read_at} OR old.{read_at} > {now})"


def literal(value: date | str, dialect: str = "") -> str:
    """A value as SQL for DuckDB and PostgreSQL, or for the dialect ``sqlite``."""
    if dialect == "sqlite":
        value = to_stored(value)
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP WITH TIME ZONE)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
