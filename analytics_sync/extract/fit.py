"""One value -> its declared type, exactly or not at all.

In: a JSON value and a field. Out: ``(value, exact)``: the value for the column (None when it does
not fit) and whether nothing was lost. Whatever is not exact is kept in ``_extra`` by the caller.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
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
_CLOCK = re.compile(r"[0-9:.,+TtZzW -]*")  # anything may stand between a day and its hour
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WIDE = Context(prec=50)  # the usual 28 digits are fewer than the column's 38
_MAX_DECIMAL = Decimal(10) ** 29
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_LONG = b"0" * 19
_SMALL = b"0e-000"  # in many a UUID too, but not behind the start of a number
_MANTISSA = re.compile(rb"(?:^|[:\[,\s])-?[0-9.]+$")
# a lone surrogate has no UTF-8 form, and PostgreSQL holds no NUL, in text or in JSON
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
ESCAPED_NUL = b"\\u0000"
"""How JSON spells a NUL, which no warehouse holds."""
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
# what orjson refuses and the standard library reads
_REFUSED = (b"\\ud", b"\\uD", b"NaN", b"Infinity")
_DEPTH = "depth limit exceeded"
_END: Any = object()
_MOST_DIGITS = 4000  # the interpreter refuses 4,300 and PostgreSQL somewhat more


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
    exact = exact and _CLOCK.fullmatch(value) is not None
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
    text = str(value)
    if not _NUMBER.fullmatch(text):  # Decimal passes over spaces and underscores
        return _NO
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _NO
    if number.copy_abs() >= _MAX_DECIMAL:  # abs() would round, or raise for 1e1000000
        return _NO
    rounded = number.quantize(Decimal("1e-9"), context=_WIDE)
    return (rounded, rounded == number) if rounded.copy_abs() < _MAX_DECIMAL else _NO


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
    """JSON in UTF-8 that every warehouse can hold, of whatever ``loads`` gives.

    Integers beyond 64 bit, which orjson refuses, stay exact. NUL and lone surrogates, which
    databases refuse inside JSON too, are written as the six characters of their escapes.
    """
    try:
        raw = orjson.dumps(value)
    except TypeError:
        try:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        except RecursionError:
            text = _deep(value)
        raw = _SURROGATE.sub(lambda m: f"\\\\u{ord(m[0]):04x}", text).encode()
    return _ESCAPED_NUL.sub(rb"\1\\\\u0000", raw) if ESCAPED_NUL in raw else raw


def _deep(value: Any) -> str:
    """What is nested deeper than the encoders go, but not deeper than the decoder."""
    written: list[str] = []
    waiting: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    while waiting:
        for sign, item in waiting[-1]:
            written.append(sign)
            if isinstance(item, dict | list):
                waiting.append(_parts(item))
                break
            if item is not _END:
                written.append(json.dumps(item, ensure_ascii=False))
        else:
            waiting.pop()
    return "".join(written)


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """The values of a container, each with what stands before it."""
    if isinstance(value, list):
        yield "[", _END
        for n, item in enumerate(value):
            yield "," * (n > 0), item
        yield "]", _END
        return
    yield "{", _END
    for n, (name, item) in enumerate(value.items()):
        yield f"{',' * (n > 0)}{json.dumps(name, ensure_ascii=False)}:", item
    yield "}", _END


def loads(raw: bytes) -> Any:
    """The value of a JSON document, also where orjson would round it or refuse it, as ``dumps``.

    A byte order mark is passed over. A number that no double can hold, an integer of more than
    4,000 digits, and NaN and Infinity, which are no JSON but are sent by careless servers, become
    their text: no column takes that for a number, so that it ends up in ``_extra``. Of a key given
    twice in one object the last counts.

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
    # a look for 19 digits in a row, from the end: from the beginning it would take four times as long
    digits = raw.translate(_DIGITS)
    return _exactly(raw) if digits.rfind(_LONG) >= 0 or _small(raw, digits) else value


def _small(raw: bytes, digits: bytes) -> bool:
    """Whether some number may be too small for a double, which would make it 0."""
    at = digits.rfind(_SMALL)
    while at >= 0:
        if _MANTISSA.search(raw[max(0, at - 50) : at + 1]):
            return True
        at = digits.rfind(_SMALL, 0, at + len(_SMALL) - 1)
    return False


class TooDeep(ValueError):
    """JSON that is nested beyond all reason."""


def deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested in more than ``most`` levels."""
    level = [value]
    for _ in range(most):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below += item.values()
            elif type(item) is list:
                below += item
        level = [item for item in below if type(item) in (dict, list)]
        if not level:
            return False
    return any(type(item) in (dict, list) for item in level)


def _exactly(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), parse_constant=str, parse_float=_float, parse_int=_int)
    except RecursionError as e:
        raise TooDeep(_DEPTH) from e


def _float(text: str) -> float | str:
    number = float(text)
    lost = number == 0 and re.search("[1-9]", text.lower().partition("e")[0])
    return text if lost or not math.isfinite(number) else number


def _int(text: str) -> int | str:
    return int(text) if len(text) <= _MOST_DIGITS else text
