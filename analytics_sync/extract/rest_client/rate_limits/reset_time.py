"""A reset time: a delay or an instant in the spelling of an API -> seconds from now.

In: the text of a header or a body. Out: seconds; None for text that names no time. APIs write seconds,
milliseconds, times since 1970 in either (and finer), ISO 8601, HTTP dates and ``1m30s``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_WAIT_SECONDS = 3600.0
"""The longest wait before a retry. A longer one is a mistake, or the run is better repeated later."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
# the smallest time since 1970 in each unit, and the units in a second
_SINCE_1970 = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e9, 1.0))
_MAX_SINCE_1970 = 1e20
_UNIT_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
    "d": 86_400.0, "msec": 1e-3, "millisecond": 1e-3, "sec": 1.0, "second": 1.0, "min": 60.0,
    "minute": 60.0, "hour": 3600.0, "day": 86_400.0,
}  # fmt: skip
_PART = re.compile(r"\s*(\d{1,30}(?:\.\d{1,30})?)\s*([a-zµμ]{1,11})", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)
_ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.{0,30}")
_MAX_CHARACTERS = 100


def seconds_until(text: str, now: float, *, milliseconds: bool = False) -> float | None:
    """The seconds from now that a text names; an instant in the past gives a negative number.

    A large number is a time since 1970, because no API asks to wait for thirty years.

    Args:
        text: The delay or instant.
        now: Seconds since 1970.
        milliseconds: Whether a small number counts milliseconds.
    """
    text = text.strip().strip('"').strip()
    if len(text) > _MAX_CHARACTERS:
        return None
    if _NUMBER.fullmatch(text):
        return _from_number(float(text), now, 1e-3 if milliseconds else 1.0)
    for duration in (_iso_duration(text), _duration(text.lower())):
        if duration is not None:
            return duration
    instant = _instant(text)
    return None if instant is None else instant - now


def bounded(seconds: float | None) -> float | None:
    """The delay itself if a run can wait for it; None for a mistake, and for more than an hour."""
    return seconds if seconds is not None and 0 <= seconds <= MAX_WAIT_SECONDS else None


def _from_number(number: float, now: float, unit_seconds: float) -> float | None:
    if number < 0 or number >= _MAX_SINCE_1970:
        return None
    for smallest, per_second in _SINCE_1970:
        if number >= smallest:
            return number / per_second - now
    return number * unit_seconds


def _duration(text: str) -> float | None:
    """The seconds of ``1m30s``, ``250ms`` or ``30 seconds``."""
    seconds, end = 0.0, 0
    while end < len(text):
        part = _PART.match(text, end)
        unit = part and (_UNIT_SECONDS.get(part[2]) or _UNIT_SECONDS.get(part[2].rstrip("s")))
        if part is None or not unit:
            return None
        seconds += float(part[1]) * unit
        end = part.end()
    return seconds if end else None


def _iso_duration(text: str) -> float | None:
    """The seconds of ``PT1M30S``."""
    found = _ISO_DURATION.fullmatch(text.upper())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


def _instant(text: str) -> float | None:
    """The time since 1970 of ISO 8601 text or of an HTTP date; without a zone it is in UTC."""
    try:
        if _ISO_INSTANT.fullmatch(text):
            plain = re.sub(r"\s*(?:UTC|GMT|Z)$", "+00:00", text, flags=re.IGNORECASE)
            instant = datetime.fromisoformat(plain)
        else:
            instant = parsedate_to_datetime(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        return instant.timestamp()
    except (ValueError, OverflowError):
        return None
