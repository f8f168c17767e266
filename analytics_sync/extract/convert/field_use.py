"""The use of fields: which declared fields had no value in any record of a read.

In: each batch of records, and its columns. Out: the fields that no record holds, and the fields of which
no value fits the declared type. Both are cheap to find: most fields have a value in the first batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field
from analytics_sync.common.json_path import Keys
from analytics_sync.common.quarters import joined
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.extras import Extras
from analytics_sync.extract.convert.records import Records

_RECORDS_LOOKED_AT = 20  # of each batch, for keys that may be there with null


@dataclass
class _Unused:
    """A field that had no value in its column so far.

    Attributes:
        position: Position of its column.
        field: The field.
        is_sent: Whether a record holds the field, with null or with another value.
        misfits: Number of values that did not fit.
        example: The first of these values.
        quarters: The quarters of an hour of their records, by the cursor.
    """

    position: int
    field: Field
    is_sent: bool = False
    misfits: int = 0
    example: Any = None
    quarters: set[datetime] = dataclass_field(default_factory=set)


class Misfits(NamedTuple):
    """A field of which no value fits the declared type.

    Attributes:
        field: The field.
        values: Number of values.
        example: The first of them.
        windows: The times of their records; None without a cursor.
    """

    field: Field
    values: int
    example: Any
    windows: list[Window] | None


class FieldUse:
    """Collects which fields have values.

    Args:
        fields: The fields to look at, each with the position of its column.
        cursor: The position of the column of the cursor; None without one.
    """

    def __init__(self, fields: Sequence[tuple[int, Field]], cursor: int | None = None) -> None:
        self._cursor = cursor
        self._unused = [_Unused(position, field) for position, field in fields]

    def add(self, rows: Records, arrays: Sequence[pa.Array], extras: Extras) -> None:
        """Add a batch.

        Args:
            rows: The records.
            arrays: Their columns.
            extras: The values that fit no column, without undeclared fields.
        """
        if not len(rows):
            return
        self._unused = [u for u in self._unused if arrays[u.position].null_count == len(rows)]
        for unused in self._unused:
            if extras:
                times = None if self._cursor is None else arrays[self._cursor]
                _add_misfits(unused, extras, times)
            if not unused.is_sent:
                unused.is_sent = _is_sent(unused.field, rows.records[:_RECORDS_LOOKED_AT])

    @property
    def absent(self) -> tuple[Field, ...]:
        """The fields that no record held, not even with null, as far as records were looked at."""
        return tuple(u.field for u in self._unused if not u.is_sent and not u.misfits)

    @property
    def misfits(self) -> list[Misfits]:
        """The fields of which no value fitted."""
        return [
            Misfits(
                u.field,
                u.misfits,
                u.example,
                None if self._cursor is None else joined(u.quarters),
            )
            for u in self._unused
            if u.misfits
        ]


def _add_misfits(unused: _Unused, extras: Extras, times: pa.Array | None) -> None:
    name = ".".join(unused.field.path)
    found = [position for position, values in extras.items() if name in values]
    if not found:
        return
    if not unused.misfits:
        unused.example = extras[found[0]][name]
    unused.misfits += len(found)
    if times is not None:
        some = times.take(pa.array(found, pa.int64())).cast(pa.timestamp("us", "UTC"))
        quarters = pc.unique(pc.floor_temporal(some, 15, unit="minute"))
        unused.quarters.update(quarters.drop_null().to_pylist())


def _is_sent(field: Field, records: Sequence[dict[str, Any]]) -> bool:
    """Whether a record has the field at one of its paths; null in place of an object counts."""
    return any(holds(record, path) for path in (field.path, *field.aliases) for record in records)


def holds(record: Mapping[str, Any], path: Keys) -> bool:
    """Whether a record has a value at a path; null in place of an object on the way counts."""
    if ".".join(path) in record:
        return True
    found: Any = record
    for key in path:
        if not isinstance(found, dict):
            return True  # null, or a value of another type
        if key not in found:
            return False
        found = found[key]
    return True
