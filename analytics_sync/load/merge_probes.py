"""The probes of a load: what its merges look for, and what they found.

In: a finished read, and the counts of its merges. Out: a probe for each table; findings of the read. Rows of
other windows that a load replaces have a key that comes again in each window: the table keeps the last window
only. Two spellings of one UUID make two rows of one record. Neither shows in the rows of the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import DELETED_AT
from analytics_sync.common.quarters import windows_around
from analytics_sync.common.shown import listed
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind
from analytics_sync.extract.evidence.findings import PRIMARY_KEY_UNIQUE
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.windows.incremental import with_lag
from analytics_sync.load.clients.merge_counts import MergeCounts
from analytics_sync.load.clients.merge_probe import MergeProbe
from analytics_sync.load.clients.merge_sql import literal
from analytics_sync.load.gone.scope import cursor_bounds

_FEW = 20  # one row in so many may move from window to window, as a date that is put off
_MAX_EXAMPLES = 5


def merge_probes(run: ReadRun, client: SqlClientBase[Any]) -> dict[str, MergeProbe]:
    """What the merges of a run look for, by table.

    Args:
        run: The run, which is finished and not loaded.
        client: A client that is connected to the source's dataset.
    """
    found = {}
    for resource in _loaded(run):
        expected = _expected(run, client, resource)
        # Where the cursor never changes, both spellings are in the window, and the check looks there.
        folds_case = (
            run.window is not None
            and run.source.windowed(resource)
            and cursor_kind(resource) is not CursorKind.FIXED
        )
        if expected or folds_case:
            cursor = resource.cursor.column if resource.cursor else None
            found[resource.table] = MergeProbe(cursor, expected, folds_case)
    return found


def judge_merges(run: ReadRun, merges: Mapping[str, MergeCounts]) -> None:
    """Add what the merges found to the results of a run whose rows are loaded."""
    for resource in _loaded(run):
        counts, result = merges.get(resource.table), run.result(resource.name)
        if counts is None:
            continue
        if _is_wrong_key(resource, counts.unexpected.total(), result.rows):
            message = _replaced_message(resource, counts.unexpected.total(), result)
            result.findings.add(PRIMARY_KEY_UNIQUE, message, windows_around(counts.unexpected))
        if counts.spelled:
            windows = windows_around(counts.spelled.values())
            result.findings.add(PRIMARY_KEY_UNIQUE, _spelled_message(list(counts.spelled)), windows)


def _loaded(run: ReadRun) -> list[Resource]:
    failed = run.failures()
    return [r for r in run.resources if r.name not in failed and run.result(r.name).rows]


def _expected(run: ReadRun, client: SqlClientBase[Any], resource: Resource) -> str | None:
    """The condition on the rows ``old`` that new ones may take the place of without a sign of a wrong key.

    None for tables whose rows may move from window to window.
    """
    window = with_lag(resource, run.window) if resource.cursor is not None else None
    # where each change moves the cursor, a row of another window may come again
    is_merged = resource.write_disposition == "merge"
    if window is None or not is_merged or cursor_kind(resource) is CursorKind.CHANGES:
        return None
    assert resource.cursor is not None
    cursor = f"old.{client.escape_column_name(resource.cursor.column)}"
    dialect = str(client.capabilities.sqlglot_dialect)
    start, end = (literal(bound, dialect) for bound in cursor_bounds(resource.cursor, window))
    condition = f"{cursor} IS NULL OR ({cursor} >= {start} AND {cursor} < {end})"
    if resource.soft_deletes:
        condition += f" OR old.{client.escape_column_name(DELETED_AT)} IS NOT NULL"
    return condition


def _is_wrong_key(resource: Resource, replaced: int, rows: int) -> bool:
    if cursor_kind(resource) is CursorKind.FIXED:
        return replaced > 0
    return replaced * _FEW > rows


def _spelled_message(keys: list[str]) -> str:
    return (
        f"{len(keys)} UUIDs are keys of several rows, in upper and in lower case, for example "
        f"{listed(keys[:_MAX_EXAMPLES], separator='; ')}. They are the same record: delete the rows with the "
        "older _read_at, load again, and ask the API's owner for one spelling."
    )


def _replaced_message(resource: Resource, replaced: int, result: ReadResult) -> str:
    assert resource.cursor is not None
    cursor, declared = resource.cursor.name, ", ".join(resource.primary_key)
    changes = ""
    if cursor_kind(resource) is CursorKind.UNKNOWN:
        changes = f" If the {cursor} of a record changes, declare incremental.cursor_changes: true."
    return (
        f"{replaced} of {result.rows} rows replaced rows of other windows: they have the same key and "
        f"another {cursor}. The table keeps the last window of each key. Correct primary_key "
        f"[{declared}] of resource {resource.name!r}: add {cursor}, or the fields that tell the "
        f"records apart; then load the other windows again.{changes}"
    )
