"""The oracle of manners: is a table right, although the API answered otherwise than declared?

In: the records of the ledger, the same records as the client got them, and the rows of a table.
Out: the differences, in words. A value is right in its column, or in ``_extra`` as it came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.sandbox.data.timestamps import read, to_datetime
from analytics_sync_tests.support.oracle import value_at

Record = Mapping[str, Any]
_NUMBER = "@number:"


def differences(
    resource: Resource, records: Sequence[tuple[Record, Record]], rows: Sequence[Record]
) -> tuple[list[str], list[list[str]], list[str]]:
    """What a table lacks, what each row holds otherwise, and what is beyond the records.

    Args:
        resource: The resource.
        records: Each record of the ledger, and the same record as the client got it.
        rows: The rows of the table.
    """
    alive: dict[tuple[str, ...], Record] = {}
    dead = set()
    for row in rows:
        key = tuple(str(row[column]) for column in resource.key)
        if row.get("_deleted_at") is None:
            alive[key] = row
        else:
            dead.add(key)
    missing, changed, seen = [], [], set()
    for original, served in records:
        key = _key(resource, served)
        seen.add(key)
        if key not in alive:
            missing.append(f"{key} is {'marked as deleted' if key in dead else 'missing'}")
        elif found := list(_changes(resource, original, served, alive[key])):
            changed.append([f"{key}: {text}" for text in found])
    return missing, changed, [f"{key} is too much" for key in alive if key not in seen]


def _key(resource: Resource, record: Record) -> tuple[str, ...]:
    fields = {f.column: f for f in resource.fields}
    values = []
    for column in resource.key:
        field = fields[column]
        value = _cell(field, record, _value(field, record))
        values.append(str(value))
    return tuple(values)


def _value(field: Field, record: Record) -> Any:
    paths = (field.path, *field.aliases)
    # A key with dots may stand for the keys of a path.
    found = [value_at(record, path) for path in paths] + [record.get(".".join(p)) for p in paths]
    return next((value for value in found if value is not None), None)


def _changes(resource: Resource, original: Record, served: Record, row: Record) -> Iterator[str]:
    extra = _exact(row["_extra"]) if row.get("_extra") else {}
    for field in resource.fields:
        value, cell = _value(field, served), row.get(field.column)
        if value is None:
            if cell != field.null_as:
                yield f"{field.column} is {cell!r}, found no value"
        elif cell is None:
            if not any(_numbers(value) == found for found in _places(extra, field)):
                yield f"{field.column} is null, and _extra does not hold {value!r}"
        elif not _is_same(field, _value(field, original), value, cell):
            yield f"{field.column} is {cell!r}, found {value!r}"
    paths = {path for f in resource.fields for path in (f.path, *f.aliases)}
    roots = {path[0] for path in paths} | {".".join(path) for path in paths}
    for name, value in served.items():
        if name not in roots and value is not None and extra.get(name) != _numbers(value):
            yield f"_extra holds {extra.get(name)!r} as {name}, found {value!r}"


def _places(extra: Any, field: Field) -> Iterator[Any]:
    for path in (field.path, *field.aliases):
        yield value_at(extra, path)
        yield extra.get(".".join(path))


def _is_same(field: Field, original: Any, served: Any, cell: Any) -> bool:
    if field.data_type == "json":
        return _exact(cell) == _numbers(served)
    if field.data_type == "timestamp":
        instant = _instant(field, original)
        # Some forms of a time have no milliseconds.
        return cell in {instant, instant - timedelta(microseconds=instant.microsecond)}
    try:
        return bool(cell == _cell(field, original, served))
    except ValueError:  # the value does not fit the type, and the column holds another one
        return False


def _cell(field: Field, original: Any, value: Any) -> Any:
    """The value of a column that holds a value exactly."""
    if value is None:
        return field.null_as
    match field.data_type:
        case "text":
            return str(value)
        case "bigint":
            return int(value)
        case "double":
            return float(value)
        case "date":
            return date.fromisoformat(value)
        case "timestamp":
            return _instant(field, value)
        case _:
            return value


def _instant(field: Field, value: Any) -> datetime:
    ms = read(field, value)
    assert ms is not None, f"{field.name}: {value!r} is no time of the ledger"
    return to_datetime(ms).astimezone(UTC)


def _exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _numbers(value: Any) -> Any:
    """A value with numbers as ``_exact`` decodes them, and the long ones that were placeholders."""
    if isinstance(value, str) and value.startswith(_NUMBER):
        return _exact(value.removeprefix(_NUMBER).removesuffix("@"))
    return _exact(_dumps(value)) if _NUMBER not in _dumps(value) else _deep(value)


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(below) for key, below in value.items()}
    return [_numbers(below) for below in value]


def _dumps(value: Any) -> str:
    return json.dumps(value)
