"""Is a table what the API served? Judged without any code of the package's reading side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from analytics_sync.catalog import Field, Resource


def typed(field: Field, record: Mapping[str, Any]) -> Any:
    """The value a column must hold for a record, as Python reads it from the warehouse."""
    value: Any = None
    for path in (field.path, *field.aliases):
        value = record
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            break
    if value is None:
        return field.null_as
    match field.data_type:
        case "timestamp":
            instant = datetime.fromisoformat(value)
            return (
                instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
            )
        case "date":
            return date.fromisoformat(value)
        case "bigint":
            return int(value)
        case "double":
            return float(value)
        case _:
            return value


def expected_rows(resource: Resource, records: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """Rows by key, as they must be."""
    rows = {}
    for record in records:
        row = {field.column: typed(field, record) for field in resource.fields}
        rows[tuple(row[k] for k in resource.key)] = row
    return rows


def actual_rows(resource: Resource, table: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """Rows by key, as they are; a key that comes twice fails here."""
    json_columns = {f.column for f in resource.fields if f.data_type == "json"}
    rows: dict[Any, Any] = {}
    for row in table:
        if row.get("_deleted_at") is not None:
            continue
        values = {
            name: json.loads(value) if name in json_columns and value is not None else value
            for name, value in row.items()
            if name not in {"_extra", "_read_at", "_deleted_at", "_dlt_load_id"}
        }
        key = tuple(values[k] for k in resource.key)
        assert key not in rows, f"{resource}: key {key} has two rows"
        rows[key] = values
    return rows


def assert_same(
    resource: Resource,
    table: Iterable[Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]],
) -> int:
    """Rows, keys and typed values are equal; how many rows."""
    want, have = expected_rows(resource, records), actual_rows(resource, table)
    assert set(have) == set(want), (
        f"{resource}: missing {list(set(want) - set(have))[:3]}, "
        f"too much {list(set(have) - set(want))[:3]}"
    )
    for key, row in want.items():
        assert have[key] == row, f"{resource} {key}"
    return len(want)
