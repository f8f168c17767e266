"""Timestamps of the sandbox: whole milliseconds since 1970, UTC.

In: dates, datetimes and declared fields.
Out: milliseconds, and the text or number that an API writes for them.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analytics_sync.catalog import Field

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1)


def now_ms() -> int:
    """The current time in milliseconds."""
    return time.time_ns() // 1_000_000


def to_ms(moment: date | datetime) -> int:
    """Milliseconds of a datetime (UTC if it has no offset) or of a day's first instant."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    elif moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(ms: int) -> datetime:
    """The datetime of ``ms``, with the time zone UTC."""
    return (_EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=UTC)


def iso(ms: int) -> str:
    """The ISO 8601 text of ``ms`` in UTC, with milliseconds and ``Z``."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def read(field: Field, value: Any) -> int | None:
    """The milliseconds of a value that ``spell`` wrote; None for any other value."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return round(value if field.format == "epoch_ms" else value * 1000)
        return to_ms(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return None


def unit_ms(field: Field) -> int:
    """The precision of a field, in milliseconds."""
    if field.data_type == "date":
        return DAY_MS
    whole_seconds = field.data_type == "bigint" or field.format == "epoch_s"
    return 1000 if whole_seconds and field.format != "epoch_ms" else 1


def spell(field: Field, ms: int) -> str | int | float:
    """The instant in the format that the field declares: ISO text, a date, or an epoch number."""
    if field.data_type == "date":
        return iso(ms)[:10]
    if field.format == "epoch_ms":
        return ms
    if field.format == "epoch_s" or field.data_type == "bigint":
        return ms // 1000
    if field.data_type in {"double", "decimal"}:
        return ms / 1000
    return iso(ms)
