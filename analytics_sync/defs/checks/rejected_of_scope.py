"""The rejected records of a partition: those in ``_rejected`` that belong to it, or that may.

In: the table ``_rejected``. Out: their number. The row of a rejected record says which window was read. In
a run of several days, the record's own time says to which of them it belongs. A record without a usable
time may belong to each of them, and counts for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics_sync.catalog import Resource
from analytics_sync.catalog.tables import REJECTED
from analytics_sync.common.exact_json import loads

if TYPE_CHECKING:
    from analytics_sync.defs.checks.row_scope import RowScope
    from analytics_sync.load.warehouse import Warehouse

_START, _END = "window_start", "window_end"
_MAX_RECORDS = 1000  # whose own time is looked at


def rejected_records(warehouse: Warehouse, resource: Resource, scope: RowScope) -> int:
    """The number of rejected records of a resource that belong to some rows, or that may."""
    columns = warehouse.columns(REJECTED)
    if not columns:
        return 0
    rows, window = f"FROM {warehouse.table(REJECTED)} WHERE resource = %s", scope.window
    if window is None or not {_START, _END} <= set(columns):
        return int(warehouse.row(f"SELECT count(*) {rows}", resource.name)[0])
    read_with = f"({_START} IS NULL OR ({_START} < %s AND {_END} > %s))"
    within = f"({_START} >= %s AND {_END} <= %s)"
    bounds = (window.end, window.start, window.start, window.end)
    sql = f"SELECT count(*), count(CASE WHEN {within} THEN 1 END) {rows} AND {read_with}"
    total, certain = warehouse.row(sql, *bounds[2:], resource.name, *bounds[:2])
    if not total or total == certain or total > _MAX_RECORDS:
        return int(total)
    text = f"SELECT CAST(record AS VARCHAR) {rows} AND {read_with}"
    found = warehouse.rows(text, resource.name, *bounds[:2])
    return sum(_may_belong(resource, scope, record) for (record,) in found)


def rejected_query(warehouse: Warehouse, resource: Resource) -> str:
    """A query of the rejected records that somebody may paste."""
    name = ".".join(warehouse.quoted(part) for part in (warehouse.dataset, REJECTED))
    return f"SELECT * FROM {name} WHERE resource = '{resource.name}' LIMIT 100"


def _may_belong(resource: Resource, scope: RowScope, record: str) -> bool:
    """Whether a record lies in the window, or has no usable time."""
    from analytics_sync.extract.convert.cursor import CursorReader  # imported by a run only

    if resource.cursor is None or scope.window is None:
        return True
    window = scope.window.of_dates() if resource.cursor.data_type == "date" else scope.window
    span = CursorReader(resource).span([loads(record.encode())])
    if span.oldest is None or span.newest is None or span.incomplete:
        return True
    return window.start <= span.newest and span.oldest < window.end
