"""The type of a column that nobody has declared.

In: the values of one key, and the column that the table has already. Out: a data type. A column that
holds values keeps its type, or takes a wider one in which each of these values is the same. A value that
no such type holds goes to ``_extra``. A column without values takes any type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.catalog.config.models import DataType
from analytics_sync.extract.convert.coerce import INT64, coerce, coerce_key
from analytics_sync.extract.convert.instants import parse_day, parse_instant

_NUMBERS = frozenset({int, float, Decimal})
_NESTED = frozenset({dict, list})
# The decoder reads numbers that are no JSON as text. They say nothing about the type of a column.
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
_EXACT_IN_DOUBLE = 2**53  # smaller integers have a double of their own
# ISO 8601 with a day and a time. Other forms are read where a column is declared as timestamp.
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_KEY_TYPES: dict[type, DataType] = {
    bool: "bool",
    int: "bigint",
    float: "double",
    dict: "json",
    list: "json",
}
# The types that a column of a type may become, because each of its values is the same in them.
_WIDER: dict[DataType, tuple[DataType, ...]] = {
    "bigint": ("double", "decimal", "text"),
    "double": ("text",),
    "decimal": ("text",),
    "bool": ("text",),
    "date": ("timestamp",),
}


@dataclass(frozen=True)
class ExistingColumn:
    """A column of the real table.

    Attributes:
        data_type: Its type, in dlt's words.
        has_values: Whether any row has a value in it.
        ends: The smallest and the largest value of a column of integers or doubles.
        holds_json: Whether it is a text column, and each of its values is an object or a list in JSON.
        is_ours: Whether a load may have made it. A column with a default, a generated one, and one of a
            type that no field has belong to somebody else.
    """

    data_type: DataType
    has_values: bool = True
    ends: tuple[float, float] = (0, 0)
    holds_json: bool = False
    is_ours: bool = True


@dataclass(frozen=True)
class ExistingTable:
    """The real table.

    Attributes:
        columns: Its columns by name.
        extra: What ``_extra`` holds in some of its rows. A key that came too late in a long read to become a
            column, or a value that came too late to widen one, counts in the next run.
    """

    columns: Mapping[str, ExistingColumn] = field(default_factory=dict)
    extra: Sequence[Mapping[str, Any]] = ()


def column_type(values: Sequence[Any], existing: ExistingColumn | None) -> DataType:
    """The type of a column that is no part of the primary key.

    Args:
        values: Values of this read, without null.
        existing: The column of the table; None if it has none.
    """
    if existing is None or not existing.has_values:
        return _new_type(values) if values else existing.data_type if existing else "text"
    kind = existing.data_type
    types = set(map(type, values))
    if kind == "text":
        return "json" if existing.holds_json and types & _NESTED else kind
    scalars = [v for v in values if type(v) not in _NESTED] if types & _NESTED else values
    if not scalars or kind not in _WIDER:
        return kind
    if kind == "date":
        return _time_type(scalars) or kind
    if kind == "bool":
        return kind if types <= {bool} | _NESTED else "text"
    return _number_type(scalars, existing)


def key_type(values: Sequence[Any], existing: ExistingColumn | None) -> DataType:
    """The type of a part of the primary key.

    It stays, because each row has it. A key of numbers becomes text when other keys come. A text is no
    time here: two spellings of a time are two keys.
    """
    types = set(map(type, values))
    if existing is not None and existing.has_values:
        kind = existing.data_type
        if kind != "bigint" or (types == {int} and _are_in(values, INT64)):
            return kind
        return kind if all(_fits_key(kind, value) for value in values) else "text"
    if len(types) != 1:
        return "text"
    (only,) = types
    if only is int and not _are_in(values, INT64):
        return "text"
    return _KEY_TYPES.get(only, "text")


def _new_type(values: Sequence[Any]) -> DataType:
    """The narrowest type that holds all values, of which there are some."""
    types = set(map(type, values))
    if types & _NESTED:
        return "json"
    if types == {str}:
        return _time_type(values) or "text"
    if types == {bool}:
        return "bool"
    return _number_type(values, None) if types & _NUMBERS else "text"


def _number_type(values: Sequence[Any], existing: ExistingColumn | None) -> DataType:
    """The type of a column with numbers in the table, or in ``values``."""
    types = set(map(type, values))
    if existing is None and types == {float}:  # the usual case
        return "double"
    kind: DataType = existing.data_type if existing else "bigint"
    is_small = existing is None or _are_exact_in_double(*existing.ends)
    if kind == "bigint" and types == {int} and _are_in(values, INT64):
        return kind
    others = [v for v in values if type(v) not in _NUMBERS and v not in _NO_NUMBERS]
    if others:
        # Nobody knows how a large double was written: it may have been an integer with more digits.
        stays = (kind == "double" and not is_small) or all(_fits(kind, v) for v in values)
        return kind if existing is not None and stays else "text"
    numbers = [v for v in values if type(v) in _NUMBERS] if str in types else values
    if kind != "bigint":
        return kind
    if (existing is not None or types == {int}) and all(_fits(kind, v) for v in numbers):
        return kind
    if is_small and _are_doubles(numbers):
        return "double"
    if all(_fits("decimal", v) for v in numbers):
        return "decimal"
    if types == {int}:
        return "text"
    return kind if existing else "double"


def _are_doubles(numbers: Sequence[Any]) -> bool:
    """Whether each number is exact in a double, and one has a fraction: integers alone stay integers."""
    return not all(type(n) is int for n in numbers) and all(
        type(n) is float or (_are_exact_in_double(n) if type(n) is int else _fits("double", n))
        for n in numbers
    )


def _are_exact_in_double(*numbers: float) -> bool:
    return all(-_EXACT_IN_DOUBLE < number < _EXACT_IN_DOUBLE for number in numbers)


def _are_in(numbers: Collection[int], limits: range) -> bool:
    return min(numbers) in limits and max(numbers) in limits


def _time_type(values: Sequence[Any]) -> DataType | None:
    """``timestamp`` or ``date``; None unless each value is a text with one of these."""
    found: DataType = "date"
    for value in values:
        if type(value) is not str:
            return None
        if parse_day(value) is not None:
            continue
        instant = parse_instant(value) if _INSTANT.fullmatch(value) else None
        if instant is None or not instant[1]:
            return None
        found = "timestamp"
    return found


def _fits(kind: DataType, value: Any) -> bool:
    return coerce(_field(kind), value)[1]


def _fits_key(kind: DataType, value: Any) -> bool:
    return coerce_key(_field(kind), value)[1]


@cache
def _field(kind: DataType) -> Field:
    return Field((), "", kind)
