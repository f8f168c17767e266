"""The rows that a check looks at: those of a partition, or the whole table.

In: a table, and the partitions that were loaded. Out: conditions in SQL, and queries to paste. A table is
looked at as a whole only if it was loaded as a whole, or if somebody asks for it: a run of the checks
without a partition does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dagster import EventLogRecord

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import READ_AT
from analytics_sync.common.window import Window
from analytics_sync.defs.history.materializations import read_from
from analytics_sync.defs.partitions.past_partitions import Partition, window_of

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse


@dataclass(frozen=True)
class RowScope:
    """Some rows of a table.

    Attributes:
        condition: Which rows, as SQL; empty for all rows.
        window: The window of the rows; None for all rows, or where their time is not known.
    """

    condition: str = ""
    window: Window | None = None

    def where(self, *conditions: str) -> str:
        """The clause WHERE for these rows and more conditions, with a space before it."""
        found = [c for c in (self.condition, *conditions) if c]
        return f" WHERE {' AND '.join(found)}" if found else ""

    def query(self, warehouse: Warehouse, table: str, *conditions: str) -> str:
        """A query of these rows that somebody may paste."""
        name = ".".join(warehouse.quoted(part) for part in (warehouse.dataset, table))
        return f"SELECT * FROM {name}{self.where(*conditions)} LIMIT 100"


def scope_of(
    warehouse: Warehouse,
    resource: Resource,
    partitions: Sequence[Partition],
    record: EventLogRecord | None,
) -> RowScope:
    """The rows of neighbouring partitions.

    Args:
        warehouse: The dataset, which is open.
        resource: The resource of the table.
        partitions: From old to new; none for all rows.
        record: The latest materialization of the partitions. A child without a time of its own is known
            by it: its rows are those that were read then.
    """
    if not partitions:
        return RowScope()
    columns = warehouse.columns(resource.table)
    window = _span(partitions)
    if resource.cursor is not None:
        if warehouse.stored(resource.cursor.column) not in columns:
            return RowScope()
        is_date = resource.cursor.data_type == "date"
        condition = _between(
            warehouse, warehouse.column(resource.cursor.column), window, is_date=is_date
        )
        return RowScope(condition, window)
    if record is None or warehouse.stored(READ_AT) not in columns:
        return RowScope()
    read = Window(read_from(record), datetime.fromtimestamp(record.timestamp + 1, UTC))
    return RowScope(_between(warehouse, warehouse.column(READ_AT), read))


def _span(partitions: Sequence[Partition]) -> Window:
    """The window from the first to the last partition."""
    first, last = window_of(partitions[0]), window_of(partitions[-1])
    return Window(first.start, last.end, zone=first.zone)


def _between(warehouse: Warehouse, column: str, window: Window, *, is_date: bool = False) -> str:
    from analytics_sync.load.clients.merge_sql import literal  # imported by a run only

    bounds: tuple[date, date] = (window.start, window.end)
    if is_date:
        days = window.of_dates()
        bounds = days.start.date(), days.end.date()
    start, end = (literal(bound, warehouse.dialect) for bound in bounds)
    return f"{column} >= {start} AND {column} < {end}"
