"""The kind of a cursor: whether the time that windows are cut on may change in a record.

In: the declaration of a resource. Out: a ``CursorKind``. A time of creation is in a record once and for
all, so that a key with another time is the key of another record. A time of change moves.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from analytics_sync.catalog import Resource

_CHANGED = re.compile(r"updat|modif|changed|edited|revision|version", re.IGNORECASE)
_LAST = re.compile(r"(^|_)(last|latest|recent|seen|activity|touched|synced)(_|$)")  # of a column
_CREATED = re.compile(r"creat(ed|ion)", re.IGNORECASE)


class CursorKind(Enum):
    """What the cursor of a record is."""

    FIXED = auto()
    """It never changes, as a time of creation or the day of a report."""
    CHANGES = auto()
    """It is the time of the last change."""
    UNKNOWN = auto()
    """The declaration does not say so, and neither does a name."""


def cursor_kind(resource: Resource) -> CursorKind:
    """The kind of a resource's cursor: as declared, else by the names of field and parameter."""
    if resource.cursor is None or resource.incremental is None:
        return CursorKind.UNKNOWN
    if (changes := resource.incremental.cursor_changes) is not None:
        return CursorKind.CHANGES if changes else CursorKind.FIXED
    if is_creation(resource.cursor.name):
        return CursorKind.FIXED
    names = (resource.cursor.name, resource.incremental.start_param or "")
    if any(_CHANGED.search(name) for name in names) or _LAST.search(resource.cursor.column):
        return CursorKind.CHANGES
    return CursorKind.UNKNOWN


def is_creation(name: str) -> bool:
    """Whether a field is a time of creation, by its name."""
    return _CREATED.search(name) is not None
