"""The days of a run, as somebody types them.

In: ``A..B``, one day, or a number of days up to today. Out: the first and the last partition of a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dagster import TimeWindowPartitionsDefinition

from analytics_sync.commands.usage import WrongUsage

_EXPECTED = "expected A..B such as 2026-03-01..2026-03-07, one day, or a number of days up to today"
_MAX_DAYS = 100_000


class WrongDays(WrongUsage):
    """These are no days, or no partition is in them."""


@dataclass(frozen=True)
class Days:
    """A range of days.

    Attributes:
        first: The first day.
        last: The last day.
        text: As it was typed.
    """

    first: date
    last: date
    text: str

    @classmethod
    def parse(cls, text: str) -> Days:
        """The days of a text.

        Raises:
            WrongDays: It is no such text.
        """
        if text.isdecimal() and len(text) < len("20260301"):
            count = int(text)
            if not 0 < count < _MAX_DAYS:
                raise WrongDays(f"--days {text}: {_EXPECTED}.")
            today = datetime.now(UTC).date()
            return cls(today - timedelta(days=count - 1), today, text)
        first, dots, last = text.partition("..")
        try:
            begin = date.fromisoformat(first)
            end = date.fromisoformat(last.removeprefix(".")) if dots else begin
        except ValueError as e:
            raise WrongDays(f"--days {text}: {_EXPECTED}.") from e
        if end < begin:
            raise WrongDays(f"--days {text}: the last day is before the first. Swap them.")
        return cls(begin, end, text)


def keys_of(partitions: TimeWindowPartitionsDefinition, days: Days | None) -> tuple[str, str]:
    """The first and the last partition that has a part of the days.

    Args:
        partitions: The partitions.
        days: The days; None for the newest partition that is over.

    Raises:
        WrongDays: There is no such partition.
    """
    if days is None:
        now = datetime.now(UTC)
        for key in reversed(partitions.get_partition_keys()):
            if partitions.time_window_for_partition_key(key).end <= now:
                return key, key
        raise WrongDays("no partition is over yet. Name the days with --days, or set a start date.")
    zone = ZoneInfo(partitions.timezone)
    begin = datetime.combine(days.first, time.min, zone)
    end = datetime.combine(days.last + timedelta(days=1), time.min, zone)
    keys = partitions.get_partition_keys()
    windows = ((key, partitions.time_window_for_partition_key(key)) for key in keys)
    found = [key for key, window in windows if window.start < end and window.end > begin]
    if not found:
        span = f"the partitions are {keys[0]} to {keys[-1]}" if keys else "there is none"
        raise WrongDays(
            f"--days {days.text}: no partition is in these days; {span}. Name other days, or set "
            "ANALYTICS_SYNC__START_DATE."
        )
    return found[0], found[-1]
