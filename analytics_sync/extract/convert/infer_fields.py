"""Columns for a resource that declares none.

In: its first records. Out: fields by what the values are, so that a pasted configuration works at
once. Declare columns to see them before the first run and to have misfits found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.models import DataType
from analytics_sync.catalog.naming import RESERVED_COLUMNS, column_name
from analytics_sync.common.json_path import MISSING, lookup

MOST_COLUMNS = 500
"""Of a table that declares none: PostgreSQL has room for 1,600, and a table has to stay usable."""
_NOT_FREE = RESERVED_COLUMNS | {"cmax", "cmin", "ctid", "oid", "tableoid", "xmax", "xmin"}
_LONGEST = 63  # what PostgreSQL takes; longer names would be cut, each destination in its own way
_TYPES: dict[type, DataType] = {
    str: "text",
    bool: "bool",
    int: "bigint",
    float: "double",
    dict: "json",
    list: "json",
}


def infer_fields(
    resource: Resource, records: Sequence[Any], existing_types: Mapping[str, DataType]
) -> tuple[Field, ...]:
    """One field for every key with a value; the key's fields always, as text when unseen.

    Data does not choose without bounds: a second field that would share a column with another, one
    whose column's name is longer than 63 characters, and whatever would bring the table to more
    than 500 columns beside our own stay in ``_extra``; and so do names that PostgreSQL keeps for
    itself.

    Args:
        resource: The declaration.
        records: The first of this run.
        known: Types of columns that the table has already: they stay, and what does not fit them
            goes to ``_extra``. Another type would be rounded or refused by the warehouse.
    """
    found: dict[str, set[DataType]] = {}
    nested = [path for path in resource.primary_key if "." in path]
    for record in records:
        if isinstance(record, dict):
            for name, value in record.items():
                if value is not None and name.strip() and "." not in name:
                    found.setdefault(name, set()).add(_TYPES[type(value)])
            for path in nested:
                if (value := lookup(record, path)) not in (MISSING, None):
                    found.setdefault(path, set()).add(_TYPES[type(value)])
    fields: dict[str, Field] = {}
    for path in resource.primary_key:
        types = found.pop(path, set())
        column = column_name(path)
        seen: DataType = next(iter(types)) if len(types) == 1 else "text"
        kind = existing_types.get(column) or seen
        fields[column] = Field(tuple(path.split(".")), column, kind, required=True)
    there = {column for column in existing_types if not _ours(column)} | set(fields)
    for name, types in found.items():
        column = column_name(name) if len(name) <= _LONGEST else ""
        if not column or len(column) > _LONGEST or column in fields or _ours(column):
            continue
        if column in there or len(there) < MOST_COLUMNS:
            there.add(column)
            fields[column] = Field((name,), column, existing_types.get(column) or _joined(types))
    return tuple(fields.values())


def _ours(column: str) -> bool:
    return column in _NOT_FREE or column.startswith("_dlt")


def _joined(types: set[DataType]) -> DataType:
    if types == {"bigint", "double"}:
        return "double"
    return next(iter(types)) if len(types) == 1 else "json"
