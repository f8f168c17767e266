"""An API whose records a test adds, changes and deletes, and loads of its source ``shop``.

In: records by path. Out: their listing over HTTP, filtered by ``from`` and ``to`` as real APIs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.each_warehouse import Warehouse
from analytics_sync_tests.support.scripted_api import Api, item

FIRST = date(2026, 1, 1)
BOUNDS = {"start_param": "from", "end_param": "to", "time_zone": "UTC", "param_format": "date"}


class Records:
    """The records at one path, by id.

    Args:
        api: The server.
        path: The path.
        cursor: The field that the API filters by.
    """

    def __init__(self, api: Api, path: str, cursor: str = "updated_at") -> None:
        self.path = path
        self.by_id: dict[str, dict[str, Any]] = {}
        self.answer: Any = None
        """What the API answers instead; None for the records."""
        self._cursor = cursor
        api.on(path, self._respond)

    def put(self, key: str, day: int, **fields: Any) -> None:
        """Add or change a record, whose cursor is at noon of a day of the year."""
        self.by_id[key] = {"id": key, self._cursor: f"{at(day)}T12:00:00Z", **fields}

    def listed(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The records that a request asks for."""
        first, end = query.get("from", ""), query.get("to", "9999")
        return [
            r
            for r in self.by_id.values()
            if self._cursor not in r or first <= r[self._cursor][:10] < end
        ]

    def _respond(self, path: str, query: Mapping[str, Any], _: Mapping[str, str]) -> Any:
        return self.listed(query) if self.answer is None else self.answer


@pytest.fixture
def two_records_a_day(api: Api) -> Records:
    """The items of three days. A test module takes the fixture by ``records = two_records_a_day``."""
    made = Records(api, "/items")
    for day in (1, 2, 3):
        made.put(f"a{day}", day)
        made.put(f"b{day}", day)
    return made


def at(day: int) -> date:
    """A day of the year 2026, from 1."""
    return FIRST + timedelta(days=day - 1)


def windowed(cursor: str = "updated_at", name: str = "items", /, **keys: Any) -> dict[str, Any]:
    """The declaration of a resource that the API filters by its cursor."""
    incremental = {"cursor_path": cursor, **BOUNDS, **keys.pop("incremental", {})}
    columns = {"id": "text", cursor: "timestamp", **keys.pop("columns", {})}
    return item({"incremental": incremental}, name, columns=columns, **keys)


def sync(
    source: Source, first: int | None = None, last: int | None = None, **arguments: Any
) -> Loaded:
    """Read and load a source.

    Args:
        source: The source.
        first: The first day of the window; None reads without a window.
        last: The last day of the window; None reads ``first`` only.
        arguments: ``only`` of the run, and arguments of the load.
    """
    window = None
    if first is not None:
        window = day_window(at(first), at((last or first) + 1))
    with ReadRun(source, window, arguments.pop("only", None)) as run:
        loaded = load(run, "run", **arguments)
        assert not run.failures(), run.failures()
        return loaded


@contextmanager
def slow_sync(source: Source, day: int) -> Iterator[None]:
    """Read the items of a day before the block, and load them after it."""
    with ReadRun(source, day_window(at(day), at(day + 1))) as run:
        run.result("items")
        yield
        load(run, "slow")


def findings(source: Source, check: str, first: int | None = None, **arguments: Any) -> list[str]:
    """The findings of all resources after a load, of one check."""
    window = None if first is None else day_window(at(first), at(first + 1))
    with ReadRun(source, window) as run:
        load(run, "run", **arguments)
        return [text for r in run.resources for text in run.result(r.name).findings.of(check)]


def living(warehouse: Warehouse, resource: str = "items") -> list[str]:
    """Ids of the rows that are not marked as deleted, in order; a key with two rows comes twice."""
    return sorted(r["id"] for r in warehouse.rows(resource) if r.get("_deleted_at") is None)


def gone(warehouse: Warehouse, resource: str = "items") -> list[str]:
    """Ids of the rows that are marked as deleted, in order."""
    return sorted(r["id"] for r in warehouse.rows(resource) if r["_deleted_at"] is not None)
