"""Windows of whole UTC days.

In: the first day and the day after the last one. Out: the ``Window`` between their midnights.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from analytics_sync.common.window import Window


def day_window(first: date, end: date) -> Window:
    """The window from midnight of ``first`` to midnight of ``end``, in UTC."""
    return Window(midnight(first), midnight(end))


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
