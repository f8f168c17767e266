"""Values -> one Arrow array of a declared type, losing nothing.

In: the values of one field, as decoded from JSON. Out: an array; a value that does not fit is null in
the array and is added to ``extras``. Where Arrow converts exactly, a column is converted in one call;
otherwise it is converted value by value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field
from analytics_sync.common.exact_json import ESCAPED_NUL, dumps, exact_decimal
from analytics_sync.extract.convert.coerce import coerce, coerce_key
from analytics_sync.extract.convert.extras import Extras

TIMESTAMP = pa.timestamp("us", tz="UTC")
ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": TIMESTAMP,
    "date": pa.date32(),
    "decimal": pa.decimal128(38, 9),
    "json": pa.string(),
}
"""dlt's data type -> Arrow's."""
# Arrow would accept a fraction as an integer, and true as a number.
_NUMBERS = {
    "bigint": frozenset({int, type(None)}),
    "double": frozenset({int, float, type(None)}),
}
_CALENDAR = {  # Arrow accepts years outside this range; PostgreSQL and Python do not
    "timestamp": tuple(
        pa.scalar(d.replace(tzinfo=UTC), TIMESTAMP).value for d in (datetime.min, datetime.max)
    ),
    "date": tuple(pa.scalar(d.date(), pa.date32()).value for d in (datetime.min, datetime.max)),
}
# orjson escapes line breaks, so that one of them separates two values beyond doubt.
_LINE_BREAK: Any = orjson.Fragment(b"\n")
_IN_ONE_CALL = frozenset({"text", "bool", *_NUMBERS, *_CALENDAR})


def to_array(field: Field, values: list[Any], extras: Extras, *, is_key: bool) -> pa.Array:
    """The column of a field.

    Args:
        field: Its data type is the type of the array.
        values: One for each row; None is null.
        extras: Receives the values that do not fit.
        is_key: Whether the field is a part of the primary key. A rounded or cleaned value then
            becomes null, because it could be the key of another record. So does an empty text.
    """
    if field.data_type == "json":
        return _json(values)
    if field.data_type in _IN_ONE_CALL:
        try:
            array = _convert_column(field.data_type, values)
            return _without_empty(field, array) if is_key else array
        except (pa.ArrowException, OverflowError, UnicodeError):
            pass
    return _convert_each(field, values, extras, is_key=is_key)


def _json(values: list[Any]) -> pa.Array:
    try:
        texts = _json_texts(values)
    except TypeError:
        texts = None
    if texts is not None:
        return texts
    each = [None if v is None else dumps(v) for v in values]
    return pa.array(each, pa.binary()).view(pa.string())


def _json_texts(values: list[Any]) -> pa.Array | None:
    """The JSON of all values in one call, which takes a seventh of the time of a call for each.

    None if one of them holds NUL.

    Raises:
        TypeError: A value is none that orjson knows.
    """
    if not values:
        return pa.array([], pa.string())
    with_breaks = [_LINE_BREAK] * (2 * len(values) - 1)
    with_breaks[::2] = values
    raw = orjson.dumps(with_breaks, exact_decimal)
    # Searching from the beginning takes three times as long.
    if raw.rfind(ESCAPED_NUL) >= 0:
        return None
    # Arrow makes no object of Python for each text.
    whole = pa.array([raw[1:-1]], pa.binary()).view(pa.string())
    texts = pc.list_flatten(pc.split_pattern(whole, ",\n,"))
    if None in values:
        return pc.if_else(pa.array([v is None for v in values]), None, texts)
    return texts


def _holds(array: pa.Array, piece: bytes) -> bool:
    """Whether any value contains ``piece``: one search through the bytes of all values."""
    data = array.buffers()[2]
    # Searching from the beginning takes three times as long.
    return data is not None and data.to_pybytes().rfind(piece) >= 0


def _convert_column(data_type: str, values: list[Any]) -> pa.Array:
    """Convert all values in one call; they must all be of the JSON type of the column.

    Raises:
        ArrowException: A value is of another type.
        OverflowError: A year is outside the calendar of PostgreSQL and Python.
        UnicodeError: A text is not storable in every warehouse.
    """
    kind = ARROW[data_type]
    if data_type in _CALENDAR:
        array = _parse_column(pa.array(values, pa.string()), kind)
        first, last = _CALENDAR[data_type]
        ends = pc.min_max(array)
        low, high = ends["min"].value, ends["max"].value
        if low is not None and not first <= low <= high <= last:
            raise OverflowError("a year that no warehouse has")
        return array
    if data_type in _NUMBERS and not _NUMBERS[data_type].issuperset(map(type, values)):
        raise pa.ArrowInvalid("not numbers of that kind alone")
    array = pa.array(values, kind)
    if data_type == "text" and _holds(array, b"\0"):
        raise UnicodeError("NUL is no text for every warehouse")
    return array


def _parse_column(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Instants or days from texts of one form; instants without an offset are in UTC."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        if kind != TIMESTAMP:
            raise
        return texts.cast(pa.timestamp("us")).cast(TIMESTAMP)


def _convert_each(field: Field, values: list[Any], extras: Extras, *, is_key: bool) -> pa.Array:
    coerced = []
    coerce_value = coerce_key if is_key else coerce
    for i, value in enumerate(values):
        converted, exact = coerce_value(field, value)
        if not exact:
            extra = extras.setdefault(i, {})
            name = ".".join(field.path)
            # A key with dots and a path of keys may have one name. Their columns differ.
            extra[name if name not in extra else f"{name} ({field.column})"] = value
        coerced.append(converted if exact or not is_key else None)
    array = pa.array(coerced, ARROW[field.data_type])
    return _without_empty(field, array) if is_key else array


def _without_empty(field: Field, array: pa.Array) -> pa.Array:
    """A part of the primary key, null where it is an empty text.

    ``null_as: ""`` declares that the empty text is a key.
    """
    if field.data_type != "text" or field.null_as == "":
        return array
    is_empty = pc.equal(array, "")
    return pc.if_else(is_empty, None, array) if pc.any(is_empty).as_py() else array
