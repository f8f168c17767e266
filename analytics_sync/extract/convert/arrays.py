"""Values -> one Arrow array of a declared type, losing nothing.

In: the values of one field, as JSON had them. Out: an array; a value that does not fit is null there and
stands in ``extras``. A column is converted in one go where that is exact, and value by value elsewhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Field
from analytics_sync.common.exact_json import ESCAPED_NUL, dumps
from analytics_sync.extract.convert.coerce import coerce
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
# Arrow would take a fraction for an integer, and true for a number
_NUMBERS = {
    "bigint": frozenset({int, type(None)}),
    "double": frozenset({int, float, type(None)}),
}
_CALENDAR = {  # Arrow goes on beyond; PostgreSQL and Python do not
    "timestamp": tuple(
        pa.scalar(d.replace(tzinfo=UTC), TIMESTAMP).value for d in (datetime.min, datetime.max)
    ),
    "date": tuple(pa.scalar(d.date(), pa.date32()).value for d in (datetime.min, datetime.max)),
}
_WHOLE = frozenset({"text", "bool", *_NUMBERS, *_CALENDAR})


def to_array(field: Field, values: list[Any], extras: Extras, *, only_exact: bool) -> pa.Array:
    """The column of a field.

    Args:
        field: Its type is the array's.
        values: One for each row; None is null.
        extras: Where what does not fit is added.
        only_exact: Whether a value that is rounded or cleaned is none: a key would be another's then.
    """
    if field.data_type == "json":
        return _json(values)
    if field.data_type in _WHOLE:
        try:
            return _fast(field.data_type, values)
        except (pa.ArrowException, OverflowError, UnicodeError):
            pass
    return _slow(field, values, extras, only_exact=only_exact)


def _json(values: list[Any]) -> pa.Array:
    try:
        array = pa.array([None if v is None else orjson.dumps(v) for v in values], pa.binary())
        plain = not _holds(array, ESCAPED_NUL)
    except TypeError:
        plain = False
    if not plain:
        array = pa.array([None if v is None else dumps(v) for v in values], pa.binary())
    return array.view(pa.string())


def _holds(array: pa.Array, piece: bytes) -> bool:
    """Whether the bytes of all values hold ``piece``: one look for all of them."""
    data = array.buffers()[2]
    # from the end: from the beginning it takes three times as long
    return data is not None and data.to_pybytes().rfind(piece) >= 0


def _fast(data_type: str, values: list[Any]) -> pa.Array:
    """All values are of the column's own JSON type: let Arrow convert them in one go."""
    kind = ARROW[data_type]
    if data_type in _CALENDAR:
        array = pa.array(values, pa.string()).cast(kind)
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


def _slow(field: Field, values: list[Any], extras: Extras, *, only_exact: bool) -> pa.Array:
    fitted = []
    for i, value in enumerate(values):
        converted, exact = coerce(field, value)
        if not exact:
            extras.setdefault(i, {})[field.name] = value
        fitted.append(converted if exact or not only_exact else None)
    return pa.array(fitted, ARROW[field.data_type])
