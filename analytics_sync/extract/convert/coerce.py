"""Coercion of one value to its declared type.

In: a JSON value and a field. Out: ``(value, exact)``: the value for the column (None when it does
not fit) and whether nothing was lost. The caller keeps every value that is not exact in ``_extra``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.common.exact_json import dumps

Coerced = tuple[Any, bool]
_MISFIT: Coerced = (None, False)
_INTEGER = re.compile(r"^[+-]?\d{1,19}$")
_INT64 = range(-(2**63), 2**63)
_FRACTION = re.compile(r"[.,](\d+)")
# datetime.fromisoformat accepts any character between the day and the hour
_TIMESTAMP_CHARACTERS = re.compile(r"[0-9:.,+TtZzW -]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WIDE_CONTEXT = Context(prec=50)  # the default 28 digits are fewer than the column's 38
_MAX_DECIMAL = Decimal(10) ** 29
# A lone surrogate has no UTF-8 form, and PostgreSQL stores no NUL, in text or in JSON.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def coerce(field: Field, value: Any) -> Coerced:
    """Coerce one value to the type of ``field``; None stays None."""
    return (None, True) if value is None else _COERCERS[field.data_type](field, value)


def _text(_: Field, value: Any) -> Coerced:
    if not isinstance(value, str):
        return _MISFIT
    if not _UNSTORABLE.search(value):
        return value, True
    return value.replace("\0", "").encode("utf-8", "replace").decode(), False


def _bigint(_: Field, value: Any) -> Coerced:
    if isinstance(value, str) and _INTEGER.match(value):
        number = int(value)  # 007 is not exact: its zeros may mean something
        return (number, str(number) == value) if number in _INT64 else _MISFIT
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
        return _MISFIT
    return value, True


def _double(_: Field, value: Any) -> Coerced:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _MISFIT
    try:
        number = float(value)
    except OverflowError:
        return _MISFIT
    return (number, number == value) if math.isfinite(number) else _MISFIT


def _bool(_: Field, value: Any) -> Coerced:
    return (value, True) if isinstance(value, bool) else _MISFIT


def _timestamp(field: Field, value: Any) -> Coerced:
    if isinstance(value, bool):
        return _MISFIT
    if isinstance(value, int | float):
        scale = 1000 if field.format == "epoch_ms" else 1
        try:
            instant = datetime.fromtimestamp(value / scale, UTC)
            return instant, instant.timestamp() == value / scale
        except (OverflowError, ValueError, OSError):
            return _MISFIT
    if not isinstance(value, str):
        return _MISFIT
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return _MISFIT
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    fraction = _FRACTION.search(value)
    exact = fraction is None or not fraction[1][6:].strip("0")
    exact = exact and _TIMESTAMP_CHARACTERS.fullmatch(value) is not None
    try:
        return instant.astimezone(UTC), exact
    except OverflowError:
        return _MISFIT


def _date(_: Field, value: Any) -> Coerced:
    try:
        return (date.fromisoformat(value), True) if isinstance(value, str) else _MISFIT
    except ValueError:
        return _MISFIT


def _decimal(_: Field, value: Any) -> Coerced:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _MISFIT
    text = str(value)
    if not _NUMBER.fullmatch(text):  # Decimal ignores spaces and underscores
        return _MISFIT
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _MISFIT
    if number.copy_abs() >= _MAX_DECIMAL:  # abs() would round, or raise for 1e1000000
        return _MISFIT
    rounded = number.quantize(Decimal("1e-9"), context=_WIDE_CONTEXT)
    return (rounded, rounded == number) if rounded.copy_abs() < _MAX_DECIMAL else _MISFIT


def _json(_: Field, value: Any) -> Coerced:
    return dumps(value), True


_COERCERS: dict[str, Callable[[Field, Any], Coerced]] = {
    "text": _text,
    "bigint": _bigint,
    "double": _double,
    "bool": _bool,
    "timestamp": _timestamp,
    "date": _date,
    "decimal": _decimal,
    "json": _json,
}
