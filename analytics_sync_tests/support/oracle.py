"""The oracle: does a table hold what the API served?

In: records from the sandbox's ledger, and the rows of a table. Out: an assertion that names the
first difference. The oracle uses no code of the package's reading side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from analytics_sync.catalog import Field, Resource

_OWN_COLUMNS = {"_extra", "_read_at", "_deleted_at", "_parent_key", "_dlt_load_id"}


def value_at(record: Any, path: Iterable[str]) -> Any:
    """The value at a path of keys; None where a key is missing."""
    for key in path:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def column_value(field: Field, record: Mapping[str, Any]) -> Any:
    """The value that a column must hold for a record, as Python reads it from the warehouse."""
    places = (value_at(record, path) for path in (field.path, *field.aliases))
    value = next((found for found in places if found is not None), None)
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
    """The rows that the records must become, by key."""
    rows = {}
    for record in records:
        row = {field.column: column_value(field, record) for field in resource.fields}
        rows[tuple(row[column] for column in resource.key)] = row
    return rows


def actual_rows(resource: Resource, table: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """The rows of a table by key, without deleted ones. A key with two rows fails here."""
    json_columns = {f.column for f in resource.fields if f.data_type == "json"}
    rows: dict[Any, Any] = {}
    for row in table:
        if row.get("_deleted_at") is not None:
            continue
        values = {
            name: json.loads(value) if name in json_columns and value is not None else value
            for name, value in row.items()
            if name not in _OWN_COLUMNS
        }
        key = tuple(values[column] for column in resource.key)
        assert key not in rows, f"{resource}: key {key} has two rows"
        rows[key] = values
    return rows


def assert_same(
    resource: Resource,
    table: Iterable[Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]],
) -> int:
    """Assert that keys and typed values of a table equal the records.

    Returns:
        The number of rows.
    """
    expected, actual = expected_rows(resource, records), actual_rows(resource, table)
    assert set(actual) == set(expected), (
        f"{resource}: missing {list(set(expected) - set(actual))[:3]}, "
        f"too much {list(set(actual) - set(expected))[:3]}"
    )
    for key, row in expected.items():
        assert actual[key] == row, f"{resource} {key}"
    return len(expected)
