"""The merge: of two versions of a row, the one the API gave last stays.

In: a table that is staged. Out: a job of SQL statements that compare ``_read_at``. Whatever order
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
from dlt.destinations.sql_jobs import SqlMergeFollowupJob

from analytics_sync.spec.naming import DELETED_AT, READ_AT


def merge_job(
    chain: Sequence[Any], client: SqlClientBase[Any], folder: Path
) -> FollowupJobRequestImpl:
    """The job that merges a table from its staging.

    Args:
        chain: dlt's declaration of the table; none has children.
        client: DuckDB's or PostgreSQL's.
        folder: For the statements. dlt would put them into the machine's temporary folder, where a
            kill leaves them for good.
    """
    (table,) = chain  # nested values are JSON columns: no table has children
    statements = (
        _statements(table, client)
        if READ_AT in table["columns"]
        else SqlMergeFollowupJob.generate_sql(chain, client)
    )
    name = ParsedLoadJobFileName(table["name"], ParsedLoadJobFileName.new_file_id(), 0, "sql")
    job = FollowupJobRequestImpl(name.file_name())
    job._file_path = str(folder / name.file_name())
    job._save_text_file("\n".join(" ".join(s.split()) for s in statements))
    return job


def _statements(table: Any, client: SqlClientBase[Any]) -> list[str]:
    """One transaction: rows that were read earlier go, rows that have no later one come."""
    target, staged = client.get_qualified_table_names(table["name"])
    quote = client.escape_column_name
    read_at = quote(READ_AT)
    keys = [quote(k) for k in get_columns_names_with_prop(table, "primary_key")]
    columns = [quote(c) for c in get_columns_names_with_prop(table, "name")]
    same = " AND ".join(f"old.{k} = new.{k}" for k in keys)
    known = f"old.{read_at}"
    if DELETED_AT in table["columns"]:  # that it was gone is news as well
        known = f"greatest({known}, old.{quote(DELETED_AT)})"
    names = ", ".join(columns)
    turn, rows = [], staged
    if client.capabilities.sqlglot_dialect == "postgres":
        # a load that lost its session has lost its turn too: two merges may meet here
        turn = [f"SELECT pg_advisory_xact_lock(hashtextextended('{target}', 0))"]
        # a copy whose success was not heard of is sent again: staged rows may come twice
        rows = f"(SELECT DISTINCT ON ({', '.join(keys)}) {names} FROM {staged})"
    return [
        *turn,
        # what was read in the future comes from a clock that was wrong: it must not stay for ever
        f"""DELETE FROM {target} AS old USING {staged} AS new
        WHERE {same} AND (old.{read_at} IS NULL OR {known} <= new.{read_at}
                          OR old.{read_at} > CURRENT_TIMESTAMP)""",
        f"""INSERT INTO {target} ({names})
        SELECT {", ".join(f"new.{c}" for c in columns)} FROM {rows} AS new
        WHERE NOT EXISTS (SELECT 1 FROM {target} AS old WHERE {same})""",
    ]
