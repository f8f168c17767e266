"""The values of SQLite columns: texts that compare as the values do, and come back as they were.

In: Python values. Out: what SQLite stores, and the values again. SQLite has no type for instants, days, truth
values and decimals, and its NUMERIC makes doubles of decimals. So an instant is always in UTC, with six digits
of its second: such texts sort as the instants do. A decimal has all its digits and no zeros at its end.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

# The affinity of a type follows from a part of its name: TEXT keeps texts that look like numbers.
TYPES = {
    "text": "TEXT",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOL",
    "timestamp": "TIMESTAMPTZ_TEXT",
    "date": "DATE_TEXT",
    "decimal": "DECIMAL_TEXT(38,9)",
    "wei": "DECIMAL_TEXT(38,0)",
    "json": "JSON_TEXT",
    "time": "TIME_TEXT",
    "binary": "BLOB",
}
"""The type of a column by dlt's data type."""
_EXACT_INTEGERS = 2**53
_PLACES, _DIGITS = 9, 38


def to_stored(value: Any) -> Any:
    """A value as SQLite stores it. A list becomes JSON, for ``json_each``."""
    if isinstance(value, datetime):
        instant = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return instant.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return plain_digits(format(value, "f"))
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, list) else value


def plain_digits(text: str) -> str:
    """A decimal number without zeros at the end of its fraction, and without a negative zero."""
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def register_converters() -> None:
    """Let connections that ask for it return the values of these columns, not their texts."""
    converters: Mapping[str, Callable[[bytes], Any]] = {
        "TIMESTAMPTZ_TEXT": lambda data: datetime.fromisoformat(data.decode()),
        "DATE_TEXT": lambda data: date.fromisoformat(data.decode()),
        "DECIMAL_TEXT": lambda data: Decimal(data.decode()),
        "BOOL": lambda data: data != b"0",
    }
    for name, convert in converters.items():
        sqlite3.register_converter(name, convert)


def widened(value: Any, real: str, wanted: str) -> Any:
    """A stored value in a wider type; None if it would be another value there.

    Args:
        value: The stored value.
        real: The type of its column, as in ``TYPES``.
        wanted: The wider type.
    """
    if value is None or real == wanted:
        return value
    match real.partition("(")[0], wanted.partition("(")[0]:
        case "BIGINT", "TEXT" | "DECIMAL_TEXT":
            return str(value)
        case "BIGINT", "DOUBLE":
            return float(value) if int(float(value)) == value else None
        case "DOUBLE", "TEXT":
            return plain_digits(repr(value)) if _has_its_digits(value) else None
        case "DOUBLE", "DECIMAL_TEXT":
            digits = Decimal(repr(value))
            return to_stored(digits) if _has_its_digits(value) and _fits(digits) else None
        case "DECIMAL_TEXT", "TEXT" | "DECIMAL_TEXT":
            return value
        case "DATE_TEXT", "TIMESTAMPTZ_TEXT":
            return f"{value} 00:00:00.000000+00:00"
        case "BOOL", "TEXT":
            return "true" if value else "false"
        case "TEXT", "JSON_TEXT":
            try:
                json.loads(value)
            except ValueError:
                return None
            return value
    return None


def is_wider(real: str, wanted: str, *, is_inferred: bool) -> bool:
    """Whether a type may be widened to another one, value by value."""
    pair = real.partition("(")[0], wanted.partition("(")[0]
    return pair in _WIDER or (is_inferred and pair in _WIDER_IF_INFERRED)


_WIDER = frozenset(
    {
        ("BIGINT", "TEXT"),
        ("BIGINT", "DECIMAL_TEXT"),
        ("BIGINT", "DOUBLE"),
        ("DOUBLE", "TEXT"),
        ("DOUBLE", "DECIMAL_TEXT"),
        ("DECIMAL_TEXT", "TEXT"),
        ("DATE_TEXT", "TIMESTAMPTZ_TEXT"),
    }
)
_WIDER_IF_INFERRED = frozenset({("BOOL", "TEXT"), ("TEXT", "JSON_TEXT")})


def _has_its_digits(value: float) -> bool:
    """Whether the shortest digits of a double are the double: a larger one may have lost digits."""
    return abs(value) < _EXACT_INTEGERS or Decimal(value) == Decimal(repr(value))


def _fits(digits: Decimal) -> bool:
    exponent = digits.as_tuple().exponent
    return (
        isinstance(exponent, int)
        and exponent >= -_PLACES
        and abs(digits) < 10 ** (_DIGITS - _PLACES)
    )
