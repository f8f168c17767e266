"""The rows of earlier loads: fields that they had, and that no record has any more.

In: fields that no record of a read has, and the table before its load. Out: findings of the read. A field that
nearly all rows had, and no record has any more, is one that the API renamed or withholds: the load replaces its
values by null. After the load nothing in the table shows this.

A read of the whole table is compared with the whole table. A window is compared with its own rows; a window
without rows, with the nearest windows that have some. So the look takes no longer for a table that grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import DELETED_AT, READ_AT
from analytics_sync.common.shown import listed
from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import DECLARED_SCHEMA
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.windows.incremental import with_lag
from analytics_sync.load.gone.scope import column_names, cursor_bounds

_CHANCE = 1e-3  # records without a value are a coincidence down to this probability
# A new window may lack a value that comes later, such as an end, so that it needs more evidence.
_MIN_SHARE_IN_NEW_WINDOW = 0.95
_MIN_ROWS_IN_NEW_WINDOW = 20
_TIMES = frozenset({"timestamp", "date"})
# The windows beside a new one that it is compared with, before and after it: the nearest that have rows.
_BESIDE = (1, 8, 64)
# Children without a time of their own are compared with rows that were read lately.
_LATELY = timedelta(days=31)
_MAX_ROWS = 100_000


@dataclass(frozen=True)
class EarlierRows:
    """The living rows of a table before a load that the records are compared with.

    Attributes:
        count: Number of rows.
        filled: Number of rows that have a value, by column.
        is_beside: Whether they are rows of other windows, because the window of the load has none.
    """

    count: int
    filled: Mapping[str, int] = field(default_factory=dict)
    is_beside: bool = False


def to_look_at(run: ReadRun) -> list[Resource]:
    """The resources whose load may empty columns of a table; the run is finished, and not loaded."""
    failed = run.failures()
    return [
        resource
        for resource in run.resources
        if resource.name not in failed
        and resource.write_disposition == "merge"
        and run.result(resource.name).rows
        and run.result(resource.name).absent
    ]


def look(
    run: ReadRun, resources: Iterable[Resource], client: SqlClientBase[Any]
) -> dict[str, EarlierRows]:
    """Count the rows of tables, by resource; tables without rows to compare with are left out.

    Args:
        run: The run.
        resources: What ``to_look_at`` returned.
        client: A client that is connected to the source's dataset.
    """
    found = {}
    for resource in resources:
        if earlier := _earlier(run, resource, client):
            found[resource.name] = earlier
    return found


def judge(run: ReadRun, before: Mapping[str, EarlierRows]) -> None:
    """Add findings to the results of a run whose rows are loaded.

    Args:
        run: The run.
        before: What ``look`` returned.
    """
    for name, earlier in before.items():
        result = run.result(name)
        if lost := [f for f in result.absent if _is_lost(f, result.rows, earlier)]:
            message = _lost_message(result.resource, lost, earlier)
            times = result.buffer.times if result.buffer else None
            windows = times.windows if times and result.resource.cursor else None
            result.findings.add(DECLARED_SCHEMA, message, windows)


class _Part(NamedTuple):
    """Some rows of a table: a condition with its parameters, and the most rows to look at."""

    condition: str = ""
    parameters: Sequence[object] = ()
    limit: int | None = None


def _earlier(run: ReadRun, resource: Resource, client: SqlClientBase[Any]) -> EarlierRows | None:
    """The rows to compare the records of a resource with; None if the table has none.

    A column that the table does not have yet has no values.
    """
    existing = column_names(client, client.make_qualified_table_name(resource.table))
    fields = [f for f in run.result(resource.name).absent if f.column in existing]
    cursor = resource.cursor
    if not fields or (cursor is not None and cursor.column not in existing):
        return None

    def count(part: _Part) -> EarlierRows:
        return _count(client, resource, fields, part, DELETED_AT in existing)

    if run.window is None or not run.source.windowed(resource):
        found = count(_Part())
        return found if found.count else None
    if cursor is None:
        if READ_AT not in existing:
            return None
        lately = f"{client.escape_column_name(READ_AT)} >= %s"
        found = count(_Part(lately, [datetime.now(UTC) - _LATELY], _MAX_ROWS))
        return found if found.count else None
    window = with_lag(resource, run.window)
    assert window is not None
    name = client.escape_column_name(cursor.column)
    found = count(_Part(f"{name} >= %s AND {name} < %s", cursor_bounds(cursor, window)))
    if found.count:
        return found
    for windows in _BESIDE:
        around = _beside(window, windows)
        found = count(_Part(f"{name} >= %s AND {name} < %s", cursor_bounds(cursor, around)))
        if found.count >= _MIN_ROWS_IN_NEW_WINDOW:
            return EarlierRows(found.count, found.filled, is_beside=True)
    return None


def _beside(window: Window, windows: int) -> Window:
    """A window and some windows of its length before and after it."""
    length = (window.end - window.start) * windows
    first, last = (bound.replace(tzinfo=UTC) for bound in (datetime.min, datetime.max))
    start = window.start - min(length, window.start - first)
    return Window(start, window.end + min(length, last - window.end))


def _count(
    client: SqlClientBase[Any],
    resource: Resource,
    fields: Sequence[Field],
    part: _Part,
    has_marks: bool,
) -> EarlierRows:
    """Count some of the living rows of a table."""
    quote = client.escape_column_name
    columns = [quote(f.column) for f in fields]
    conditions = [part.condition] if part.condition else []
    if has_marks:
        conditions.append(f"{quote(DELETED_AT)} IS NULL")
    rows = client.make_qualified_table_name(resource.table)
    rows += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    if part.limit is not None:
        rows = f"(SELECT {', '.join(columns)} FROM {rows} LIMIT {part.limit}) AS earlier"
    counts = ", ".join(["count(*)", *(f"count({c})" for c in columns)])
    with client.execute_query(f"SELECT {counts} FROM {rows}", *part.parameters) as found:
        total, *filled = found.fetchall()[0]
    return EarlierRows(total, dict(zip((f.column for f in fields), filled, strict=True)))


def _is_lost(absent: Field, rows: int, earlier: EarlierRows) -> bool:
    """Whether records without a field are no coincidence.

    Args:
        absent: A field that none of the records has.
        rows: Number of rows that were loaded.
        earlier: The rows before.
    """
    count, filled = earlier.count, earlier.filled.get(absent.column, 0)
    if earlier.is_beside and (
        rows < _MIN_ROWS_IN_NEW_WINDOW
        or filled < _MIN_SHARE_IN_NEW_WINDOW * count
        or absent.data_type in _TIMES
    ):
        return False
    without = (count - filled + 1) / (count + 2)  # Laplace's estimate
    return filled > 0 and without**rows < _CHANCE


def _lost_message(resource: Resource, lost: list[Field], earlier: EarlierRows) -> str:
    named = listed(f"{f.name} ({earlier.filled[f.column]})" for f in lost)
    had = f"{earlier.count} rows had"
    replaced = "The load replaced values by null. "
    if earlier.is_beside:
        had, replaced = f"{earlier.count} rows of the windows beside it had", ""
    return (
        f"No record has a field that {had}, the number with a value in brackets: {named}. {replaced}The API "
        f"renamed the field, or the account may no longer read it: compare columns of resource "
        f"{resource.name!r} with a response, then load again."
    )
