"""The times of one record in a plausible order: created, started, then finished and updated, then archived.

In: the fields of a resource. Out: for a field, the distance of its instant from the record's instant.
A record lives for a time that depends on its number. Each field stands at a share of that time. The
record's instant is its cursor; without a cursor, it is the time of its creation.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from analytics_sync.catalog import Field, Resource

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
# (names of fields, share of the record's time); the first pattern that matches counts
_SHARES = tuple(
    (re.compile(pattern), share)
    for pattern, share in (
        (r"archive|delete|cancel", 1.0),
        (r"trial_end|expir|renew", 2.0),
        (r"impact_start", -0.05),
        (r"creat|regist|first|born", 0.0),
        (r"queue|detect", 0.02),
        (r"install|declared|accept", 0.05),
        (r"publish.*updat", 0.95),
        (r"start|begin|begun", 0.1),
        (r"publish|sent", 0.3),
        (r"experiment|shipped", 0.5),
        (r"unlimit|paid", 0.6),
        (r"last_|lastse|login|seen", 0.9),
        (r"updat|modif|chang", 1.0),
        (r"finish|stop|end(ed)?_?(at)?$|close|resolve|complete|done|deliver", 1.0),
    )
)
_ENDS = re.compile(r"finish|stop|^end(ed)?(_?at)?$|close|resolve|complete|impact_end")
_RARE = re.compile(r"archive|delete|cancel")
_INSTANT = re.compile(
    r"(_at|At|_time|_date|date)$|^(created?|modified|updated|start|end|canceled)$|^period"
)


class Lifetimes:
    """How long the records of one resource live, and where in that time each field stands.

    Args:
        resource: The resource; its cursor is the instant of a record.
        fields: All fields of its records.
    """

    def __init__(self, resource: Resource, fields: Collection[Field]) -> None:
        cursor = resource.cursor
        self._origin = share_of(last_name(cursor)) if cursor is not None else 0.0
        is_job = any(_ENDS.search(last_name(field).lower()) for field in fields)
        has_own_time = resource.incremental is not None or resource.parent is not None
        # A job that began just now must not end far in the future; a document is changed for months.
        self._is_short = is_job or (has_own_time and self._origin < 0.9)
        self._is_incident = any("resolve" in last_name(field).lower() for field in fields)
        self._lengths = tuple(map(self._length, range(1024)))

    def length(self, number: int) -> int:
        """How long the record lives, in milliseconds."""
        return self._lengths[number * 0x9E3779B1 >> 12 & 1023]

    def _length(self, part: int) -> int:
        """Most times are short, some are long; ``part`` is from 0 to 1023."""
        if not self._is_short:
            return _HOUR_MS + part * part * 18_000
        short = 45_000 + part * part * part // 450
        return short * 5 if self._is_incident else short

    def share(self, field: Field) -> float:
        """The distance of a field from the record's instant, as a share of the record's time."""
        return share_of(last_name(field)) - self._origin


def is_open(number: int) -> bool:
    """Whether a record has not ended: an eighth of the jobs still runs."""
    return not number * 0xD6E8FEB9 >> 15 & 7


def share_of(name: str) -> float:
    """The share of a record's time at which a field of this name stands."""
    low = name.lower()
    return next((share for pattern, share in _SHARES if pattern.search(low)), 0.0)


def ends(field: Field) -> bool:
    """Whether the field says when the record ended; it is null while the record is open."""
    return _ENDS.search(last_name(field).lower()) is not None


def is_rare(field: Field) -> bool:
    """Whether most records have no value: those that nobody has archived, deleted or canceled."""
    return _RARE.search(last_name(field).lower()) is not None


def is_instant(field: Field) -> bool:
    """Whether a plain number is an instant, judged by its name; it counts seconds."""
    return _INSTANT.search(last_name(field)) is not None


def last_name(field: Field) -> str:
    """The innermost name of a field."""
    return next(step for step in reversed(field.path) if isinstance(step, str))
