"""Instants and days from text, by an explicit list of forms.

In: a text. Out: the instant in UTC, and whether the text says nothing finer; None for any other text.
docs/catalog.md lists the forms. A lenient parser would guess: ``datetime.fromisoformat`` reads
``1740121201234``, a number of milliseconds, as a day of the year 1740.

Arrow's cast of a whole column accepts a part of these forms, with the same meaning:
``YYYY-MM-DD[T ]hh[:mm[:ss[.ffffff]]]`` with ``Z`` or an offset, and ``YYYY-MM-DD`` for days.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from analytics_sync.common.window import EPOCH

Instant = tuple[datetime, bool]
"""An instant in UTC, and whether it is exactly the value that was sent."""

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"(?:[01][0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9](?:[.,]([0-9]+))?)?)?"
_OFFSET = r"[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?"
# Of the IANA database, names with an area only: an abbreviation such as CST has several meanings.
_ZONE = r"UTC|GMT|[A-Z][A-Za-z]*(?:/[A-Za-z0-9_+-]+)+"
_ISO = re.compile(
    rf"({_DAY})(?:[Tt ]({_TIME})"
    rf"(?: ?([Zz]|UTC|GMT|{_OFFSET}))?(?:\[({_ZONE})\]| ({_ZONE}))?)?"
)
# The most usual forms, in an expression that takes half the time.
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ](?!24)\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:[0-5]\d)?)?", re.ASCII
)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_INTERNET = re.compile(  # RFC 1123 and RFC 2822, as in HTTP and RSS
    rf"(?:({'|'.join(_WEEKDAYS)}), )?([0-9]{{1,2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?) "
    r"(?:(?:GMT|UTC|UT|Z|[+-]0000)(?: \((?:UTC|GMT)\))?|([+-](?:[01][0-9]|2[0-3])[0-5][0-9]))"
)
_UTC_NAMES = frozenset({"Z", "z", "UTC", "GMT"})
_EPOCH_TEXT = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,30})?")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_MICROSECOND_DIGITS = 6
_FINE = 2.0**33  # seconds: below, no two microseconds have the same double
# As milliseconds these numbers are early in 1970. As seconds they are 2001 to 2286.
_LIKELY_SECONDS = (10**9, 10**10)


def parse_day(text: str) -> date | None:
    """The day of a text ``YYYY-MM-DD``; None for any other text."""
    try:
        return date.fromisoformat(text) if _ISO_DAY.fullmatch(text) else None
    except ValueError:
        return None


def parse_instant(text: str) -> Instant | None:
    """The instant of a text in one of the accepted forms; None for any other text.

    A local time that its zone had twice, or never, is no instant. Neither is a text whose offset
    or weekday contradicts its zone or date. Digits after the microseconds are cut off.
    """
    try:
        if match := _USUAL.fullmatch(text):
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is not UTC:
                naive = instant.tzinfo is None
                instant = instant.replace(tzinfo=UTC) if naive else instant.astimezone(UTC)
            return instant, _is_micro(match[1])
        if match := _ISO.fullmatch(text):
            return _iso_instant(match)
        match = _INTERNET.fullmatch(text)
        return _internet_instant(match) if match else None
    except (ValueError, OverflowError):  # no such day, or a year that no warehouse has
        return None


def parse_epoch_text(text: str, unit: str) -> Instant | None:
    """The instant of digits, with or without a fraction; None for any other text."""
    return instant_of_epoch(Decimal(text), unit) if _EPOCH_TEXT.fullmatch(text) else None


def instant_of_epoch(number: float | Decimal, unit: str | None) -> Instant | None:
    """The instant of a count of units since 1970, rounded to microseconds.

    None for an instant that no warehouse has, and for a count of milliseconds that is a count of
    seconds by its size: the API may have changed the unit.

    Args:
        number: The count. A float counts as its shortest decimal text.
        unit: ``epoch_ms`` for milliseconds; anything else is seconds.
    """
    digits = 3 if unit == "epoch_ms" else _MICROSECOND_DIGITS
    if digits == 3 and _LIKELY_SECONDS[0] <= number < _LIKELY_SECONDS[1]:
        return None
    try:
        if isinstance(number, int):
            whole, rest = divmod(number, 1000) if digits == 3 else (number, 0)
            return EPOCH + timedelta(0, whole, rest * 1000), True
        if isinstance(number, float) and abs(number) < (_FINE * 1000 if digits == 3 else _FINE):
            seconds = number / 1000 if digits == 3 else number
            instant = datetime.fromtimestamp(seconds, UTC)
            return instant, instant.timestamp() == seconds
        exact = number if isinstance(number, Decimal) else Decimal(repr(number))
        micros = int(exact.scaleb(digits, _CONTEXT).to_integral_value(context=_CONTEXT))
        is_exact = Decimal(micros).scaleb(-digits, _CONTEXT) == exact
        return EPOCH + timedelta(microseconds=micros), is_exact
    except (ArithmeticError, ValueError):
        return None


def _is_micro(fraction: str | None) -> bool:
    """Whether a fraction of a second is a whole number of microseconds."""
    return fraction is None or not fraction[_MICROSECOND_DIGITS:].strip("0")


def _iso_instant(match: re.Match[str]) -> Instant | None:
    day, time, fraction, offset, bracketed, named = match.groups()
    local = f"{day}T{time}" if time else day
    is_exact = _is_micro(fraction)
    zone = bracketed or named
    if zone is None:
        if offset is None or offset in _UTC_NAMES:
            return datetime.fromisoformat(local).replace(tzinfo=UTC), is_exact
        return datetime.fromisoformat(local + offset).astimezone(UTC), is_exact
    naive = datetime.fromisoformat(local)
    possible = _instants_in_zone(naive, zone)
    if offset is None:
        return (possible.pop(), is_exact) if len(possible) == 1 else None
    if offset in _UTC_NAMES:
        instant = naive.replace(tzinfo=UTC)
        if bracketed and offset in "Zz" and _zone(zone):
            return instant, is_exact  # RFC 9557: after Z, the zone is for display
    else:
        instant = datetime.fromisoformat(local + offset).astimezone(UTC)
    return (instant, is_exact) if instant in possible else None


def _internet_instant(match: re.Match[str]) -> Instant | None:
    weekday, day, month, year, time, offset = match.groups()
    date_ = date(int(year), _MONTHS.index(month) + 1, int(day))
    if weekday and _WEEKDAYS[date_.weekday()] != weekday:
        return None
    return datetime.fromisoformat(f"{date_}T{time}{offset or 'Z'}").astimezone(UTC), True


def _instants_in_zone(local: datetime, name: str) -> set[datetime]:
    """The instants at which clocks in a zone show ``local``: none, one or two."""
    zone = _zone(name)
    if zone is None:
        return set()
    found = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {i for i in found if i.astimezone(zone).replace(tzinfo=None) == local}


def _zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None if the machine's database has no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
