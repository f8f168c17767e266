"""Dotted places in nested records.

In: a record and a path of keys. Out: the value there, or the record with a value put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Path = tuple[str, ...]
ABSENT: Final = object()


def get(record: Any, path: Path) -> Any:
    """The value at ``path``; ``ABSENT`` where a key is missing."""
    for key in path:
        if not isinstance(record, Mapping) or key not in record:
            return ABSENT
        record = record[key]
    return record


def get_or_none(record: Any, path: Path) -> Any:
    """The value at ``path``; None where it is null or missing."""
    value = get(record, path)
    return None if value is ABSENT else value


def put(record: dict[str, Any], path: Path, value: Any) -> None:
    """Set ``path``, making the objects on the way; what is no object on the way is replaced."""
    for key in path[:-1]:
        below = record.get(key)
        if not isinstance(below, dict):
            below = record[key] = {}
        record = below
    record[path[-1]] = value


def drop(record: dict[str, Any], path: Path) -> None:
    """Remove ``path`` if it is there."""
    holder = get(record, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
