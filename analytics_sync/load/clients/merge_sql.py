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
from analytics_sync.load.clients.merge_counts import OLDER_VERSIONS
from analytics_sync.load.clients.merge_probe import (
    UNEXPECTED,
    MergeProbe,
    ProbedColumns,
    limited,
    probed_columns,
    spelled_columns,
    variants,
)
from analytics_sync.load.clients.sqlite_values import to_stored

# The write dispositions whose tables these statements change. dlt loads other tables itself.
MERGED = frozenset({"merge", "replace"})
# DuckDB: the rows of the table that have the key of a new row. No column of a record has a space in its name.
_MET = "temp.main._met_rows"
_ROW, _OLDER, _UNEXPECTED = '"row id"', '"is older"', '"is unexpected"'
_OTHER, _IS_VARIANT, _TIME = '"is another spelling"', '"is variant"', '"new time"'


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
    probe: MergeProbe | None = None,
    index: str | None = None,
) -> list[str]:
    """Statements that bring new rows into a table. They must run in one transaction.

    Args:
        table: dlt's declaration of the table.
        client: The client of a tested warehouse.
        rows: The new rows, as SQL that may follow FROM. No key may come twice in them.
        replaced: The rows to remove first; None removes none. It counts if the table replaces rows.
        probe: What the merge looks for; None for nothing.
        index: The index of the key in MariaDB, as SQL; None without one.
    """
    target = client.make_qualified_table_name(table["name"])
    quote, dialect = client.escape_column_name, str(client.capabilities.sqlglot_dialect)
    columns = [quote(c) for c in get_columns_names_with_prop(table, "name")]
    names, new = ", ".join(columns), ", ".join(f"new.{c}" for c in columns)
    insert = f"INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new"
    now = "CURRENT_TIMESTAMP"
    if dialect == "sqlite":  # its time of its own is a text of another form
        now = literal(datetime.now(UTC), dialect)
    elif dialect == "mysql":  # it would be without a fraction of its second
        now = "CURRENT_TIMESTAMP(6)"
    removal = []
    if table["write_disposition"] == "replace" and replaced is not None:
        if replaced.where is None:
            return [f"DELETE FROM {target} WHERE true", insert]
        read_at = quote(READ_AT)
        removal = [
            f"DELETE FROM {target} WHERE ({replaced.where}) AND ({read_at} IS NULL "
            f"OR {read_at} < {literal(replaced.read_before, dialect)} OR {read_at} > {now})"
        ]
    keys = get_columns_names_with_prop(table, "primary_key")
    probe = probe or MergeProbe()
    merge = _Merge(
        target,
        rows,
        _old_is_older(table, quote, now),
        _old_is_alive(table, quote),
        insert,
        probe.expected,
        probed_columns(table, probe, quote, keys, READ_AT),
        f" FORCE INDEX ({index})" if index else "",
    )
    return [*removal, *_MERGES.get(dialect, _merge_by_key)(merge)]


@dataclass(frozen=True)
class _Merge:
    """The parts of a merge, as SQL.

    Attributes:
        target: The table.
        rows: The new rows.
        is_older: The condition that an old row is older than a new one.
        is_alive: The condition that an old row is not marked as deleted.
        insert: The statement that adds the new rows.
        expected: The condition of the probe.
        columns: The columns that the merge and its probe need.
        hint: Which index to use, after the name of the table.
    """

    target: str
    rows: str
    is_older: str
    is_alive: str
    insert: str
    expected: str | None
    columns: ProbedColumns
    hint: str = ""

    @property
    def same_key(self) -> str:
        """The condition that an old row and a new one have the same key."""
        return " AND ".join(f"old.{k} = new.{k}" for k in self.columns.keys)


def _merge_by_row_id(merge: _Merge) -> list[str]:
    """The merge of DuckDB: one look at the keys of the table, because it has no index to look them up in."""
    columns, same_key = merge.columns, merge.same_key
    new_keys = ", ".join(f"new.{k}" for k in columns.keys)
    is_unexpected = "false" if merge.expected is None else f"NOT ({merge.expected})"
    row, is_older, rows, is_other = "old.rowid", merge.is_older, merge.rows, "false"
    if columns.texts:  # a variant meets rows, removes none and keeps none out
        own = f"SELECT {', '.join(columns.of_variants)}, false AS {_IS_VARIANT} FROM {rows} AS new"
        rows = f"({own} UNION ALL {variants(columns, merge.rows, f', true AS {_IS_VARIANT}')})"
        row = f"CASE WHEN NOT new.{_IS_VARIANT} THEN old.rowid END"
        is_older = f"new.{_IS_VARIANT} OR {is_older}"
        is_unexpected = f"NOT new.{_IS_VARIANT} AND {is_unexpected}"
        is_other = f"new.{_IS_VARIANT} AND {merge.is_alive}"
    return [
        f"CREATE TEMP TABLE {_MET} AS SELECT {row} AS {_ROW}, {new_keys}, {columns.time} AS {_TIME}, "
        f"coalesce({is_older}, false) AS {_OLDER}, {is_unexpected} AS {_UNEXPECTED}, "
        f"{is_other} AS {_OTHER} FROM {merge.target} AS old JOIN {rows} AS new ON {same_key}",
        f"{UNEXPECTED} {_TIME}, count(*) FROM {_MET} WHERE {_UNEXPECTED} GROUP BY {_TIME}",
        *_spelled_by_row_id(merge),
        f"{OLDER_VERSIONS} FROM {merge.target} WHERE rowid IN (SELECT {_ROW} FROM {_MET} WHERE {_OLDER})",
        # NOT EXISTS with a second condition takes twice the time of this join
        f"{merge.insert} ANTI JOIN (SELECT * FROM {_MET} WHERE NOT {_OLDER}) AS old ON {same_key}",
        f"DROP TABLE {_MET}",
    ]


def _spelled_by_row_id(merge: _Merge) -> list[str]:
    """The statement that finds other spellings: those that were met, and those of two new rows."""
    columns = merge.columns
    if not columns.texts:
        return []
    texts = ", ".join(f"lower({text})" for text in columns.texts)
    of_new = f"SELECT {spelled_columns(columns)} FROM {merge.rows} AS old"
    return [
        limited(
            f"SELECT {_TIME}, {texts} FROM {_MET} WHERE {_OTHER} UNION ALL "
            f"{of_new} JOIN ({variants(columns, merge.rows)}) AS new ON {merge.same_key}"
        )
    ]


def _merge_by_key(merge: _Merge) -> list[str]:
    """The merge of PostgreSQL: a large table has an index of its keys."""
    target, rows, columns, same_key = merge.target, merge.rows, merge.columns, merge.same_key
    statements = [
        f"{OLDER_VERSIONS} FROM {target} AS old USING {rows} AS new WHERE {same_key} AND {merge.is_older}",
        f"{merge.insert} WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same_key})",
    ]
    # The offset keeps the condition outside: an estimate of it must not choose how to join.
    if merge.expected is not None:
        met = f"SELECT old.*, {columns.time} AS {_TIME} FROM {target} AS old JOIN {rows} AS new ON {same_key}"
        counted = f"FROM ({met} OFFSET 0) AS old WHERE NOT ({merge.expected}) GROUP BY old.{_TIME}"
        statements.insert(0, f"{UNEXPECTED} old.{_TIME}, count(*) {counted}")
    if columns.texts:
        others = f"({variants(columns, rows)} OFFSET 0) AS new JOIN {target} AS old ON {same_key}"
        found = f"SELECT {spelled_columns(columns)} FROM {others} WHERE {merge.is_alive}"
        statements.append(limited(found))
    return statements


def _merge_in_sqlite(merge: _Merge) -> list[str]:
    """The merge of SQLite. CROSS JOIN keeps the order of its tables."""
    found = f"FROM {merge.target} WHERE _rowid_ IN"
    return _merge_by_lookup(merge, "CROSS JOIN", lambda met: f"{found} (SELECT old._rowid_ {met})")


def _merge_in_mariadb(merge: _Merge) -> list[str]:
    """The merge of MariaDB. STRAIGHT_JOIN keeps the order of its tables.

    By its estimates, which come late, MariaDB would compare each row with each: 16 seconds instead of a half.
    """
    return _merge_by_lookup(merge, "STRAIGHT_JOIN", lambda met: f"old {met}")


def _merge_by_lookup(merge: _Merge, join: str, removed: Callable[[str], str]) -> list[str]:
    """The merge of a warehouse with an index of the key: each new row looks its key up there.

    Args:
        merge: The parts of the merge.
        join: A join that begins with the table on its left.
        removed: What follows DELETE, made from the old rows ``old`` to remove, as SQL from FROM on.
    """
    rows, columns, same_key = merge.rows, merge.columns, merge.same_key
    old = f"{merge.target} AS old{merge.hint}"
    met = f"FROM {rows} AS new {join} {old} ON {same_key}"
    statements = [
        f"{OLDER_VERSIONS} {removed(f'{met} WHERE {merge.is_older}')}",
        f"{merge.insert} WHERE NOT EXISTS (SELECT 1 FROM {old} WHERE {same_key})",
    ]
    if merge.expected is not None:
        counted = f"{met} WHERE NOT ({merge.expected}) GROUP BY {columns.time}"
        statements.insert(0, f"{UNEXPECTED} {columns.time}, count(*) {counted}")
    if columns.texts:
        others = f"({variants(columns, rows)}) AS new {join} {old} ON {same_key}"
        found = f"SELECT {spelled_columns(columns)} FROM {others} WHERE {merge.is_alive}"
        statements.append(limited(found))
    return statements


_MERGES = {"duckdb": _merge_by_row_id, "sqlite": _merge_in_sqlite, "mysql": _merge_in_mariadb}


def _old_is_older(table: Any, quote: Callable[[str], str], now: str) -> str:
    """The condition that an old row was read before the new one, or has a time in the future."""
    if READ_AT not in table["columns"]:
        return "true"
    read_at = quote(READ_AT)
    last_seen = f"old.{read_at}"
    if DELETED_AT in table["columns"]:  # to find the row missing is an observation, too
        # MariaDB's greatest value beside a null is null
        deleted_at = f"coalesce(old.{quote(DELETED_AT)}, {last_seen})"
        last_seen = f"greatest({last_seen}, {deleted_at})"
    # A time in the future comes from a clock that was wrong: such a row must not stay for ever.
    return f"(old.{read_at} IS NULL OR {last_seen} <= new.{read_at} OR old.{read_at} > {now})"


def _old_is_alive(table: Any, quote: Callable[[str], str]) -> str:
    """The condition that an old row is not marked as deleted."""
    return f"old.{quote(DELETED_AT)} IS NULL" if DELETED_AT in table["columns"] else "true"


def literal(value: date | str, dialect: str = "") -> str:
    """A value as SQL for DuckDB and PostgreSQL, or for the dialects ``sqlite`` and ``mysql``."""
    if dialect == "sqlite":
        value = to_stored(value)
    if dialect == "mysql" and isinstance(value, datetime):  # of a session in UTC
        return f"TIMESTAMP'{value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}'"
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP WITH TIME ZONE)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
