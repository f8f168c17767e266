"""SQL of the merge: of two versions of a row, the one that the API served last stays.

In: a table, where its new rows are, and which rows they replace. Out: SQL statements that compare
``_read_at``. Loads may come in any order: a row that was read earlier never replaces a row that was read
later. This holds for rows of a parallel run and for rows of a newer window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import DELETED_AT, READ_AT
from analytics_sync.load.clients.merge_counts import OLDER_VERSIONS

# The write dispositions whose tables these statements change. dlt loads other tables itself.
MERGED = frozenset({"merge", "replace"})


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
    table: Any, client: SqlClientBase[Any], rows: str, replaced: Replaced | None
) -> list[str]:
    """Statements that bring new rows into a table. They must run in one transaction.

    Args:
        table: dlt's declaration of the table.
        client: DuckDB's or PostgreSQL's client.
        rows: The new rows, as SQL that may follow FROM. No key may come twice in them.
        replaced: The rows to remove first; None removes none. It counts if the table replaces rows.
    """
    target = client.make_qualified_table_name(table["name"])
    quote = client.escape_column_name
    columns = [quote(c) for c in get_columns_names_with_prop(table, "name")]
    names, new = ", ".join(columns), ", ".join(f"new.{c}" for c in columns)
    removal = []
    if table["write_disposition"] == "replace" and replaced is not None:
        if replaced.where is None:
            return [
                f"DELETE FROM {target} WHERE true",
                f"INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new",
            ]
        read_at = quote(READ_AT)
        removal = [
            f"DELETE FROM {target} WHERE ({replaced.where}) AND ({read_at} IS NULL "
            f"OR {read_at} < {literal(replaced.read_before)} OR {read_at} > CURRENT_TIMESTAMP)"
        ]
    keys = [quote(k) for k in get_columns_names_with_prop(table, "primary_key")]
    same_key = " AND ".join(f"old.{k} = new.{k}" for k in keys)
    return [
        *removal,
        f"{OLDER_VERSIONS} {target} AS old USING {rows} AS new "
        f"WHERE {same_key}{_old_is_older(table, quote)}",
        f"""INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new
        WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same_key})""",
    ]


def _old_is_older(table: Any, quote: Callable[[str], str]) -> str:
    """The condition that an old row was read before the new one, or has a time in the future."""
    if READ_AT not in table["columns"]:
        return ""
    read_at = quote(READ_AT)
    last_seen = f"old.{read_at}"
    if DELETED_AT in table["columns"]:  # to find the row missing is an observation, too
        last_seen = f"greatest({last_seen}, old.{quote(DELETED_AT)})"
    # A time in the future comes from a clock that was wrong: such a row must not stay for ever.
    return f""" AND (old.{read_at} IS NULL OR {last_seen} <= new.{read_at}
                OR old.{read_at} > CURRENT_TIMESTAMP)"""


def literal(value: date | str) -> str:
    """A value as SQL for DuckDB and PostgreSQL."""
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP WITH TIME ZONE)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def staged_merge_statements(
    table: Any, client: SqlClientBase[Any], replaced: Replaced | None
) -> list[str]:
    """Statements that merge a PostgreSQL table from its staging dataset, in one transaction.

    Args:
        table: dlt's declaration of the table.
        client: PostgreSQL's client.
        replaced: As ``merge_statements``.
    """
    target, staged = client.get_qualified_table_names(table["name"])
    quote = client.escape_column_name
    rows = staged
    if keys := ", ".join(quote(k) for k in get_columns_names_with_prop(table, "primary_key")):
        # dlt repeats a copy whose success it did not hear of: staged rows may come twice
        rows = f"(SELECT DISTINCT ON ({keys}) * FROM {staged})"
    return [
        # a load that lost its session also lost its lock on the dataset: two merges may meet here
        "SELECT pg_catalog.pg_advisory_xact_lock("
        f"pg_catalog.hashtextextended('{target}'::pg_catalog.text, 0::pg_catalog.int8))",
        *merge_statements(table, client, rows, replaced),
    ]
