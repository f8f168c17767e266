"""A sandbox of one test, loaded one window after the other.

In: a resource and days. Out: the table and the records that the ledger expects in it. A test may
change the sandbox's records, because no other test sees them.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Resource
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.data.json_path import get_or_none
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.fault_kinds import SOURCES
from analytics_sync_tests.support.fault_lab import SANDBOX_OPTIONS, Rows, run, table


class DayByDay:
    """A sandbox, and a DuckDB file that it is loaded into, one window after the other.

    Args:
        folder: The folder of the file.
        patch: Sets the settings of the runs.
        options: Options of the sandbox that replace those of the fault lab.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, **options: Any) -> None:
        self.file = folder / "days.duckdb"
        self.sandbox = Sandbox(SOURCES, Options(**{**SANDBOX_OPTIONS, **options}))
        settings = self.sandbox.settings()
        for name, value in {**settings, "DESTINATION__DUCKDB__CREDENTIALS": str(self.file)}.items():
            patch.setenv(name, value)

    def load(self, resource: Resource, first: date, end: date, step: int = 1) -> None:
        """Load [first, end) in windows of ``step`` days."""
        day = first
        while day < end:
            after = min(day + timedelta(days=step), end)
            source = SOURCES[resource.source]
            failures, _ = run(source, [resource.name], day_window(day, after))
            assert not failures, failures
            day = after

    def expected(self, resource: Resource, first: date, end: date) -> list[dict[str, Any]]:
        """The records that the ledger expects in the table."""
        return self.sandbox.ledger(resource.source).expected(resource.name, first, end)

    def table(self, resource: Resource) -> Rows:
        """All rows of the resource."""
        return table(self.file, resource)


def path_of(resource: Resource, column: str) -> tuple[str, ...]:
    """The path of a column's field."""
    return next(x.path for x in resource.fields if x.column == column)


def cursor_path(resource: Resource) -> tuple[str, ...]:
    """The path of the cursor."""
    assert resource.cursor is not None
    return resource.cursor.path


def key_of(resource: Resource, record: Any) -> tuple[Any, ...]:
    """The key of a served record."""
    return tuple(get_or_none(record, path_of(resource, column)) for column in resource.key)
