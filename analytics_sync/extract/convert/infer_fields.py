"""Inference of fields for a resource that declares none.

In: the first records of the resource. Out: one field per key, typed by the values. With inferred fields
a pasted configuration works at once. Declared columns have two advantages: the UI shows them before the
first run, and the checks find values that do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.models import DataType
from analytics_sync.catalog.naming import RESERVED_COLUMNS, column_at, column_name
from analytics_sync.common.json_path import MISSING, compile_field, lookup

# Of a table that declares none. PostgreSQL allows 1,600, but a table must stay usable.
_MAX_COLUMNS = 500
_RESERVED = RESERVED_COLUMNS | {"cmax", "cmin", "ctid", "oid", "tableoid", "xmax", "xmin"}
# The limit of PostgreSQL. Longer names would be shortened, differently in each destination.
_MAX_NAME_LENGTH = 63
_TYPES: dict[type, DataType] = {
    str: "text",
    bool: "bool",
    int: "bigint",
    float: "double",
    Decimal: "double",
    dict: "json",
    list: "json",
}


def infer_fields(
    resource: Resource, records: Sequence[Any], existing_types: Mapping[str, DataType]
) -> tuple[Field, ...]:
    """One field for every key that has a value, and one for each part of the primary key.

    A part of the primary key that has no value in ``records`` is inferred as text. Some fields get no
    column and stay in ``_extra``:

    - a second field that would share a column with another field
    - a field whose column name is longer than 63 characters
    - a field that would bring the table to more than 500 columns, not counting our own
    - a field with a name that PostgreSQL reserves

    Args:
        resource: The declaration.
        records: The first records of this run.
        existing_types: Types of the columns that the table has already. A column keeps its type,
            and a value that does not fit goes to ``_extra``: the warehouse would round or refuse it.
    """
    found: dict[str, set[DataType]] = {}
    nested = [path for path in resource.primary_key if "." in path or compile_field(path).is_exact]
    for record in records:
        if isinstance(record, dict):
            for name, value in record.items():
                if value is not None and name.strip():
                    found.setdefault(name, set()).add(_TYPES[type(value)])
            for path in nested:
                if (value := lookup(record, path)) not in (MISSING, None):
                    found.setdefault(path, set()).add(_TYPES[type(value)])
    fields: dict[str, Field] = {}
    for path in resource.primary_key:
        types = found.pop(path, set())
        column = column_name(path)
        inferred: DataType = next(iter(types)) if len(types) == 1 else "text"
        kind = existing_types.get(column) or inferred
        key = compile_field(path)
        exact = frozenset([key.keys] if key.is_exact else ())
        fields[column] = Field(key.keys, column, kind, required=True, exact=exact)
        found.pop(".".join(key.keys), None)
    columns = {column for column in existing_types if not _is_reserved(column)} | set(fields)
    for name, types in found.items():
        column = _column(name)
        if not column or len(column) > _MAX_NAME_LENGTH or column in fields or _is_reserved(column):
            continue
        if column in columns or len(columns) < _MAX_COLUMNS:
            columns.add(column)
            kind = existing_types.get(column) or _common_type(types)
            fields[column] = Field((name,), column, kind)
    return tuple(fields.values())


def _column(name: str) -> str:
    """The column of a key, which may hold dots; empty for a name that is too long."""
    if len(name) > _MAX_NAME_LENGTH:
        return ""
    parts = name.split(".")
    return column_at(parts if all(part.strip() for part in parts) else [name])


def _is_reserved(column: str) -> bool:
    """Whether a name belongs to this package, to dlt or to PostgreSQL."""
    return column in _RESERVED or column.startswith("_dlt")


def _common_type(types: set[DataType]) -> DataType:
    """The narrowest type that holds values of all ``types``."""
    if types == {"bigint", "double"}:
        return "double"
    return next(iter(types)) if len(types) == 1 else "json"
