"""The values of MariaDB columns on their way to the server and back, for PyMySQL.

In: Python values. Out: what PyMySQL sends, and the values again. A decimal is sent with all its digits, because
MariaDB takes ``1E-9`` for a double. An instant is sent in UTC, and comes back with its zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pymysql import converters
from pymysql.constants import FIELD_TYPE


def _instant(value: datetime, _: Any = None) -> str:
    instant = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return f"'{instant.isoformat(sep=' ', timespec='microseconds')}'"


def _day(value: date, _: Any = None) -> str:
    return f"'{value.isoformat()}'"


def _digits(value: Decimal, _: Any = None) -> str:
    return format(value, "f")


def _read_instant(text: str) -> Any:
    found = converters.convert_datetime(text)
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else found


def _read_bool(text: str) -> Any:
    return {"0": False, "1": True}.get(text, int(text))


CONVERTERS: Mapping[Any, Callable[..., Any]] = {
    **converters.conversions,
    datetime: _instant,
    date: _day,
    Decimal: _digits,
    FIELD_TYPE.DATETIME: _read_instant,
    FIELD_TYPE.TIMESTAMP: _read_instant,
    FIELD_TYPE.TINY: _read_bool,
}
"""PyMySQL's converters, with ours."""
