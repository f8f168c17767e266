"""Calls that give a time: of ``datetime``, ``time``, ``pendulum`` and dlt.

In: the name of a function and its arguments. Out: a ``Moment``, or ``Code`` for a time in another zone than UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime

from analytics_sync.catalog.from_python.values import Code, Known, Moment, Value

_NOW = frozenset({
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "pendulum.now", "pendulum.today",
    "pendulum.yesterday", "time.time",
})  # fmt: skip
_AT = frozenset({"datetime", "datetime.datetime", "datetime.date", "date", "pendulum.datetime"})
_PARSED = frozenset(
    {"datetime.fromisoformat", "pendulum.parse", "date.fromisoformat", "ensure_pendulum_datetime"}
)
_FROM_NUMBER = frozenset({"fromtimestamp", "utcfromtimestamp", "from_timestamp"})
_ZONES = ("tzinfo", "tz")
_OTHER_ZONE = "a time in another zone than UTC"
_TO_NUMBER = frozenset({"mktime", "timegm"})
_TWO = 2
_LENGTHS = frozenset({"timedelta", "relativedelta", "duration"})
LONGEST = 40
"""The length of a text that is read as a time or as a number."""


def known_time(
    name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    """``datetime(2025, 1, 1)``, ``datetime.now()`` and their like; None for another function.

    Args:
        name: The name with its module.
        arguments: Positional arguments.
        keywords: Named arguments.
        line: The line of the call.
    """
    tail = ".".join(name.split(".")[-2:])
    last = name.rpartition(".")[2]
    if tail in _NOW:
        pattern = "epoch_s" if tail == "time.time" else "date" if tail == "date.today" else None
        return Value(Moment(None, pattern), line)
    if last in _LENGTHS:
        return Value(Moment(), line)
    plain = [a.data for a in arguments]
    named = {k: v.data for k, v in keywords.items() if k not in _ZONES}
    zones = [v for k, v in keywords.items() if k in _ZONES and v.data is not None]
    if last in _FROM_NUMBER:
        zones += arguments[1:2]
    is_time = tail in _AT | _PARSED or last in _FROM_NUMBER
    if is_time and not all(_is_utc(zone) for zone in zones):
        return Value(Code(_OTHER_ZONE, line), line)
    try:
        numbers = (*plain, *named.values())
        if tail in _AT and len(numbers) >= 3 and all(isinstance(p, int) for p in numbers):
            if last == "date":
                return Value(Moment(datetime(*plain, **named), "date"), line)
            zone = UTC if zones or name.endswith("pendulum.datetime") else None
            return Value(Moment(datetime(*plain, **named).replace(tzinfo=zone)), line)
        if last in _FROM_NUMBER and plain and isinstance(plain[0], int | float):
            fixed = datetime.fromtimestamp(plain[0], UTC)
            is_aware = bool(zones) or last == "from_timestamp"
            return Value(Moment(fixed if is_aware else fixed.replace(tzinfo=None)), line)
        if last == "strptime" and len(plain) == _TWO and all(isinstance(p, str) for p in plain):
            return _parsed(datetime.strptime(str(plain[0]), str(plain[1])), line)
        if last in _TO_NUMBER and isinstance(plain[0], Moment) and plain[0].fixed:
            return Value(int(plain[0].fixed.replace(tzinfo=UTC).timestamp()), line)
        if tail in _PARSED and plain and isinstance(plain[0], str) and len(plain[0]) < LONGEST:
            if tail == "date.fromisoformat":
                return Value(Moment(datetime.fromisoformat(plain[0]), "date"), line)
            fixed = datetime.fromisoformat(plain[0])
            is_aware = tail.startswith("pendulum.") or last == "ensure_pendulum_datetime"
            return _parsed(fixed.replace(tzinfo=fixed.tzinfo or UTC) if is_aware else fixed, line)
    except (TypeError, ValueError, OverflowError, OSError, IndexError):
        return Value(Code("a time that cannot be read", line), line)
    return None


def _parsed(fixed: datetime, line: int) -> Value:
    return Value(Code(_OTHER_ZONE, line) if fixed.utcoffset() else Moment(fixed), line)


def _is_utc(zone: Value) -> bool:
    name = zone.data.last if isinstance(zone.data, Known) else zone.data
    return isinstance(name, str) and name.lower() == "utc"
