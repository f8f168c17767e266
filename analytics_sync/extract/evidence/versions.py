"""Versions of one record: can rows of one key be versions, by their times of change?

In: rows that share a key, and whose cursor tells the time of the last change. Out: a ``Doubt``.

A listing names the current version of each record. So it can name an older version only before the newer
one exists. When the newer row had changed long before the older one was read, both are different records.
Clocks differ, replicas lag, and a time may lack its zone: such rows are in doubt, and only a few of them
can be versions. An API that lists all versions of a record needs the time of change in the primary key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from itertools import groupby, pairwise
from operator import attrgetter

from analytics_sync.common.window import EPOCH
from analytics_sync.extract.repeated_rows import RepeatedRow

_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
_CLOCKS_DIFFER_US = _HOUR_US // 12
_READ_TOGETHER_US = _HOUR_US  # one response takes no longer to come about
_READ_APART_US = 48 * _HOUR_US  # more than a time zone and a replica can explain


class Doubt(IntEnum):
    """Whether rows with different cursors are versions of one record."""

    NONE = 0
    """The newer version came to be after the older one was read."""
    SOME = 1
    """They may be, if few keys have such rows."""
    PROVEN = 2
    """They are different records."""


def judge_versions(rows: Sequence[RepeatedRow], is_certain: Callable[[int], bool]) -> Doubt:
    """The doubt whether rows of one key are versions of one record.

    Args:
        rows: The rows, with at least two cursors.
        is_certain: Whether exactly one response arrived at a time of reading.
    """
    by_cursor = sorted(rows, key=attrgetter("cursor"))
    doubt = _doubt(_ages(by_cursor), _CLOCKS_DIFFER_US, _READ_APART_US)
    # The sort is stable, so that the rows of a response stay in the order of their cursors.
    by_response = sorted(by_cursor, key=attrgetter("read_at"))
    for read_at, together in groupby(by_response, key=attrgetter("read_at")):
        if doubt is not Doubt.PROVEN and is_certain(read_at):
            doubt = max(doubt, _doubt(_ages(list(together)), None, _READ_TOGETHER_US))
    return doubt


def _ages(by_cursor: Sequence[RepeatedRow]) -> Iterable[int]:
    """For each version but the newest: how long the next one had existed when it was read.

    In microseconds, negative if the next one came to be later.
    """
    groups = [list(rows) for _, rows in groupby(by_cursor, key=attrgetter("cursor"))]
    for older, newer in pairwise(groups):
        yield max(row.read_at for row in older) - _latest_us(newer[0].cursor)


def _doubt(ages: Iterable[int], most_certain: int | None, most_doubtful: int) -> Doubt:
    """The doubt of the oldest age.

    Args:
        ages: Ages in microseconds.
        most_certain: Up to this age there is no doubt; None leaves a doubt at any age.
        most_doubtful: Beyond this age the rows are proven to be different records.
    """
    age = max(ages, default=None)
    if age is None:
        return Doubt.NONE
    if age > most_doubtful:
        return Doubt.PROVEN
    return Doubt.NONE if most_certain is not None and age <= most_certain else Doubt.SOME


def _latest_us(cursor: date) -> int:
    """The last microsecond since 1970 that a cursor may mean: a midnight may stand for its day."""
    if not isinstance(cursor, datetime):
        cursor = datetime.combine(cursor, time(), UTC)
    day_us = 24 * _HOUR_US if cursor.time() == time() else 0
    return (cursor - EPOCH) // _MICROSECOND + day_us
