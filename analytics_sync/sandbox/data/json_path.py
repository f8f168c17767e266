"""Values by path. Repeats ``common/json_path.py`` on purpose: the oracle shares no code with it.

In: a record and a path of keys.
Out: the value at the path, or the record with another value there.
The sandbox is the oracle of the tests. A mistake in code that extraction shares would go unnoticed.
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
    """Set the value at ``path``; an object replaces every other value in the middle of the path."""
    for key in path[:-1]:
        child = record.get(key)
        if not isinstance(child, dict):
            child = record[key] = {}
        record = child
    record[path[-1]] = value


def drop(record: dict[str, Any], path: Path) -> None:
    """Remove the value at ``path``, if there is one."""
    parent = get(record, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
