"""Records -> one Arrow table by the declared columns, losing nothing.

In: lists of records of one resource. Out: a ``Batch``: the table with its ``_extra`` column, and
the records that cannot be placed. Two rules: a value that fits its declared type lands in its
column, and everything else lands in ``_extra``; neither ever raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import DELETED_AT, EXTRA, READ_AT
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import ARROW, TIMESTAMP, to_array
from analytics_sync.extract.convert.extras import ExtraFields, Extras
from analytics_sync.extract.convert.records import Records


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be placed, and why."""

    reason: str
    record: Any


@dataclass
class Batch:
    """``records`` are those of ``table``, row by row; ``outside_window`` were not in the window."""

    table: pa.Table
    records: Sequence[dict[str, Any]]
    rejected: list[Rejected] = field(default_factory=list)
    outside_window: int = 0
    with_extra: int = 0


class Converter:
    """Turns records of one resource into tables of one schema.

    Args:
        resource: The declaration.
        fields: Its fields, or those found in the data when it declares none.
    """

    def __init__(self, resource: Resource, fields: Sequence[Field] | None = None) -> None:
        self.fields = tuple(resource.fields if fields is None else fields)
        self._cursor = resource.cursor
        self._keys = [f for f in self.fields if f.column in set(resource.key)]
        self._exact = frozenset(f.column for f in self._keys)
        self._undeclared = ExtraFields(self.fields)
        # a record that is read is there: merging this null takes a mark of deletion away
        self._added = [(DELETED_AT, TIMESTAMP)] if resource.soft_deletes else []
        declared = [(f.column, ARROW[f.data_type]) for f in self.fields]
        own = [(EXTRA, pa.string()), (READ_AT, TIMESTAMP), *self._added]
        self.schema = pa.schema([*declared, *own])

    def convert(
        self,
        records: Sequence[Any],
        window: Window | None = None,
        read_at: Sequence[int] | None = None,
    ) -> Batch:
        """Build a table of the records that are in ``window`` and can be placed.

        Args:
            records: As the API gave them.
            window: None for all.
            read_at: When each was read, in microseconds since 1970.
        """
        times = pa.nulls(len(records), TIMESTAMP)
        if read_at is not None:
            times = pa.array(read_at, pa.int64()).cast(TIMESTAMP)
        rejected = []
        if not {dict}.issuperset(map(type, records)):
            rejected = [Rejected("not an object", r) for r in records if type(r) is not dict]
            times = times.filter(pa.array([type(r) is dict for r in records]))
            records = [r for r in records if type(r) is dict]
        rows = Records(records)
        extras: Extras = {}
        outside_window = 0
        known: dict[Field, pa.Array] = {}
        if self._cursor is not None:
            cursor = self._column(self._cursor, rows, extras)
            rejected += [
                Rejected(f"no usable cursor {self._cursor.name}", records[i])
                for i in _true_at(cursor.is_null())
            ]
            keep = cursor.is_valid()
            if window is not None:
                inside = _inside(cursor, window)
                outside_window = pc.sum(pc.invert(pc.fill_null(inside, True))).as_py() or 0
                keep = pc.and_(keep, pc.fill_null(inside, False))
            if pc.all(keep).as_py() is False:
                rows, times, extras = Records(_take(records, keep)), times.filter(keep), {}
            else:
                known[self._cursor] = cursor
        arrays = [known[f] if f in known else self._column(f, rows, extras) for f in self.fields]
        self._undeclared.add(rows, extras)
        extra = pa.nulls(len(rows), pa.string())
        if extras:
            extra = pa.array(
                [dumps(extras[i]) if i in extras else None for i in range(len(rows))], pa.string()
            )
        added = [pa.nulls(len(rows), kind) for _, kind in self._added]
        table = pa.Table.from_arrays([*arrays, extra, times, *added], schema=self.schema)
        placed = rows.records
        for key in self._keys:
            column = table.column(key.column)
            if column.null_count:
                missing = column.is_null()
                rejected += [
                    Rejected(f"no usable primary key {key.name}", placed[i])
                    for i in _true_at(missing)
                ]
                present = pc.invert(missing)
                table, placed = table.filter(present), _take(placed, present)
        with_extra = table.num_rows - table.column(EXTRA).null_count
        return Batch(table, placed, rejected, outside_window, with_extra)

    def is_past(self, records: Sequence[Any], window: Window, newest_first: bool) -> bool:
        """Whether a whole page lies past the window, so that an ordered listing can stop."""
        oldest, newest, unclear = self.span(records)
        if unclear or oldest is None or newest is None:
            return False
        return newest < window.start if newest_first else oldest >= window.end

    def newest_cursor(self, records: Sequence[Any]) -> datetime | None:
        """The latest cursor among ``records``, in UTC."""
        return self.span(records)[1]

    def span(self, records: Sequence[Any]) -> tuple[datetime | None, datetime | None, bool]:
        """Earliest and latest cursor, in UTC, and whether some record has none."""
        rows = [r for r in records if type(r) is dict]
        if self._cursor is None or not rows:
            return None, None, True
        cursor = self._column(self._cursor, Records(rows), {})
        ends = pc.min_max(cursor.cast(TIMESTAMP)).as_py()
        return ends["min"], ends["max"], cursor.null_count > 0

    def _column(self, field: Field, rows: Records, extras: Extras) -> pa.Array:
        values = rows.values(field.path)
        for alias in field.aliases:
            if None not in values:
                break
            others = rows.values(alias)
            values = [o if v is None else v for v, o in zip(values, others, strict=True)]
        if field.null_as is not None and None in values:
            values = [field.null_as if v is None else v for v in values]
        return to_array(field, values, extras, only_exact=field.column in self._exact)


def _inside(cursor: pa.Array, window: Window) -> pa.Array:
    instants = cursor.cast(TIMESTAMP)
    start = pa.scalar(window.start.astimezone(UTC), TIMESTAMP)
    end = pa.scalar(window.end.astimezone(UTC), TIMESTAMP)
    return pc.and_(pc.greater_equal(instants, start), pc.less(instants, end))


def _true_at(mask: Any) -> list[int]:
    return [int(i.as_py()) for i in pc.indices_nonzero(mask)]


def _take(rows: Sequence[Any], mask: Any) -> list[Any]:
    return [rows[i] for i in _true_at(mask)]
