"""Responses that were in a cache: they tell what the API said earlier, by their header ``Age``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

NOTES = {"columns": {"id": "bigint", "note": "text"}}


def load_once(source: Source) -> None:
    with ReadRun(source) as run:
        load(run, "run")
        assert not run.failures()


def test_an_older_answer_of_a_cache_changes_and_deletes_nothing(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    source = shop(item(**NOTES))
    old, new = {"id": 1, "note": "old"}, {"id": 1, "note": "new"}
    api.on("/items", [new, {"id": 2, "note": "late"}])
    load_once(source)
    api.on("/items", (200, {"Age": "3600"}, [old]))
    load_once(source)
    rows = {row["id"]: row for row in duckdb_file.table(file, "shop/items")}
    assert rows[1]["note"] == "new"
    assert rows[2]["_deleted_at"] is None
    api.on("/items", [old])
    load_once(source)
    rows = {row["id"]: row for row in duckdb_file.table(file, "shop/items")}
    assert rows[1]["note"] == "old"
    assert rows[2]["_deleted_at"] is not None


# value of Age -> how old the rows are, in seconds
AGES = {"0": 0, "90": 90, " 90 ": 90, "-5": 0, "1.5": 0, "soon": 0, "": 0, "9" * 12: 0}


@pytest.mark.parametrize("age", AGES)
def test_a_row_is_as_old_as_the_answer(api: Api, age: str) -> None:
    api.on("/items", (200, {"Age": age}, [{"id": 1}]))
    with ReadRun(shop(item())) as run:
        started_at = run.result("items").started_at
    assert started_at is not None
    passed = datetime.now(UTC).timestamp() - started_at / 1e6
    assert AGES[age] <= passed < AGES[age] + 60


def windowed(**endpoint: Any) -> Source:
    incremental = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    columns = {"id": "bigint", "at": "timestamp"}
    return shop(item({"incremental": incremental, **endpoint}, columns=columns))


# how long ago the window ended, in seconds, and whether an answer of 3,600 s ago lacks its end
WINDOWS = {
    "an hour ago and more": (7200, False),
    "less than an hour ago": (600, True),
    "later": (-600, False),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_that_ended_after_the_answer_is_not_complete(api: Api, name: str) -> None:
    seconds, is_missing = WINDOWS[name]
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=seconds)
    window = Window(end - timedelta(days=1), end)
    record = {"id": 1, "at": (end - timedelta(hours=12)).isoformat()}
    api.on("/items", (200, {"Age": "3600"}, [record]))
    outcome = read(windowed(), window)
    assert outcome.ids() == [1]
    found = outcome.readings["items"].findings.of(COMPLETE)
    assert bool(found) is is_missing
    assert all("had been for 3,600 s" in text and "no-cache" in text for text in found)
    api.on("/items", [record])
    assert not read(windowed(), window).readings["items"].findings.of(COMPLETE)
