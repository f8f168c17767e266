"""Fixtures that several suites of the guarantees share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync_tests.support.day_by_day import DayByDay


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DayByDay]:
    """A sandbox whose records the test may change, and a DuckDB file."""
    made = DayByDay(tmp_path, monkeypatch)
    with made.sandbox:
        yield made
