"""Stand-ins: objects in a listing that hold a key and no field of the resource.

In: the table of a batch, and its records. Out: the positions of stand-ins. An API may list an error or a
removal in place of a record, and an object of records by key may hold other objects, too. As rows they
would replace all values of the record by null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field, Resource
from analytics_sync.extract.convert.field_use import holds

_NAMES = frozenset({"error", "errors", "exception", "fault", "failure", "removed", "deleted"})
_SIGNS = "@_$."  # before a name, as in @removed


class StandIns:
    """Finds the stand-ins of a resource.

    Args:
        resource: The declaration.
        fields: The fields of the first columns of the table.
    """

    def __init__(self, resource: Resource, fields: Sequence[Field]) -> None:
        placing = {*resource.key, resource.cursor.column if resource.cursor else None}
        # Fields that the reader fills from beside the record: every object gets them.
        beside = {*resource.inherited, resource.key_field}
        # A stand-in may have these, and so the objects around them.
        given = [p for f in fields if f.column in placing for p in (f.path, *f.aliases)]
        self._positions = [
            i
            for i, f in enumerate(fields)
            if not any(path[: len(f.path)] == f.path for path in given)
            and f.null_as is None
            and f.name not in beside
        ]
        self._paths = [p for i in self._positions for p in (fields[i].path, *fields[i].aliases)]
        # The key is beside the object, so that every object gets one.
        self._is_keyed = resource.key_field is not None

    def find(self, table: pa.Table, records: Sequence[dict[str, Any]]) -> dict[int, str]:
        """The positions of stand-ins in a table, each with the reason for which it is none.

        Args:
            table: The rows.
            records: Their records.
        """
        # Usually a column has a value in every row, so that no row is a stand-in.
        if not self._positions or not all(table.column(i).null_count for i in self._positions):
            return {}
        columns = [table.column(i) for i in self._positions]
        empty: Any = True
        for column in sorted(columns, key=attrgetter("null_count")):
            empty = pc.and_(empty, pc.is_null(column))
            if not pc.any(empty).as_py():
                return {}
        positions = [int(i.as_py()) for i in pc.indices_nonzero(empty)]
        return {i: reason for i in positions if (reason := self._reason(records[i]))}

    def error_in(self, record: Mapping[str, Any]) -> str | None:
        """The name under which a record has an error or a removal; None if it has a declared field."""
        named = [n for n, v in record.items() if v and n.lstrip(_SIGNS).lower() in _NAMES]
        return named[0] if named and not self._has_field(record) else None

    def _reason(self, record: Mapping[str, Any]) -> str:
        """Why a record without values is a stand-in; empty if it is none."""
        if name := self.error_in(record):
            return f"no declared field, but {name}"
        return "no declared field" if self._is_keyed and not self._has_field(record) else ""

    def _has_field(self, record: Mapping[str, Any]) -> bool:
        return any(holds(record, path) for path in self._paths)
