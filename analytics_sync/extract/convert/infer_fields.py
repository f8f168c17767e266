"""Inference of fields for a resource that declares none.

In: the first records of the resource, and the columns that its table has. Out: one field per key, typed by
the values and by the table. With inferred fields a pasted configuration works at once. Declared columns
have two advantages: the UI shows them before the first run, and the checks find values that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.naming import RESERVED_COLUMNS, column_at, column_name
from analytics_sync.common.json_path import MISSING, compile_field, lookup
from analytics_sync.extract.convert.inferred_types import (
    ExistingColumn,
    ExistingTable,
    column_type,
    key_type,
)

# Of a table that declares none. PostgreSQL allows 1,600, but a table must stay usable.
_MAX_COLUMNS = 500
# The names that PostgreSQL and DuckDB give to what every row has.
_RESERVED = RESERVED_COLUMNS | {
    "cmax", "cmin", "ctid", "oid", "rowid", "tableoid", "xmax", "xmin",
}  # fmt: skip
# The limit of PostgreSQL. Longer names would be shortened, differently in each destination.
_MAX_NAME_LENGTH = 63


def infer_fields(
    resource: Resource, records: Sequence[Any], table: ExistingTable
) -> tuple[Field, ...]:
    """One field for each part of the primary key, the cursor, every column, and every key with a value.

    A hint of the declaration says the type of its column, unless the table has values of another type.

    A column that no record has is a field too, so that the loss of a field shows, unless somebody else has
    made the column. Some keys get no column, and their values stay in ``_extra``:

    - all keys but one that would share a column; the key that is spelled as the column has it, else the
      first one in the order of the alphabet
    - a key whose column name is longer than 63 characters
    - a key that would bring the table to more than 500 columns, not counting our own
    - a key with a name that PostgreSQL or DuckDB gives to what every row has

    Args:
        resource: The declaration.
        records: The first records of this run.
        table: The table as it is.
    """
    existing = {c: e for c, e in table.columns.items() if not is_reserved(c)}
    found = _values([*records, *table.extra])
    fields = {field.column: field for field in _key_fields(resource, records, found, existing)}
    for hint in resource.hints:
        if hint.column not in fields and _is_possible(hint, existing):
            fields[hint.column] = hint
    if resource.cursor is not None:
        fields[resource.cursor.column] = resource.cursor
    for field in fields.values():
        found.pop(".".join(field.path), None)
    new = max(0, _MAX_COLUMNS - len(existing.keys() | fields.keys()))
    for column, name in _columns(found):
        if column in fields:
            continue
        if column not in existing:
            if not new:
                continue
            new -= 1
        kind = column_type(found[name], existing.get(column))
        fields[column] = Field((name,), column, kind, is_inferred=True)
    for column, real in existing.items():
        if column not in fields and real.is_ours:
            fields[column] = Field((column,), column, real.data_type, is_inferred=True)
    return tuple(fields.values())


def _values(records: Sequence[Any]) -> dict[str, list[Any]]:
    """The values of each key, without null, in the order in which the keys come."""
    found: dict[str, list[Any]] = {}
    for record in records:
        if type(record) is dict:
            for name, value in record.items():
                if value is not None:
                    found.setdefault(name, []).append(value)
    return found


def _key_fields(
    resource: Resource,
    records: Sequence[Any],
    found: Mapping[str, list[Any]],
    existing: Mapping[str, ExistingColumn],
) -> Iterator[Field]:
    hints = {hint.column: hint for hint in resource.hints}
    for path in resource.primary_key:
        compiled, column = compile_field(path), column_name(path)
        values = found.get(path, [])
        if len(compiled.keys) > 1 or compiled.is_exact:
            at_path = (lookup(r, path) for r in records if type(r) is dict)
            values = [v for v in at_path if v is not MISSING and v is not None]
        kind = key_type(values, existing.get(column))
        if (hint := hints.get(column)) and _is_possible(hint, existing):
            kind = hint.data_type
        exact = frozenset([compiled.keys] if compiled.is_exact else ())
        yield Field(compiled.keys, column, kind, required=True, exact=exact)


def _is_possible(hint: Field, existing: Mapping[str, ExistingColumn]) -> bool:
    """Whether a column can have the type of its hint: the table has none of another type with values."""
    column = existing.get(hint.column)
    return column is None or column.data_type == hint.data_type or not column.has_values


def _columns(names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The columns of keys, each with the one key that it is for."""
    by_column: dict[str, list[str]] = {}
    for name in names:
        column = _column(name) if name.strip() else ""
        if column and len(column) <= _MAX_NAME_LENGTH and not is_reserved(column):
            by_column.setdefault(column, []).append(name)
    for column, same in by_column.items():
        yield column, column if column in same else min(same)


def _column(name: str) -> str:
    """The column of a key, which may hold dots; empty for a name that is too long."""
    if len(name) > _MAX_NAME_LENGTH:
        return ""
    parts = name.split(".")
    return column_at(parts if all(part.strip() for part in parts) else [name])


def is_reserved(column: str) -> bool:
    """Whether a name belongs to this package, to dlt or to a warehouse."""
    return column in _RESERVED or column.startswith("_dlt")
