"""Records of one batch, read by path.

In: decoded JSON objects. Out: the values of one path or field, as many as there are records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.common.json_path import Keys
from analytics_sync.common.json_path_steps import splits


class Records:
    """Records whose values can be read as columns.

    Args:
        records: JSON objects only.
    """

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self.records = records
        self.has_missing_key = False
        """Whether a record lacked the key of a path with one key that was read."""
        self.dotted_keys: dict[int, dict[Keys, Keys]] = {}
        """Position of a record -> keys that hold dots and were read in place of a path."""

    def __len__(self) -> int:
        return len(self.records)

    def field_values(self, field: Field) -> list[Any]:
        """The value of a field in each record: from its path, else from an alias, else ``null_as``.

        None if a record has no value at any of these. The dots of a path may also belong to keys.
        """
        values = self.values(field.path)
        if len(field.path) > 1 and None in values and field.path not in field.exact:
            values = self._from_dotted_keys(field.path, values)
        for alias in field.aliases:
            if None not in values:
                break
            others = self.values(alias)
            values = [o if v is None else v for v, o in zip(values, others, strict=True)]
            if len(alias) > 1 and None in values and alias not in field.exact:
                values = self._from_dotted_keys(alias, values)
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

    def _from_dotted_keys(self, path: Keys, values: list[Any]) -> list[Any]:
        """``values`` without the nulls for which a record has the value under keys with dots."""
        if not self._has_dotted_key(path):
            return values
        filled = list(values)
        for i, row in enumerate(self.records):
            if filled[i] is not None:
                continue
            for keys, value in splits(row, path):
                if keys != path:
                    self.dotted_keys.setdefault(i, {})[keys] = path
                if value is not None:
                    filled[i] = value
                    break
        return filled

    def _has_dotted_key(self, path: Keys) -> bool:
        """Whether any record has a key that is several keys of ``path``, joined by dots."""
        objects: Sequence[dict[str, Any]] = self.records
        for depth in range(len(path) - 1):
            if depth:
                key = path[depth - 1]
                objects = [o for row in objects if type(o := row.get(key)) is dict]
            for end in range(depth + 2, len(path) + 1):
                joined = ".".join(path[depth:end])
                if any([joined in o for o in objects]):  # noqa: C419  a list is twice as fast
                    return True
        return False


def value_at(row: Any, path: Keys) -> Any:
    """The value at a path of one record; None when the record has no such value."""
    for key in path:
        if type(row) is not dict:
            return None
        row = row.get(key)
    return row
