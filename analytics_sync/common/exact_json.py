"""JSON that loses nothing: decoded and encoded so that every value can be stored.

In: bytes of a response, or a value. Out: the value, or bytes that every warehouse can hold.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_LONG = b"0" * 19
_SMALL = b"0e-000"  # in many a UUID too, but not behind the start of a number
_MANTISSA = re.compile(rb"(?:^|[:\[,\s])-?[0-9.]+$")
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
