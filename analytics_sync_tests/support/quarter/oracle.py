"""The oracle of a simulated quarter: what each table must hold, from the records of the API alone.

In: the records of the API now and whenever a resource was read. Out: the differences of a table, in words.

A value is right in its column, or in ``_extra`` as the API sent it: a number column may hold 7 for "007" then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.quarter.declaration import (
    FORGETFUL,
    PARENTS,
    REPLACED,
    SNAPSHOTS,
)
from analytics_sync_tests.support.quarter.shop_api import Record

_FIELDS = ("name", "value", "tags", "note", "updated_at")


class Oracle:
    """What the tables of one warehouse must hold.

    Args:
        file: The DuckDB file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read: dict[str, dict[str, Record]] = {}
        # windowed resource -> key -> the day or the parent that listed it when it was read last
        self._listed_by: dict[str, dict[str, str]] = {}
        self._gone: dict[str, set[str]] = {}

    def has_read(
        self,
        name: str,
        records: Mapping[str, Mapping[str, Record]],
        first: str | None,
        last: str | None,
    ) -> None:
        """Note that a resource was read.

        Args:
            name: The resource.
            records: The records of all tables of the API at that time.
            first: The first day that was read; None for a run without days.
            last: The last one.
        """
        if name in SNAPSHOTS:
            self._read[name] = deepcopy(dict(records[name]))
        if name in SNAPSHOTS or first is None or last is None:
            return
        parent = PARENTS.get(name)
        places = {
            key: record["parent"] if parent else record["updated_at"][:10]
            for key, record in records[name].items()
        }
        dated = records[parent or name].items()
        read = {
            key if parent else record["updated_at"][:10]
            for key, record in dated
            if first <= record["updated_at"][:10] <= last
        }
        if parent is None:
            read |= {day for day in self._listed_by.get(name, {}).values() if first <= day <= last}
        listed = self._listed_by.setdefault(name, {})
        gone = self._gone.setdefault(name, set())
        gone |= {key for key, place in listed.items() if place in read and key not in places}
        listed.update({key: place for key, place in places.items() if place in read})

    def differences(self, name: str, records: Mapping[str, Record]) -> list[str]:
        """The differences between a table and the records of the API.

        Args:
            name: The resource.
            records: The records of the API now.
        """
        if name in SNAPSHOTS:  # nobody knows what happened since, if the machine was off
            records = self._read.get(name, {})
        try:
            rows = duckdb_file.table(self._file, f"shop/{name}")
        except (duckdb.Error, OSError):
            return ["there is no table"] if records else []
        alive = [row for row in rows if row.get("_deleted_at") is None]
        found = {row["id"]: row for row in alive}
        wrong = (
            [f"{len(alive) - len(found)} rows are there twice"] if len(alive) > len(found) else []
        )
        wrong += [f"{key} is missing" for key in records if key not in found]
        gone = {key for key in found if key not in records}
        if name not in SNAPSHOTS:  # a window that was not read again since says nothing
            gone &= self._gone.get(name, set())
        if name in (*SNAPSHOTS, *FORGETFUL, *REPLACED, *PARENTS):
            wrong += [f"{key} is gone at the API" for key in gone]
        for key, record in records.items():
            if key in found:
                wrong += [f"{key}: {text}" for text in _changes(record, found[key])]
        return wrong


def _changes(record: Record, row: Mapping[str, Any]) -> Iterator[str]:
    extra = json.loads(row.get("_extra") or "{}", parse_float=Decimal)
    for name in _FIELDS:
        value, cell = record[name], row.get(name)
        kept = extra.get(name, extra.get("amount") if name == "value" else None)
        if value is None:
            if cell is not None:
                yield f"{name} is {cell!r}, the API says null"
        elif not _is_same(value, cell) and not _is_same(value, kept):
            yield f"{name} is {cell!r}, the API says {value!r}, _extra {kept!r}"


def _is_same(value: Any, cell: Any) -> bool:
    """Whether a value of the API and a value of a column or of ``_extra`` are the same."""
    if isinstance(cell, datetime):
        return bool(datetime.fromisoformat(value) == cell.astimezone(UTC))
    if isinstance(value, list):
        return bool(value == (json.loads(cell) if isinstance(cell, str) else cell))
    if isinstance(value, str) or isinstance(cell, str):
        return str(value) == str(cell)  # a text column holds a number as its text
    return cell is not None and bool(Decimal(str(value)) == Decimal(str(cell)))
