"""Records of one batch, read by path.

In: decoded JSON objects. Out: the values of one path or field, as many as there are records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog import Field

Keys = tuple[str, ...]
"""A path: the keys from the top of a record down to a value."""


class Records:
    """Records whose values can be read as columns.

    Args:
        records: JSON objects only.
    """

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self.records = records
        self.has_missing_key = False
        """Whether a record lacked the key of a path with one key that was read."""

    def __len__(self) -> int:
        return len(self.records)

    def field_values(self, field: Field) -> list[Any]:
        """The value of a field in each record: from its path, else from an alias, else ``null_as``.

        None if a record has no value at any of these.
        """
        values = self.values(field.path)
        for alias in field.aliases:
            if None not in values:
                break
            others = self.values(alias)
            values = [o if v is None else v for v, o in zip(values, others, strict=True)]
        if field.null_as is not None and None in values:
            values = [field.null_as if v is None else v for v in values]
        return values

    def values(self, path: Keys) -> list[Any]:
        """The value at a path in each record; None where a record has no such value."""
        if len(path) == 1:
            key = path[0]
            try:
                return [row[key] for row in self.records]
            except KeyError:
                self.has_missing_key = True
                return [row.get(key) for row in self.records]
        if len(path) == 2:  # common enough to be fast
            outer, inner = path
            return [
                o.get(inner) if type(o := row.get(outer)) is dict else None for row in self.records
            ]
        return [value_at(row, path) for row in self.records]


def value_at(row: Any, path: Keys) -> Any:
    """The value at a path of one record; None when the record has no such value."""
    for key in path:
        if type(row) is not dict:
            return None
        row = row.get(key)
    return row
