"""Soft deletes: a mark on rows that the API no longer lists.

In: a finished load and the complete reads of snapshots. Out: ``_deleted_at`` on rows of earlier
loads. A merge clears the mark of a row that the API lists again. Rows are never removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import DELETED_AT, READ_AT
from analytics_sync.catalog.paginators import Offset, PageNumber
from analytics_sync.common.errors import ExtractError
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.foreign_objects import own_tables

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deleted:
    """The rows that complete reads did not find.

    Attributes:
        marked: Number of rows newly marked as deleted, by resource.
        unconfirmed: Resources whose missing rows a second read must confirm before they are marked.
            The value is when the first read began, in microseconds since 1970.
    """

    marked: dict[str, int] = field(default_factory=dict)
    unconfirmed: dict[str, int] = field(default_factory=dict)


def mark_deleted(
    run: ReadRun, client: SqlClientBase[Any], first_started_at: Mapping[str, int]
) -> Deleted:
    """Mark the rows that complete reads did not find.

    A row is missing if it was last read before this read began: neither this run nor a parallel run
    has found it. A listing with no records at all marks nothing: it is more often a mistake than
    the truth.

    Args:
        run: A finished run. Its failed resources are left out.
        client: A client that is connected to the source's dataset.
        first_started_at: Resources that this run reads for the second time, to confirm missing
            rows. The value is when the first read began, in microseconds since 1970.
    """
    failed = run.failures()
    deleted = Deleted()
    for resource in run.resources:
        if not resource.soft_deletes or resource.name in failed:
            continue
        result = run.result(resource.name)
        if not result.complete or not result.rows or result.started_at is None:
            continue
        is_second_read = resource.name in first_started_at
        started_at = first_started_at.get(resource.name, result.started_at)
        missing = _MissingRows(client, resource, started_at)
        with own_tables(client, resource.table):
            count = missing.count()
            if count and not is_second_read and _rows_may_slip(run.source, resource):
                deleted.unconfirmed[resource.name] = started_at
                continue
            if count:
                missing.mark()
        deleted.marked[resource.name] = count
    return deleted


def confirm(
    source: Source, unconfirmed: Mapping[str, int], load: Callable[[ReadRun], Mapping[str, int]]
) -> Mapping[str, int] | None:
    """Read resources a second time, and mark the rows that this read does not find either.

    Args:
        source: The source of the resources.
        unconfirmed: ``Deleted.unconfirmed`` of the first read.
        load: Loads the second read, marks its missing rows and returns their number, by resource.

    Returns:
        Number of rows newly marked, by resource. None if the second read could not be loaded, so
        that no row is marked.
    """
    try:
        with ReadRun(source, only=unconfirmed, resume=False) as second_read:
            marked = load(second_read)
            not_read = second_read.failures()
    except (ExtractError, LoadError) as e:
        log.warning("%s: rows that may be gone are not marked: %s", source.name, e)
        return None
    for error in not_read.values():
        log.warning("rows that may be gone are not marked: %s", error)
    return marked


class _MissingRows:
    """The rows of one table that were last read before ``started_at`` and have no mark yet."""

    def __init__(self, client: SqlClientBase[Any], resource: Resource, started_at: int) -> None:
        self._client = client
        self._table = client.make_qualified_table_name(resource.table)
        self._deleted_at, read_at = (client.escape_column_name(n) for n in (DELETED_AT, READ_AT))
        self._started_at = _EPOCH + timedelta(microseconds=started_at)
        self._where = f"{self._deleted_at} IS NULL AND ({read_at} < %s OR {read_at} IS NULL)"

    def count(self) -> int:
        """Number of the rows."""
        sql = f"SELECT count(*) FROM {self._table} WHERE {self._where}"
        with self._client.execute_query(sql, self._started_at) as cursor:
            count: int = cursor.fetchall()[0][0]
        return count

    def mark(self) -> None:
        """Set ``_deleted_at`` of the rows to the start of the read."""
        sql = f"UPDATE {self._table} SET {self._deleted_at} = %s WHERE {self._where}"
        self._client.execute_sql(sql, self._started_at, self._started_at)


def _rows_may_slip(source: Source, resource: Resource) -> bool:
    """Whether a read may miss a row that the API lists.

    In a listing by offset or page number, a row moves to the page before when another row is
    deleted during the read. The read has then passed that page.
    """
    listings = (resource, *source.ancestors(resource))
    return any(isinstance(r.paginator, Offset | PageNumber) for r in listings)
