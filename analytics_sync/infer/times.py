"""The fields of times: those that each record has, with the instants that their values mean.

In: the records that were read. Out: ``TimeField`` for each, the likeliest cursor first: a time of change before a time
of creation. Numbers are times by their size and the name of their field; only a filter of the API proves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from analytics_sync.extract.convert.instants import instant_of_epoch, parse_instant
from analytics_sync.infer.columns import epoch_unit
from analytics_sync.infer.fields import FieldValues, fields_of, values_at

_CHANGE = ("updat", "modif", "chang", "edited")
_CREATION = ("creat", "timestamp", "time", "date", "occurred", "started", "insert", "added", "_at")
_FUTURE = ("expir", "due", "end", "until", "next", "deleted", "birth", "trial")


@dataclass(frozen=True)
class TimeField:
    """One field of times.

    Attributes:
        keys: The keys that lead to it.
        path: The path, as a catalog file spells it.
        unit: The unit of its numbers; None for texts.
    """

    keys: tuple[str, ...]
    path: str
    unit: Literal["epoch_s", "epoch_ms"] | None = None

    def instants(self, records: Sequence[Mapping[str, Any]]) -> list[datetime] | None:
        """The instant of each record; None if one has none."""
        values = values_at(records, self.keys).values
        found = [instant for value in values if (instant := self._instant(value)) is not None]
        return found if len(found) == len(records) else None

    def _instant(self, value: Any) -> datetime | None:
        if self.unit is not None:
            parsed = instant_of_epoch(value, self.unit) if isinstance(value, int) else None
            return parsed[0] if parsed else None
        return _instant_of_text(value)


def time_fields(records: Sequence[Mapping[str, Any]]) -> list[TimeField]:
    """The fields of times that each record has."""
    found = [_time_field(field) for field in fields_of(records) if field.is_in_all]
    return sorted((f for f in found if f is not None), key=lambda f: _rank(f.path))


def _time_field(field: FieldValues) -> TimeField | None:
    if all(isinstance(value, str) and _instant_of_text(value) for value in field.values):
        return TimeField(field.keys, field.path)
    unit = epoch_unit(field.values, field.keys[-1])
    return TimeField(field.keys, field.path, unit) if unit else None


def _instant_of_text(value: Any) -> datetime | None:
    found = parse_instant(value) if isinstance(value, str) else None
    return found[0] if found else None


def _rank(path: str) -> int:
    name = path.lower()
    if any(word in name for word in _CHANGE):
        return 0
    if any(word in name for word in _FUTURE):
        return 3
    return 1 if any(word in name for word in _CREATION) else 2
