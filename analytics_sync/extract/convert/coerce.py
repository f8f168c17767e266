"""Coercion of one value to its declared type.

In: a JSON value and a field. Out: ``(value, exact)``: the value for the column (None when it does
not fit) and whether nothing was lost. The caller keeps every value that is not exact in ``_extra``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.convert.instants import (
    instant_of_epoch,
    parse_day,
    parse_epoch_text,
    parse_instant,
)

Coerced = tuple[Any, bool]
_MISFIT: Coerced = (None, False)
_INTEGER = re.compile(r"^[+-]?\d{1,19}$")
INT64 = range(-(2**63), 2**63)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGNIFICANT_SIGN = re.compile(r"\+|-?0[0-9]")  # 007: its zeros may mean something
_WIDE_CONTEXT = Context(prec=50)  # the default 28 digits are fewer than the column's 38
_MAX_DECIMAL = Decimal(10) ** 29
# A lone surrogate has no UTF-8 form, and PostgreSQL stores no NUL, in text or in JSON.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def coerce(field: Field, value: Any) -> Coerced:
    """Coerce one value to the type of ``field``; None stays None."""
    return (None, True) if value is None else _COERCERS[field.data_type](field, value)


def coerce_key(field: Field, value: Any) -> Coerced:
    """Coerce one value of a primary key; in a text column, a number becomes its decimal text.

    A whole number with a fraction or an exponent (``1.0``, ``1e3``) has more than one text, so it
    does not fit.
    """
    if field.data_type == "text" and type(value) is int:
        return str(value), True
    if field.data_type == "text" and type(value) is float and not value.is_integer():
        text = repr(value)
        return (text, True) if "e" not in text else _MISFIT
    return coerce(field, value)


def _text(field: Field, value: Any) -> Coerced:
    if not isinstance(value, str):
        return (_scalar_text(value), True) if field.is_inferred and _is_scalar(value) else _MISFIT
    if not _UNSTORABLE.search(value):
        return value, True
    return value.replace("\0", "").encode("utf-8", "replace").decode(), False


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float | Decimal)


def _scalar_text(value: Any) -> str:
    """A number or a truth value as text, as the warehouse writes it when such a column becomes text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).lower()
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _bigint(_: Field, value: Any) -> Coerced:
    if isinstance(value, str) and _INTEGER.match(value):
        number = int(value)
        return (number, str(number) == value) if number in INT64 else _MISFIT
    limit = 2**53 if isinstance(value, float) else 2**63  # beyond, a double is not exact
    if isinstance(value, float | Decimal) and -limit < value < limit and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in INT64:
        return _MISFIT
    return value, True


def _double(_: Field, value: Any) -> Coerced:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
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
    if isinstance(value, int | float | Decimal):
        if field.is_inferred:  # nobody has said that numbers are times, and in which unit
            return _MISFIT
        return instant_of_epoch(value, field.format) or _MISFIT
    if not isinstance(value, str):
        return _MISFIT
    if field.format is not None and (found := parse_epoch_text(value, field.format)):
        return found
    return parse_instant(value) or _MISFIT


def _date(_: Field, value: Any) -> Coerced:
    day = parse_day(value) if isinstance(value, str) else None
    return _MISFIT if day is None else (day, True)


def _decimal(_: Field, value: Any) -> Coerced:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
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
    exact = rounded == number and not _SIGNIFICANT_SIGN.match(text)
    return (rounded, exact) if rounded.copy_abs() < _MAX_DECIMAL else _MISFIT


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
