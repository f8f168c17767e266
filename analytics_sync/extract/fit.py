"""One value -> its declared type, exactly or not at all.

In: a JSON value and a field. Out: ``(value, exact)``: the value for the column (None when it does
not fit) and whether nothing was lost. Whatever is not exact is kept in ``_extra`` by the caller.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import orjson

from analytics_sync.spec import Field

Fitted = tuple[Any, bool]
_NO: Fitted = (None, False)
_INTEGER = re.compile(r"^[+-]?\d{1,19}$")
_INT64 = range(-(2**63), 2**63)
_FRACTION = re.compile(r"[.,](\d+)")
_WIDE = Context(prec=50)  # the usual 28 digits are fewer than the column's 38
_MAX_DECIMAL = Decimal(10) ** 29
_DIGITS = bytes(ord("0") if chr(c) in "0123456789" else ord(" ") for c in range(256))
_LONG = b"0" * 19
# a lone surrogate has no UTF-8 form, and PostgreSQL holds no NUL, in text or in JSON
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_NUL, _SURROGATE = b"\\u0000", b"\\ud"
# what orjson refuses and the standard library reads
_REFUSED = (b"\\ud", b"\\uD", b"NaN", b"Infinity")
_DEPTH = "depth limit exceeded"


def fit(field: Field, value: Any) -> Fitted:
    """Bring one value to the type of ``field``; None stays None."""
    return (None, True) if value is None else _FITTERS[field.data_type](field, value)


def _text(_: Field, value: Any) -> Fitted:
    if not isinstance(value, str):
        return _NO
    if not _UNSTORABLE.search(value):
        return value, True
    return value.replace("\0", "").encode("utf-8", "replace").decode(), False


def _bigint(_: Field, value: Any) -> Fitted:
    if isinstance(value, str) and _INTEGER.match(value):
        number = int(value)  # the zeros of 007 may mean something
        return (number, str(number) == value) if number in _INT64 else _NO
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
        return _NO
    return value, True


def _double(_: Field, value: Any) -> Fitted:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NO
    try:
        number = float(value)
    except OverflowError:
        return _NO
    return (number, number == value) if math.isfinite(number) else _NO


def _bool(_: Field, value: Any) -> Fitted:
    return (value, True) if isinstance(value, bool) else _NO


def _timestamp(field: Field, value: Any) -> Fitted:
    if isinstance(value, bool):
        return _NO
    if isinstance(value, int | float):
        scale = 1000 if field.format == "epoch_ms" else 1
        try:
            instant = datetime.fromtimestamp(value / scale, UTC)
            return instant, instant.timestamp() == value / scale
        except (OverflowError, ValueError, OSError):
            return _NO
    if not isinstance(value, str):
        return _NO
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return _NO
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    fraction = _FRACTION.search(value)
    exact = fraction is None or not fraction[1][6:].strip("0")
    try:
        return instant.astimezone(UTC), exact
    except OverflowError:
        return _NO


def _date(_: Field, value: Any) -> Fitted:
    try:
        return (date.fromisoformat(value), True) if isinstance(value, str) else _NO
    except ValueError:
        return _NO


def _decimal(_: Field, value: Any) -> Fitted:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _NO
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return _NO
    if not number.is_finite() or abs(number) >= _MAX_DECIMAL:
        return _NO
    rounded = number.quantize(Decimal("1e-9"), context=_WIDE)
    return rounded, rounded == number


def _json(_: Field, value: Any) -> Fitted:
    return dumps(value), True


_FITTERS: dict[str, Callable[[Field, Any], Fitted]] = {
    "text": _text,
    "bigint": _bigint,
    "double": _double,
    "bool": _bool,
    "timestamp": _timestamp,
    "date": _date,
    "decimal": _decimal,
    "json": _json,
}


def dumps(value: Any) -> bytes:
    """JSON in UTF-8 that every warehouse can hold.

    Integers beyond 64 bit, which orjson refuses, stay exact. NUL and lone surrogates, which
    databases refuse inside JSON too, are written as the six characters of their escapes.
    """
    try:
        raw = orjson.dumps(value)
    except TypeError:
        raw = json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
    if _NUL in raw or _SURROGATE in raw:
        cleaned = _storable(value)
        if cleaned != value:
            return dumps(cleaned)
    return raw


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", value)
    if isinstance(value, dict):
        return {_storable(k): _storable(v) for k, v in value.items()}
    return [_storable(v) for v in value] if isinstance(value, list) else value


def loads(raw: bytes) -> Any:
    """The value of a JSON document, also where orjson would round it or refuse it, as ``dumps``.

    A byte order mark is passed over. A number that no double can hold, and NaN and Infinity, which
    are no JSON but are sent by careless servers, become their text: no column takes that for a
    number, so that it ends up in ``_extra``. Of a key given twice in one object the last counts.

    Raises:
        TooDeep: Nested deeper than can be written again.
        ValueError: It is not JSON.
    """
    raw = raw.removeprefix(_BOM)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as e:
        if str(e).startswith(_DEPTH):
            raise TooDeep(_DEPTH) from e
        if not any(sign in raw for sign in _REFUSED) and "infinity" not in str(e):
            raise
        return _exactly(raw)
    # a look for 19 digits in a row costs half of what decoding costs
    return _exactly(raw) if _LONG in raw.translate(_DIGITS) else value


class TooDeep(ValueError):
    """JSON that is nested beyond all reason."""


def _exactly(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), parse_constant=str, parse_float=_float)
    except RecursionError as e:
        raise TooDeep(_DEPTH) from e


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text
