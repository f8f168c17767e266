"""The rows of earlier loads: what a load does to them that a right declaration would not.

In: counts of a table before a load, and of its merge. Out: findings of the read. Rows of other windows that a
load replaces have a key that comes again in each window: the table keeps the last window only. A field
that nearly all rows had, and no record has any more, is one that the API renamed or withholds: the load
replaces its values by null. After the load nothing in the table shows this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import DELETED_AT
from analytics_sync.common.shown import listed
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind
from analytics_sync.extract.evidence.findings import DECLARED_SCHEMA, PRIMARY_KEY_UNIQUE
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.windows.incremental import with_lag
from analytics_sync.load.clients.merge_counts import MergeCounts
from analytics_sync.load.clients.merge_sql import literal
from analytics_sync.load.gone.scope import column_names, cursor_bounds

_FEW = 20  # one row in so many may move from window to window, as a date that is put off
_CHANCE = 1e-3  # records without a value are a coincidence down to this probability
# A new window may lack a value that comes later, such as an end, so that it needs more evidence.
_MIN_SHARE_IN_NEW_WINDOW = 0.95
_MIN_ROWS_IN_NEW_WINDOW = 20
_TIMES = frozenset({"timestamp", "date"})


@dataclass(frozen=True)
class EarlierRows:
    """The living rows of a table before a load.

    Attributes:
        count: Number of rows.
        in_window: Number of rows in the window that is loaded; ``count`` without a window.
        filled: Number of rows that have a value, by column.
        filled_in_window: The same of the rows in the window.
    """

    count: int
    in_window: int
    filled: Mapping[str, int] = field(default_factory=dict)
    filled_in_window: Mapping[str, int] = field(default_factory=dict)


def expected_rows(run: ReadRun, client: SqlClientBase[Any]) -> dict[str, str]:
    """The rows that new ones may take the place of without a sign of a wrong key, by table.

    Args:
        run: The run, which is finished and not loaded.
        client: A client that is connected to the source's dataset.

    Returns:
        A condition on the rows ``old``. Tables whose rows may move from window to window are left out.
    """
    found = {}
    for resource in _merged(run):
        window = _window(run, resource)
        # where each change moves the cursor, a row of another window may come again
        if window is not None and cursor_kind(resource) is not CursorKind.CHANGES:
            cursor = _cursor(client, resource, "old.")
            dialect = str(client.capabilities.sqlglot_dialect)
            bounds = cursor_bounds(_cursor_of(resource), window)
            start, end = (literal(bound, dialect) for bound in bounds)
            condition = f"{cursor} IS NULL OR ({cursor} >= {start} AND {cursor} < {end})"
            if resource.soft_deletes:
                condition += f" OR old.{client.escape_column_name(DELETED_AT)} IS NOT NULL"
            found[resource.table] = condition
    return found


def to_look_at(run: ReadRun) -> list[Resource]:
    """The resources whose load may empty columns of a table; the run is finished, and not loaded."""
    return [resource for resource in _merged(run) if run.result(resource.name).absent]


def look(
    run: ReadRun, resources: Iterable[Resource], client: SqlClientBase[Any]
) -> dict[str, EarlierRows]:
    """Count the rows of tables, by resource; tables without rows are left out.

    Args:
        run: The run.
        resources: What ``to_look_at`` returned.
        client: A client that is connected to the source's dataset.
    """
    found = {}
    for resource in resources:
        absent = run.result(resource.name).absent
        earlier = _count(client, resource, _window(run, resource), absent)
        if earlier and earlier.count:
            found[resource.name] = earlier
    return found


def judge(
    run: ReadRun, before: Mapping[str, EarlierRows], merges: Mapping[str, MergeCounts]
) -> None:
    """Add findings to the results of a run whose rows are loaded.

    Args:
        run: The run.
        before: What ``look`` returned.
        merges: What the merges did to each table.
    """
    for name, earlier in before.items():
        result = run.result(name)
        resource, window = result.resource, _window(run, result.resource)
        if lost := [f for f in result.absent if _is_lost(f, result.rows, earlier, window)]:
            result.findings.add(DECLARED_SCHEMA, _lost_message(resource, lost, earlier))
    for resource in _merged(run):
        result, counts = run.result(resource.name), merges.get(resource.table)
        if counts is not None and _is_wrong_key(resource, counts.unexpected, result.rows):
            message = _replaced_message(resource, counts.unexpected, result)
            result.findings.add(PRIMARY_KEY_UNIQUE, message)


def _merged(run: ReadRun) -> list[Resource]:
    """The resources whose rows are merged into rows of earlier loads."""
    failed = run.failures()
    return [
        resource
        for resource in run.resources
        if resource.name not in failed
        and resource.write_disposition == "merge"
        and run.result(resource.name).rows
    ]


def _window(run: ReadRun, resource: Resource) -> Window | None:
    """The window whose records are loaded; None for a snapshot, and for children."""
    return with_lag(resource, run.window) if resource.cursor is not None else None


def _count(
    client: SqlClientBase[Any], resource: Resource, window: Window | None, fields: tuple[Field, ...]
) -> EarlierRows | None:
    """The counts of a table; None when there is no such table, or when it has no cursor yet.

    A column that the table does not have yet has no values.
    """
    quote = client.escape_column_name
    table = client.make_qualified_table_name(resource.table)
    existing = column_names(client, table)
    if not existing or (resource.cursor and resource.cursor.column not in existing):
        return None
    fields = tuple(f for f in fields if f.column in existing)
    inside, bounds = "1 = 1", []
    if window is not None:
        cursor = _cursor(client, resource)
        inside = f"{cursor} >= %s AND {cursor} < %s"
        bounds = cursor_bounds(_cursor_of(resource), window)
    columns = [quote(f.column) for f in fields]
    counts = [f"count({case})" for case in ("*", _one_if(inside))]
    counts += [f"count({c})" for c in columns]
    counts += [f"count(CASE WHEN {inside} THEN {c} END)" for c in columns]
    alive = f" WHERE {quote(DELETED_AT)} IS NULL" if DELETED_AT in existing else ""
    sql = f"SELECT {', '.join(counts)} FROM {table}{alive}"
    with client.execute_query(sql, *bounds, *(bounds * len(columns))) as found:
        total, in_window, *filled = found.fetchall()[0]
    names = [f.column for f in fields]
    return EarlierRows(
        total,
        in_window,
        dict(zip(names, filled[: len(names)], strict=True)),
        dict(zip(names, filled[len(names) :], strict=True)),
    )


def _cursor_of(resource: Resource) -> Field:
    assert resource.cursor is not None, "only a cursor cuts windows"
    return resource.cursor


def _cursor(client: SqlClientBase[Any], resource: Resource, prefix: str = "") -> str:
    """The column of the cursor, as SQL."""
    return f"{prefix}{client.escape_column_name(_cursor_of(resource).column)}"


def _one_if(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1 END"


def _is_wrong_key(resource: Resource, replaced: int, rows: int) -> bool:
    if cursor_kind(resource) is CursorKind.FIXED:
        return replaced > 0
    return replaced * _FEW > rows


def _is_lost(absent: Field, rows: int, earlier: EarlierRows, window: Window | None) -> bool:
    """Whether records without a field are no coincidence.

    Args:
        absent: A field that none of the records has.
        rows: Number of rows that were loaded.
        earlier: The rows before.
        window: The window that was loaded; None for a snapshot.
    """
    count, filled = earlier.count, earlier.filled.get(absent.column, 0)
    if window is not None and earlier.in_window:
        count, filled = earlier.in_window, earlier.filled_in_window.get(absent.column, 0)
    elif window is not None and (
        rows < _MIN_ROWS_IN_NEW_WINDOW
        or filled < _MIN_SHARE_IN_NEW_WINDOW * count
        or absent.data_type in _TIMES
    ):
        return False
    without = (count - filled + 1) / (count + 2)  # Laplace's estimate
    return filled > 0 and without**rows < _CHANCE


def _lost_message(resource: Resource, lost: list[Field], earlier: EarlierRows) -> str:
    named = listed(f"{f.name} ({earlier.filled[f.column]})" for f in lost)
    return (
        f"No record has a field that {earlier.count} rows had, the number with a value in brackets: "
        f"{named}. The load replaced values by null. The API renamed the field, or the account may "
        f"no longer read it: compare columns of resource {resource.name!r} with a response, then load "
        f"again."
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
