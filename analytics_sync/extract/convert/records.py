"""Records of one batch, read by path.

In: decoded JSON objects. Out: the values of one path, a list as long as the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Keys = tuple[str, ...]
"""A path: the keys from the record down."""


class Records:
    """Records as rows.

    Args:
        records: Objects all.
    """

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self.records = records
        self.lack = False
        """Whether some record lacks a key, one deep, that was asked for."""

    def __len__(self) -> int:
        return len(self.records)

    def values(self, path: Keys) -> list[Any]:
        """The value of each record; None where there is none."""
        if len(path) == 1:
            key = path[0]
            try:
                return [row[key] for row in self.records]
            except KeyError:
                self.lack = True
                return [row.get(key) for row in self.records]
        if len(path) == 2:  # common enough to be fast
            outer, inner = path
            return [
                o.get(inner) if type(o := row.get(outer)) is dict else None for row in self.records
            ]
        return [at(row, path) for row in self.records]


def at(row: Any, path: Keys) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        if type(row) is not dict:
            return None
        row = row.get(key)
    return row
