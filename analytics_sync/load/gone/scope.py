"""The scope of a read: the rows of a table of which the read tells whether the API still lists them.

In: a finished read. Out: a condition in SQL, or the reason why there is none. A snapshot speaks for all
rows. A window speaks for the rows whose cursor lies in it. Children of windowed parents are spoken for
parent by parent: ``_parent_key`` of a row names the parent that listed it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.building.deletes import without_parent_key
from analytics_sync.catalog.naming import DELETED_AT, PARENT_KEY, READ_AT
from analytics_sync.common.window import Window
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.windows.incremental import with_lag

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scope:
    """The rows that a read speaks for.

    Attributes:
        resource: The resource that was read.
        started_at: When the read began, in microseconds since 1970.
        window: The window that was read; None if the read is not limited to one.
        parents: Keys of the parents whose children were read; None if the read is not limited to them.
    """

    resource: Resource
    started_at: int
    window: Window | None = None
    parents: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether the read speaks for all rows of the table."""
        return self.window is None and self.parents is None

    @property
    def is_listing(self) -> bool:
        """Whether the read is one listing of all records, without parents."""
        return self.is_everything and self.resource.parent is None

    @property
    def started(self) -> datetime:
        """When the read began."""
        return instant(self.started_at)

    def rows(self, client: SqlClientBase[Any]) -> tuple[str, list[Any]]:
        """The rows as a condition on the table, and its parameters."""
        quote = client.escape_column_name
        if self.window is not None:
            assert self.resource.cursor is not None, "only a cursor cuts windows"
            cursor = quote(self.resource.cursor.column)
            bounds = cursor_bounds(self.resource.cursor, self.window)
            return f"{cursor} >= %s AND {cursor} < %s", [*bounds]
        if self.parents is not None:
            return f"{quote(PARENT_KEY)} IN ({among_texts(client)})", [sorted(self.parents)]
        return "1 = 1", []

    def missing_rows(self, client: SqlClientBase[Any]) -> tuple[str, list[Any]]:
        """The living rows that neither this read nor a later one has found, as ``rows``."""
        quote = client.escape_column_name
        where, values = self.rows(client)
        read_at = quote(READ_AT)
        missing = f"{quote(DELETED_AT)} IS NULL AND ({read_at} < %s OR {read_at} IS NULL)"
        return f"{missing} AND {where}", [self.started, *values]

    def only_parents(self, parents: Collection[str]) -> Scope:
        """The same scope, limited to some of its parents."""
        if self.parents is None:
            return self
        return replace(self, parents=self.parents & frozenset(parents))


def scope_to_mark(run: ReadRun, result: ReadResult) -> Scope | str:
    """The rows that are gone if a read has not found them; otherwise why none is known to be gone.

    Args:
        run: The finished run.
        result: The finished read of one of its resources.
    """
    if reason := result.not_complete():
        return reason
    if result.started_at is None:
        return "no response was read"
    resource = result.resource
    is_whole = result.parents_complete and _only_absent_skipped(result)
    if resource.cursor is not None and run.window is not None:
        return (
            scope_to_replace(run, result) if is_whole else "children of some parents were not read"
        )
    if resource.parent is None:
        return Scope(resource, result.started_at)
    if is_whole and result.children is not None and _is_read_whole(run, resource):
        return Scope(resource, result.started_at)
    if resource.missing_parent_fields:
        return without_parent_key(resource)
    return Scope(resource, result.started_at, parents=_parents(result))


def scope_to_replace(run: ReadRun, result: ReadResult) -> Scope | str:
    """The rows that the rows of a read replace; otherwise why they replace none.

    A read that is known to be short has failed before.
    """
    resource = result.resource
    if result.started_at is None:
        return "no response was read"
    if resource.cursor is not None and run.window is not None:
        given = _given(resource.cursor, with_lag(resource, run.window), result)
        if given is None:
            return "the API gives no records of the window yet"
        return Scope(resource, result.started_at, window=given)
    if resource.parent is None:
        return Scope(resource, result.started_at)
    if result.children is not None and not _is_windowed(run, resource):
        return Scope(resource, result.started_at)
    if resource.missing_parent_fields:
        return without_parent_key(resource)
    return Scope(resource, result.started_at, parents=_parents(result))


def instant(microseconds: int) -> datetime:
    """The instant at a number of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def cursor_bounds(cursor: Field, window: Window) -> list[date]:
    """Start and end of a window, in the type of the cursor's column: a day belongs where it begins."""
    bounds = [bound.astimezone(UTC) for bound in (window.start, window.end)]
    if cursor.data_type != "date":
        return [*bounds]
    return [bound.date() + timedelta(days=bound.time() > time()) for bound in bounds]


def column_names(client: SqlClientBase[Any], table: str) -> tuple[str, ...]:
    """The columns of a table in their order; none if it does not exist.

    Args:
        client: A connected client.
        table: The quoted, qualified name of the table.
    """
    try:
        with client.execute_query(f"SELECT * FROM {table} WHERE 1 = 0") as found:
            return tuple(d[0] for d in found.native_cursor.description or ())
    except DatabaseUndefinedRelation:
        return ()


def among_texts(client: SqlClientBase[Any]) -> str:
    """A subquery whose rows are the texts of one parameter, which is a list."""
    if client.capabilities.sqlglot_dialect == "sqlite":
        return "SELECT value FROM json_each(%s)"
    if client.capabilities.sqlglot_dialect == "mysql":
        return "%s"  # its client makes a table of a list
    is_duckdb = client.capabilities.sqlglot_dialect == "duckdb"
    return f"SELECT unnest(CAST(%s AS {'VARCHAR[]' if is_duckdb else 'pg_catalog.text[]'}))"


def living_rows(client: SqlClientBase[Any], scope: Scope) -> int:
    """How many living rows of a table are in a scope; none if there is no such table or column yet."""
    resource = scope.resource
    table = client.make_qualified_table_name(resource.table)
    existing = column_names(client, table)
    needed = {resource.cursor.column} if scope.window and resource.cursor else set()
    needed |= {PARENT_KEY} if scope.parents is not None else set()
    if not existing or not needed.issubset(existing):
        return 0
    where, values = scope.rows(client)
    if DELETED_AT in existing:
        where = f"{client.escape_column_name(DELETED_AT)} IS NULL AND {where}"
    with client.execute_query(f"SELECT count(*) FROM {table} WHERE {where}", *values) as found:
        count: int = found.fetchall()[0][0]
    return count


def _given(cursor: Field, window: Window | None, result: ReadResult) -> Window | None:
    """The part of a window of which the API gives all records already; None without such a part."""
    if window is None or result.read_up_to is None:
        return window
    end = min(window.end, result.read_up_to.astimezone(UTC))
    if cursor.data_type == "date":  # a day that is not over is not given as a whole
        end = datetime.combine(end.date(), time(), UTC)
    return replace(window, end=end) if window.start < end else None


def _only_absent_skipped(result: ReadResult) -> bool:
    """Whether each child that was skipped has no records by declaration."""
    absent = result.parents_without_listing
    return len(result.skipped) == len(absent) and bool(result.parents_read or not absent)


def _parents(result: ReadResult) -> frozenset[str]:
    """The parents whose children were listed.

    A parent whose children are not there (404, 410) has none by declaration. But if all parents answer
    so, the path is more likely wrong.
    """
    absent = result.parents_without_listing if result.parents_read else set()
    return frozenset(result.parents_read | absent)


def _is_windowed(run: ReadRun, resource: Resource) -> bool:
    return run.window is not None and run.source.windowed(resource)


def _is_read_whole(run: ReadRun, resource: Resource) -> bool:
    """Whether a run reads all children: a window limits the parents, and so does a setting in a path."""
    listings = (resource, *run.source.ancestors(resource))
    return not _is_windowed(run, resource) and not any(
        f"{{{name}}}" in listing.path for listing in listings for name in listing.settings
    )
