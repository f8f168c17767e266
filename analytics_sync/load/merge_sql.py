"""The merge: of two versions of a row, the one the API gave last stays.

In: a table, and where its new rows stand. Out: SQL statements that compare ``_read_at``. Whatever order
loads come in, then, a row that was read earlier never replaces one that was read later: not that of a
run beside this one, and not that of a newer window.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.common.storages.load_package import ParsedLoadJobFileName
from dlt.destinations.job_impl import FollowupJobRequestImpl
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.naming import DELETED_AT, READ_AT


def merge_statements(table: Any, client: SqlClientBase[Any], rows: str) -> list[str]:
    """What brings new rows into a table, to be run in one transaction.

    Args:
        table: dlt's declaration of the table.
        client: DuckDB's or PostgreSQL's.
        rows: What stands for the new rows behind FROM; no key comes twice in it.
    """
    target = client.make_qualified_table_name(table["name"])
    quote = client.escape_column_name
    columns = [quote(c) for c in get_columns_names_with_prop(table, "name")]
    names, new = ", ".join(columns), ", ".join(f"new.{c}" for c in columns)
    if table["write_disposition"] == "replace":
        return [
            f"DELETE FROM {target} WHERE true",
            f"INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new",
        ]
    keys = [quote(k) for k in get_columns_names_with_prop(table, "primary_key")]
    same = " AND ".join(f"old.{k} = new.{k}" for k in keys)
    return [
        f"DELETE FROM {target} AS old USING {rows} AS new WHERE {same}{_older(table, quote)}",
        f"""INSERT INTO {target} ({names}) SELECT {new} FROM {rows} AS new
        WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same})""",
    ]


def _older(table: Any, quote: Any) -> str:
    """The condition that an old row was read before the new one, or claims to come from the future."""
    if READ_AT not in table["columns"]:
        return ""
    read_at = quote(READ_AT)
    known = f"old.{read_at}"
    if DELETED_AT in table["columns"]:  # that it was gone is news as well
        known = f"greatest({known}, old.{quote(DELETED_AT)})"
    # what was read in the future comes from a clock that was wrong: it must not stay for ever
    return f""" AND (old.{read_at} IS NULL OR {known} <= new.{read_at}
                OR old.{read_at} > CURRENT_TIMESTAMP)"""


def staged_merge(
    chain: Sequence[Any], client: SqlClientBase[Any], folder: Path
) -> FollowupJobRequestImpl:
    """The job that merges a PostgreSQL table from its staging.

    Args:
        chain: dlt's declaration of the table; none has children.
        client: PostgreSQL's.
        folder: For the statements. dlt would put them into the machine's temporary folder, where a
            kill leaves them for good.
    """
    (table,) = chain  # nested values are JSON columns: no table has children
    target, staged = client.get_qualified_table_names(table["name"])
    quote = client.escape_column_name
    rows = staged
    if keys := ", ".join(quote(k) for k in get_columns_names_with_prop(table, "primary_key")):
        # a copy whose success was not heard of is sent again: staged rows may come twice
        rows = f"(SELECT DISTINCT ON ({keys}) * FROM {staged})"
    statements = [
        # a load that lost its session has lost its turn too: two merges may meet here
        f"SELECT pg_advisory_xact_lock(hashtextextended('{target}', 0))",
        *merge_statements(table, client, rows),
    ]
    name = ParsedLoadJobFileName(table["name"], ParsedLoadJobFileName.new_file_id(), 0, "sql")
    job = FollowupJobRequestImpl(name.file_name())
    job._file_path = str(folder / name.file_name())
    job._save_text_file("\n".join(" ".join(s.split()) for s in statements))
    return job
