"""The fields of records: their paths, and the values that each one has.

In: records. Out: ``FieldValues`` by path. An object is one field. The ``attributes`` of a JSON:API record are
fields of their own, because such a record has little else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics_sync.common.json_path import spell

_FLAT = "attributes"


@dataclass
class FieldValues:
    """The values of one field.

    Attributes:
        keys: The keys that lead to it.
        values: Its values, without null.
        records: The number of records.
    """

    keys: tuple[str, ...]
    values: list[Any] = field(default_factory=list)
    records: int = 0

    @property
    def path(self) -> str:
        """The path, as a catalog file spells it."""
        return path_of(self.keys)

    @property
    def is_in_all(self) -> bool:
        """Whether each record has a value."""
        return len(self.values) == self.records > 0


def fields_of(records: Sequence[Mapping[str, Any]]) -> list[FieldValues]:
    """All fields of some records, in the order in which they come."""
    is_flat = _is_json_api(records)
    found: dict[tuple[str, ...], FieldValues] = {}
    for record in records:
        for keys, value in _items(record, is_flat=is_flat):
            values = found.setdefault(keys, FieldValues(keys)).values
            if value is not None:
                values.append(value)
    for values_of_field in found.values():
        values_of_field.records = len(records)
    return list(found.values())


def values_at(records: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> FieldValues:
    """The values of one field, at any depth."""
    found = FieldValues(keys, records=len(records))
    for record in records:
        value: Any = record
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            found.values.append(value)
    return found


def path_of(keys: tuple[str, ...]) -> str:
    """The path of a field: with dots, or quoted where a key is no plain name."""
    is_plain = all(key.replace("-", "_").replace("$", "").isidentifier() for key in keys)
    return spell(keys, is_exact=not is_plain)


def _is_json_api(records: Sequence[Mapping[str, Any]]) -> bool:
    return bool(records) and all(
        isinstance(r.get(_FLAT), Mapping) and "id" in r and "type" in r for r in records
    )


def _items(record: Mapping[str, Any], *, is_flat: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in record.items():
        if is_flat and name == _FLAT and isinstance(value, Mapping):
            for inner, below in value.items():
                yield (name, inner), below
        else:
            yield (name,), value
