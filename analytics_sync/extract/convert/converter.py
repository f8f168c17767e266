"""The converter: records -> one Arrow table by the declared columns, losing nothing.

In: lists of records of one resource. Out: a ``Batch``: the table with its ``_extra`` column, and
the records that cannot be placed. Two rules: a value that fits its declared type lands in its
column, and everything else lands in ``_extra``; neither ever raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import DELETED_AT, EXTRA, PARENT_KEY, READ_AT
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import ARROW, TIMESTAMP, to_array
from analytics_sync.extract.convert.cursor import CursorReader, in_window, placeholders
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind
from analytics_sync.extract.convert.extras import ExtraFields, Extras
from analytics_sync.extract.convert.field_use import FieldUse
from analytics_sync.extract.convert.outside_keys import OutsideKey, keys_on_both_sides
from analytics_sync.extract.convert.records import Records
from analytics_sync.extract.convert.stand_ins import StandIns

NO_KEY = "no usable primary key"


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be placed.

    Attributes:
        reason: Why.
        record: As the API gave it.
        cursor: Its time; None if it has no usable one.
    """

    reason: str
    record: Any
    cursor: Any = None


@dataclass
class Batch:
    """The result of one conversion.

    Attributes:
        table: One row for each record in the window that can be placed.
        records: The records of ``table``, row by row.
        rejected: The records that cannot be placed.
        outside_window: How many records were not in the window.
        with_extra: How many rows have a value in ``_extra``.
        on_both_sides: Keys that a record of ``table`` shares with a record outside the window.
    """

    table: pa.Table
    records: Sequence[dict[str, Any]]
    rejected: list[Rejected] = field(default_factory=list)
    outside_window: int = 0
    with_extra: int = 0
    on_both_sides: list[OutsideKey] = field(default_factory=list)


class Converter:
    """Turns records of one resource into tables of one schema.

    Args:
        resource: The declaration.
        fields: The fields to convert; None takes the declared ones.

    Attributes:
        fields: The fields to convert.
        schema: The schema of the tables.
        use: Which fields have values, without those of the primary key and the cursor.
    """

    def __init__(self, resource: Resource, fields: Sequence[Field] | None = None) -> None:
        self.fields = tuple(resource.fields if fields is None else fields)
        self._cursor = CursorReader(resource) if resource.cursor else None
        # A record whose cursor changes may be listed twice, with its old time and its new one.
        self._cursor_stays = cursor_kind(resource) is not CursorKind.CHANGES
        self._keys = [f for f in self.fields if f.column in set(resource.key)]
        # A key that was always null has no column yet where the columns follow the data.
        self._extra_fields = ExtraFields(self.fields, keep_nulls=bool(resource.fields))
        self._stand_ins = StandIns(resource, self.fields)
        placing = {*resource.key, *((resource.cursor.column,) if resource.cursor else ())}
        columns = [f.column for f in self.fields]
        cursor = resource.cursor.column if resource.cursor else None
        self._time = cursor if cursor in columns else None
        self.use = FieldUse(
            [(i, f) for i, f in enumerate(self.fields) if f.column not in placing],
            None if self._time is None else columns.index(self._time),
        )
        # The API lists every record that is read: merging this null removes a mark of deletion.
        self._null_columns = [(DELETED_AT, TIMESTAMP)] if resource.soft_deletes else []
        self._origin = [(READ_AT, TIMESTAMP)]
        if resource.keeps_parent_key:
            self._origin.append((PARENT_KEY, pa.string()))
        declared = [(f.column, ARROW[f.data_type]) for f in self.fields]
        added = [(EXTRA, pa.string()), *self._origin, *self._null_columns]
        self.schema = pa.schema([*declared, *added])

    def convert(
        self,
        records: Sequence[Any],
        window: Window | None = None,
        read_at: Sequence[int] | None = None,
        parents: Sequence[str | None] | None = None,
    ) -> Batch:
        """Build a table of the records that are in ``window`` and can be placed.

        Args:
            records: As the API gave them.
            window: None for all.
            read_at: When each was read, in microseconds since 1970; None leaves the column null.
            parents: Key of the parent of each; None leaves the column null, if there is one.
        """
        origin = self._origin_of(len(records), read_at, parents)
        rejected: list[Rejected] = []
        if not {dict}.issuperset(map(type, records)):
            rejected = [Rejected("not an object", r) for r in records if type(r) is not dict]
            origin = origin.filter(pa.array([type(r) is dict for r in records]))
            records = [r for r in records if type(r) is dict]
        rows = Records(records)
        extras: Extras = {}
        outside_window, both = 0, list[OutsideKey]()
        converted: dict[Field, pa.Array] = {}
        if self._cursor is not None:
            cursor = self._cursor.column(rows, extras)
            name = self._cursor.field.name
            rejected += _rejected(cursor, records, f"no usable cursor {name}")
            if window is not None and (no_time := placeholders(cursor, window)) is not None:
                # No window would ever hold these records, so that they would be nowhere.
                reason = f"cursor {name} is a placeholder for no time"
                rejected += [Rejected(reason, records[i]) for i in _true_at(no_time)]
                cursor = pc.if_else(no_time, None, cursor)
            to_keep, outside_window = _to_keep(cursor, window)
            if pc.all(to_keep).as_py() is False:
                if outside_window and read_at is not None and self._cursor_stays:
                    outside = pc.and_not(cursor.is_valid(), to_keep)
                    times = origin.column(READ_AT)
                    both = keys_on_both_sides(rows, self._keys, to_keep, outside, times, cursor)
                rows, origin, extras = Records(_take(records, to_keep)), origin.filter(to_keep), {}
            else:
                converted[self._cursor.field] = cursor
        table = self._table(rows, origin, extras, converted)
        table, placed_records = self._with_keys(table, rows.records, rejected)
        table, placed_records = self._without_stand_ins(table, placed_records, rejected)
        with_extra = table.num_rows - table.column(EXTRA).null_count
        return Batch(table, placed_records, rejected, outside_window, with_extra, both)

    def _origin_of(
        self, count: int, read_at: Sequence[int] | None, parents: Sequence[str | None] | None
    ) -> pa.RecordBatch:
        """When each record was read, and the key of its parent if the table has it."""
        times = pa.nulls(count, TIMESTAMP)
        if read_at is not None:
            times = pa.array(read_at, pa.int64()).cast(TIMESTAMP)
        keys = pa.nulls(count, pa.string()) if parents is None else pa.array(parents, pa.string())
        return pa.record_batch([times, keys][: len(self._origin)], schema=pa.schema(self._origin))

    def _table(
        self,
        rows: Records,
        origin: pa.RecordBatch,
        extras: Extras,
        converted: dict[Field, pa.Array],
    ) -> pa.Table:
        """The table of all ``rows``.

        Args:
            rows: The records.
            origin: When each was read, and the key of its parent if the table has it.
            extras: Values that do not fit, of the columns in ``converted``.
            converted: The columns that have been read from ``rows`` already.
        """
        arrays = [
            converted[f]
            if f in converted
            else to_array(f, rows.field_values(f), extras, is_key=f in self._keys)
            for f in self.fields
        ]
        self.use.add(rows, arrays, extras)
        self._extra_fields.add(rows, extras)
        extra = pa.nulls(len(rows), pa.string())
        if extras:
            extra = pa.array(
                [dumps(extras[i]) if i in extras else None for i in range(len(rows))], pa.string()
            )
        nulls = [pa.nulls(len(rows), kind) for _, kind in self._null_columns]
        return pa.Table.from_arrays([*arrays, extra, *origin.columns, *nulls], schema=self.schema)

    def _with_keys(
        self, table: pa.Table, records: Sequence[Any], rejected: list[Rejected]
    ) -> tuple[pa.Table, Sequence[Any]]:
        """The rows whose primary key is complete, and their records; the others are rejected."""
        for key in self._keys:
            column = table.column(key.column)
            if column.null_count:
                rejected += _rejected(column, records, f"{NO_KEY} {key.name}", self._times(table))
                present = column.is_valid()
                table, records = table.filter(present), _take(records, present)
        return table, records

    def _times(self, table: pa.Table) -> pa.ChunkedArray | None:
        """The time of each row; None without a cursor."""
        return None if self._time is None else table.column(self._time)

    def _without_stand_ins(
        self, table: pa.Table, records: Sequence[Any], rejected: list[Rejected]
    ) -> tuple[pa.Table, Sequence[Any]]:
        """The rows of records that are no stand-ins, and these records; the others are rejected."""
        stand_ins = self._stand_ins.find(table, records)
        if not stand_ins:
            return table, records
        times = self._times(table)
        rejected += [
            Rejected(reason, records[i], times and times[i].as_py())
            for i, reason in stand_ins.items()
        ]
        kept = pa.array(i not in stand_ins for i in range(len(records)))
        return table.filter(kept), _take(records, kept)


def _rejected(
    column: pa.Array, records: Sequence[Any], reason: str, times: pa.ChunkedArray | None = None
) -> list[Rejected]:
    """The records whose value in ``column`` is null."""
    if not column.null_count:
        return []
    return [
        Rejected(reason, records[i], times and times[i].as_py()) for i in _true_at(column.is_null())
    ]


def _to_keep(cursor: pa.Array, window: Window | None) -> tuple[pa.Array, int]:
    """For each record, whether it has a cursor in the window; and how many are outside the window."""
    has_cursor = cursor.is_valid()
    if window is None:
        return has_cursor, 0
    inside = in_window(cursor, window)
    outside_window = pc.sum(pc.invert(pc.fill_null(inside, True))).as_py() or 0
    return pc.and_(has_cursor, pc.fill_null(inside, False)), outside_window


def _true_at(mask: Any) -> list[int]:
    """The positions at which ``mask`` is true."""
    return [int(i.as_py()) for i in pc.indices_nonzero(mask)]


def _take(records: Sequence[Any], mask: Any) -> list[Any]:
    """The records for which ``mask`` is true."""
    return [records[i] for i in _true_at(mask)]
