r"""Exact JSON: decoding and encoding that change no value, for every warehouse.

In: the bytes of a response, or a value. Out: the value, or bytes that every warehouse can store.
orjson does almost all of the work, because it is faster than the standard library: about twice at
decoding, ten times at encoding. The standard library handles the values that orjson refuses or
changes:

    document                 orjson                  loads
    18446744073709551616     18446744073709552000.0  18446744073709551616
    1234567890123456.78      1234567890123456.8      Decimal("1234567890123456.78")
    1e-400                   0.0                     "1e-400"
    1e999                    refused                 "1e999"
    NaN, Infinity            refused                 "NaN", "Infinity"
    "\ud800"                 refused                 the lone surrogate
    5,000 digits             refused                 the digits, as text
    a byte order mark        refused                 the value after it

    value                    orjson                  dumps
    Decimal("0.10")          refused                 0.10
    2**64                    refused                 18446744073709551616
    a lone surrogate         refused                 "\\ud800"
    NUL                      "\u0000"                "\\u0000"
    300 nested lists         refused                 300 nested lists
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

_ALL_DIGITS_TO_0 = bytes.maketrans(b"123456789.E", b"0000000000e")
# A double holds every number of 15 digits. A point counts as a digit, because it is mapped to one.
_LONG_NUMBER = b"0" * 16
_LONG_NUMBER_WITH_EXPONENT = _LONG_NUMBER + b"e"
_TWO_LONG_NUMBERS = _LONG_NUMBER * 2
_MAX_DIGITS_BEFORE = 48  # a number with more digits before the last 16 is not looked at closely
# the character before a number and its sign; none at the start of a document
_BEFORE_NUMBER = frozenset({b"", b":", b",", b"[", b" ", b"\n", b"\r", b"\t"})
_EXPONENT_SIGNS = (b"e", b"E")
_EXPONENT = re.compile(rb"[eE][+-]?[0-9]+")
_INTEGERS_OF_ORJSON = range(2**63)  # with either sign
# A UUID may hold these characters too, but not after the start of a number.
_SMALL_EXPONENT = b"0e-000"
_MANTISSA = re.compile(rb"(?:^|[:\[,\s])-?[0-9.]+$")
_MAX_MANTISSA_LENGTH = 50
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
ESCAPED_NUL = b"\\u0000"
"""JSON's escape of the NUL character, which no warehouse can store."""
_UNESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
# Signs of documents that orjson refuses.
_REFUSED = (b"\\ud", b"\\uD", b"NaN", b"Infinity")
# Signs of an encoder that writes documents in another way than orjson.
_OTHER_SPELLINGS = (b'": ', b"\\u", b"\\/")
# Enough to notice these signs: a search of the whole takes longer than encoding.
_SAMPLE_BYTES = 4096
_TOO_DEEP = "depth limit exceeded"
_SIGN_ONLY: Any = object()
_MAX_DIGITS = 4000  # Python refuses more than 4,300 digits, PostgreSQL somewhat more


def dumps(value: Any) -> bytes:
    """JSON in UTF-8 that every warehouse can store, for every value that ``loads`` returns.

    Integers of more than 64 bits and decimals stay exact. Databases refuse NUL and lone surrogates inside
    JSON too: each is written as the six characters of its escape.
    """
    try:
        raw = orjson.dumps(value, exact_decimal)
    except TypeError:
        try:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        except (RecursionError, TypeError):  # a decimal is no type of the standard library's
            text = _dumps_deep(value)
        raw = _SURROGATE.sub(lambda m: f"\\\\u{ord(m[0]):04x}", text).encode()
    return _UNESCAPED_NUL.sub(rb"\1\\\\u0000", raw) if ESCAPED_NUL in raw else raw


def exact_decimal(value: Any) -> Any:
    """The digits of a decimal, for orjson's parameter ``default``.

    Raises:
        TypeError: Any other type that orjson does not know.
    """
    if type(value) is Decimal:
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no type of JSON")


def _dumps_deep(value: Any) -> str:
    """JSON of a value that both encoders refuse, for its depth or its decimals; no recursion."""
    written: list[str] = []
    open_containers: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    while open_containers:
        for sign, item in open_containers[-1]:
            written.append(sign)
            if isinstance(item, dict | list):
                open_containers.append(_parts(item))
                break
            if type(item) is Decimal:
                written.append(str(item))
            elif item is not _SIGN_ONLY:
                written.append(json.dumps(item, ensure_ascii=False))
        else:
            open_containers.pop()
    return "".join(written)


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """The values of a container, each with the signs before it."""
    if isinstance(value, list):
        yield "[", _SIGN_ONLY
        for n, item in enumerate(value):
            yield "," * (n > 0), item
        yield "]", _SIGN_ONLY
        return
    yield "{", _SIGN_ONLY
    for n, (name, item) in enumerate(value.items()):
        yield f"{',' * (n > 0)}{json.dumps(name, ensure_ascii=False)}:", item
    yield "}", _SIGN_ONLY


def loads(raw: bytes) -> Any:
    """The value of a JSON document, also of one that orjson would round or refuse.

    A number with a fraction or an exponent is a float if it is the text of that float, or equal to it;
    otherwise a ``Decimal``. Three kinds of numbers become their text: a number beyond the range of
    doubles, a number of more than 4,000 digits, and NaN and Infinity. NaN and Infinity are not JSON, but
    careless servers send them. No column accepts such a text as a number, so the text ends up in
    ``_extra``. A byte order mark is skipped. If an object has a key twice, the last value counts.

    Raises:
        TooDeep: The document is nested deeper than ``dumps`` can write.
        ValueError: The document is not JSON.
    """
    raw = raw.removeprefix(_BOM)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as e:
        if str(e).startswith(_TOO_DEEP):
            raise TooDeep(_TOO_DEEP) from e
        if not any(sign in raw for sign in _REFUSED) and "infinity" not in str(e):
            raise
        return _loads_exactly(raw)
    if _is_written_so(value, raw):
        return value
    digits = raw.translate(_ALL_DIGITS_TO_0)
    changed = (
        not _are_long_numbers_shortest(raw, digits) and _has_long_number(raw, digits)
    ) or _has_small_number(raw, digits)
    return _loads_exactly(raw) if changed else value


def _is_written_so(value: Any, raw: bytes) -> bool:
    """Whether orjson writes a decoded document as it came: then decoding has changed no number."""
    if any(raw.find(sign, 0, _SAMPLE_BYTES) >= 0 for sign in _OTHER_SPELLINGS):
        return False
    try:  # no text and no number holds a line break
        return orjson.dumps(value) == raw.replace(b"\n", b"")
    except TypeError:  # nested deeper than orjson writes
        return False


def _are_long_numbers_shortest(raw: bytes, digits: bytes) -> bool:
    """Whether orjson keeps all numbers with many digits: it writes each as the document has it.

    One call tries all numbers, because a call for each takes three times as long. False if one number may
    be changed.
    """
    if digits.rfind(_LONG_NUMBER_WITH_EXPONENT) >= 0 or digits.rfind(_TWO_LONG_NUMBERS) >= 0:
        return False
    numbers = []
    end = 0
    for piece in digits.rsplit(_LONG_NUMBER)[:-1]:
        before = piece.rstrip(b"0")
        start = end + len(before) - before.endswith(b"-")
        end += len(piece) + len(_LONG_NUMBER)
        numbers.append(raw[start:end])
    listed = b"[%b]" % b",".join(numbers)
    try:
        return orjson.dumps(orjson.loads(listed)) == listed
    except orjson.JSONDecodeError:  # digits inside a text
        return False


def _has_long_number(raw: bytes, digits: bytes) -> bool:
    """Whether a number has so many digits that orjson would round it."""
    # Search from the end: a search from the beginning takes four times as long.
    found = digits.rfind(_LONG_NUMBER)
    while found >= 0:
        before = digits[max(0, found - _MAX_DIGITS_BEFORE) : found]
        start = found - len(before) + len(before.rstrip(b"0"))
        if start == found - _MAX_DIGITS_BEFORE:
            return True
        end = found + len(_LONG_NUMBER)
        if raw[end : end + 1] not in _EXPONENT_SIGNS and _is_shortest(raw[start:end]):
            found = digits.rfind(_LONG_NUMBER, 0, start)  # most numbers with many digits are such
            continue
        sign = raw.startswith(b"-", start - 1) if start else False
        if raw[start - sign - 1 : start - sign] in _BEFORE_NUMBER and _is_rounded(
            raw, start, found
        ):
            return True
        found = digits.rfind(_LONG_NUMBER, 0, start)
    return False


def _is_shortest(number: bytes) -> bool:
    """Whether a number is the shortest text of its double, so that orjson keeps it."""
    try:
        return repr(float(number)).encode() == number
    except ValueError:  # a text with several dots
        return False


def _is_rounded(raw: bytes, start: int, found: int) -> bool:
    """Whether orjson changes the number from ``start`` on, its sign left out.

    Digits inside a text may look like one.
    """
    end = found + len(_LONG_NUMBER)
    exponent = _EXPONENT.match(raw, end)
    number = raw[start : exponent.end() if exponent else end]
    if number.isdigit():
        return len(number) > 18 and int(number) not in _INTEGERS_OF_ORJSON
    try:
        text = number.decode()
        return not _is_text_of(float(text), text)
    except ValueError:  # "192.168.100.100"
        return False


def _has_small_number(raw: bytes, digits: bytes) -> bool:
    """Whether a number may be too small for a double: orjson would return 0."""
    found = digits.rfind(_SMALL_EXPONENT)
    while found >= 0:
        if _MANTISSA.search(raw[max(0, found - _MAX_MANTISSA_LENGTH) : found + 1]):
            return True
        found = digits.rfind(_SMALL_EXPONENT, 0, found + len(_SMALL_EXPONENT) - 1)
    return False


class TooDeep(ValueError):
    """JSON that is nested deeper than any API needs."""


def is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested in more than ``limit`` levels."""
    level = [value]
    for _ in range(limit):
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


def _loads_exactly(raw: bytes) -> Any:
    """The value by the standard library, which keeps every digit of an integer."""
    try:
        return json.loads(raw.decode(), parse_constant=str, parse_float=_float, parse_int=_int)
    except RecursionError as e:
        raise TooDeep(_TOO_DEEP) from e


def _float(text: str) -> float | Decimal | str:
    """The number: a double that means the same, else a decimal.

    Its text if a double would be 0 or infinite, or if it is too long.
    """
    number = float(text)
    if _is_text_of(number, text):
        return number
    is_lost = number == 0 or not math.isfinite(number) or len(text) > _MAX_DIGITS
    return text if is_lost else Decimal(text)


def _is_text_of(number: float, text: str) -> bool:
    """Whether the shortest text of a double has the same value as ``text``."""
    shortest = repr(number)
    return shortest == text or Decimal(shortest) == Decimal(text)


def _int(text: str) -> int | str:
    """The number, or its text if the number is too long for Python or a database."""
    return int(text) if len(text) <= _MAX_DIGITS else text
