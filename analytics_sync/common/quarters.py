"""Quarters of an hour: the times of records, as windows that tell which partitions they are in.

In: the cursors of some records. Out: windows. A partition begins at a whole quarter of an hour in every time
zone, so that a quarter of an hour is in one partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from analytics_sync.common.window import EPOCH, Window

QUARTER = timedelta(minutes=15)


def quarter_of(cursor: object) -> datetime | None:
    """The begin of the quarter of an hour in which a cursor is, in UTC; None if the cursor is no time.

    Args:
        cursor: A time, a date, or the text of one in ISO 8601. A time without a zone is in UTC.
    """
    if isinstance(cursor, str):
        try:
            cursor = datetime.fromisoformat(cursor)
        except ValueError:
            return None
    if not isinstance(cursor, date):
        return None
    at = cursor if isinstance(cursor, datetime) else datetime.combine(cursor, time.min)
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return at - (at - EPOCH) % QUARTER


def windows_around(cursors: Iterable[object]) -> list[Window] | None:
    """The quarters of an hour of some cursors, joined where they touch; None if one is no time."""
    quarters: set[datetime] = set()
    for cursor in cursors:
        quarter = quarter_of(cursor)
        if quarter is None:
            return None
        quarters.add(quarter)
    return joined(quarters)


def joined(quarters: Iterable[datetime]) -> list[Window]:
    """Quarters of an hour, by their begins in UTC, joined where they touch."""
    found: list[Window] = []
    for quarter in sorted(quarters):
        end = quarter + QUARTER
        if found and found[-1].end == quarter:
            found[-1] = Window(found[-1].start, end)
        else:
            found.append(Window(quarter, end))
    return found
