"""The format of window bounds: their unit, and the time zone in which an API reads them.

In: ``param_format`` and ``time_zone`` of a catalog file. Out: the smallest step of a bound, and a time
zone. A bound with an offset means the same instant everywhere. A bound without one does not.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

WESTERNMOST = timezone(timedelta(hours=-12))
EASTERNMOST = timezone(timedelta(hours=14))

FORMATS = {
    "iso": timedelta(seconds=1),
    "iso_ms": timedelta(milliseconds=1),
    "date": timedelta(days=1),
    "epoch_s": timedelta(seconds=1),
    "epoch_ms": timedelta(milliseconds=1),
}
"""The named formats, and the smallest step of each."""

_DIRECTIVE = re.compile(r"%[-_0^#:]*([A-Za-z%])")
_UNITS = (
    ("f", timedelta(milliseconds=1)),
    ("STcXrs", timedelta(seconds=1)),
    ("MR", timedelta(minutes=1)),
    ("H", timedelta(hours=1)),
)
_WRITTEN_OFFSET = re.compile(
    r"(?<!%)(?:Z|UTC|GMT|(?:(?<=[SfMHTXR])|(?<=:\d\d)|(?<=\s))([+-])(\d\d):?(\d\d)?)$"
)
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{1,2})(?::?(\d\d))?")
_DURATION = re.compile(
    r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_MAX_LOOKBACK = timedelta(days=366)
_DURATION_UNITS = ("weeks", "days", "hours", "minutes", "seconds")


def directives(pattern: str) -> set[str]:
    """The letters of the strftime directives of a pattern."""
    return set(_DIRECTIVE.findall(pattern))


def unit_of(param_format: str) -> timedelta:
    """The smallest step that bounds in this format can express."""
    if unit := FORMATS.get(param_format):
        return unit
    found = directives(param_format)
    return next((unit for letters, unit in _UNITS if found & set(letters)), timedelta(days=1))


def offset_of(param_format: str) -> tzinfo | None:
    """The offset that bounds in this format carry; None when they carry none.

    ``%z`` and ``%Z`` spell the offset of any zone, UTC by default. A pattern may also end in a written
    offset, such as ``Z`` or ``-08:00``.
    """
    if param_format in FORMATS:
        return None if param_format == "date" else UTC
    if directives(param_format) & {"z", "Z"}:
        return UTC
    written = _WRITTEN_OFFSET.search(param_format)
    if written is None:
        return None
    return _fixed(*written.groups()) if written[1] else UTC


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name such as ``Europe/Berlin`` or of an offset such as ``+09:00``.

    Raises:
        ValueError: There is no such zone.
    """
    if name in {"UTC", "Z"}:
        return UTC
    try:
        if match := _OFFSET.fullmatch(name):
            return _fixed(*match.groups())
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"expected an IANA time zone such as Europe/Berlin, or an offset such as '+09:00', found {name!r}"
        ) from None


def duration_of(text: str) -> timedelta:
    """The length of an ISO 8601 duration of weeks, days, hours, minutes and seconds.

    Raises:
        ValueError: The text is no such duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected seconds or a duration such as PT24H or P7D, found {text!r}")
    parts = zip(_DURATION_UNITS, match.groups(), strict=True)
    return timedelta(**{unit: float(number) for unit, number in parts if number})


def _fixed(sign: str, hours: str, minutes: str | None) -> timezone:
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)


def days_back(value: Any) -> Any:
    """A length of time before now: a number of days, or an ISO 8601 duration.

    Raises:
        ValueError: The value is neither, or too long.
    """
    text = str(value)
    try:
        found = timedelta(days=int(text)) if re.fullmatch(r"\d{1,3}", text) else duration_of(text)
    except ValueError:
        found = timedelta()
    if not timedelta() < found <= _MAX_LOOKBACK:
        raise ValueError(
            f"expected a number of days from 1 to {_MAX_LOOKBACK.days}, or a duration such as P3D, "
            f"found {value!r}"
        )
    return found
