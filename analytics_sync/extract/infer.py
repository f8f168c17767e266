"""Columns for a resource that declares none.

In: its first records. Out: fields by what the values are, so that a pasted configuration works at
once. Declare columns to see them before the first run and to have misfits found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics_sync.extract.jsonpath import MISSING, lookup
from analytics_sync.spec import Field, Resource
from analytics_sync.spec.file import DataType
from analytics_sync.spec.naming import OWN_COLUMNS, column_name

_TYPES: dict[type, DataType] = {
    str: "text",
    bool: "bool",
    int: "bigint",
    float: "double",
    dict: "json",
    list: "json",
}


def infer_fields(
    resource: Resource, records: Sequence[Any], known: Mapping[str, DataType]
) -> tuple[Field, ...]:
    """One field for every key with a value; the key's fields always, as text when unseen.

    A second field that would share a column with another stays in ``_extra``.

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
        kind = known.get(column) or seen
        fields[column] = Field(tuple(path.split(".")), column, kind, required=True)
    for name, types in found.items():
        column = column_name(name)
        if column not in fields and column not in OWN_COLUMNS and not column.startswith("_dlt"):
            fields[column] = Field((name,), column, known.get(column) or _joined(types))
    return tuple(fields.values())


def _joined(types: set[DataType]) -> DataType:
    if types == {"bigint", "double"}:
        return "double"
    return next(iter(types)) if len(types) == 1 else "json"
