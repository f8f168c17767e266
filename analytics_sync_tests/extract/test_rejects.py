"""Rejected records: each is kept once, few are a warning, and many fail the check.

In: listings of which some records cannot be placed. Out: the rows of ``_rejected``, the findings that
fail the check ``declared_schema``, and whether the read is complete.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract import rejected_records
from analytics_sync.extract.evidence.findings import DECLARED_SCHEMA
from analytics_sync.extract.rejected import rejected_tables
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

START = datetime(2024, 2, 29, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
WINDOWED = item({"incremental": {"cursor_path": "at"}}, columns={"id": "bigint", "at": "timestamp"})


def found(reading: ReadResult) -> list[str]:
    """The findings about rejected records."""
    return reading.findings.of(DECLARED_SCHEMA)


def listing(good: int, *others: Any) -> list[Any]:
    """Records with a usable key, and other ones."""
    return [{"id": i} for i in range(good)] + list(others)


# records; whether too many of them are rejected
SHARES: dict[str, tuple[list[Any], bool]] = {
    "none": (listing(3), False),
    "no records": ([], False),
    "a tenth": (listing(9, {"id": None}), False),
    "more than a tenth": (listing(8, {"id": None}), True),
    "half": (listing(2, {"id": "x"}, {}), True),
    "all": ([{"id": "x"}, {"id": "y"}], True),
    "no objects among objects": (listing(20, None, "x", 3), True),
    "few among many": (listing(1000, None, {"id": None}, {"id": "x"}), False),
}


@pytest.mark.parametrize("name", SHARES)
def test_many_rejected_records_are_a_finding(api: Api, name: str) -> None:
    records, is_finding = SHARES[name]
    api.on("/items", records)
    assert bool(found(read(shop(item())).readings["items"])) == is_finding


def test_the_finding_names_counts_reasons_and_the_resource(api: Api) -> None:
    api.on("/items", listing(3, {"id": "x"}, {"id": "y"}, None))
    (message,) = found(read(shop(item())).readings["items"])
    assert message.startswith("3 of 6 records were rejected and are in _rejected: ")
    assert "no usable primary key id (2); not an object (1)" in message
    assert "of resource 'items'" in message


def test_records_outside_the_window_do_not_hide_rejected_ones(api: Api) -> None:
    """The API does not filter, and no record inside the window has a usable key."""
    outside = [{"id": i, "at": "2024-01-01"} for i in range(500)]
    api.on("/items", [*outside, {"id": "a", "at": "2024-02-29"}, {"id": "b", "at": "2024-02-29"}])
    (message,) = found(read(shop(WINDOWED), DAY).readings["items"])
    assert "no usable primary key id (2)" in message
    assert "500 records are outside the window" in message


def test_few_records_without_a_cursor_are_no_finding_on_a_quiet_day(api: Api) -> None:
    outside = [{"id": i, "at": "2024-01-01"} for i in range(500)]
    api.on("/items", [*outside, {"id": 501}, {"id": 502}])
    assert found(read(shop(WINDOWED), DAY).readings["items"]) == []


@pytest.mark.parametrize("cursor", ["", " ", "x", 0, [], {}, True], ids=repr)
@pytest.mark.parametrize("count", [0, 20])
def test_records_with_an_unusable_cursor_are_rejected_alone(
    api: Api, cursor: Any, count: int
) -> None:
    """The test of the bounds also reads these cursors."""
    good = [{"id": i, "at": f"2024-02-29T{i:02}:00:00Z"} for i in range(count)]
    api.on("/items", [*good, {"id": 98, "at": cursor}, {"id": 99, "at": cursor}])
    endpoint = {"incremental": {"cursor_path": "at", "start_param": "from", "end_param": "to"}}
    columns = {"id": "bigint", "at": "timestamp"}
    outcome = read(shop(item(endpoint, columns=columns)), DAY)
    assert outcome.ids() == list(range(count))
    assert len(outcome.readings["items"].rejected) == 2


@pytest.mark.parametrize("rejected", [None, {"id": None}, {"name": "no key"}, [1]], ids=str)
def test_a_read_with_a_rejected_record_is_not_complete(api: Api, rejected: Any) -> None:
    api.on("/items", listing(1000))
    assert read(shop(item())).readings["items"].complete
    api.on("/items", listing(1000, rejected))
    assert not read(shop(item())).readings["items"].complete


def test_equal_rejected_records_are_each_kept_and_the_same_again(api: Api) -> None:
    api.on("/items", listing(2, {"n": 1}, {"n": 1}, {"n": 2}, {"n": 1}))

    def rejected() -> list[dict[str, Any]]:
        tables = rejected_tables([read(shop(item())).readings["items"]])
        rows: list[dict[str, Any]] = [row for table in tables for row in table.to_pylist()]
        return sorted(rows, key=lambda row: str(row["record_hash"]))

    first = rejected()
    assert sorted(json.loads(row["record"])["n"] for row in first) == [1, 1, 1, 2]
    assert len({row["record_hash"] for row in first}) == 4
    assert rejected() == first


def test_many_rejected_records_go_through_a_file(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are the same as without a file, and equal records still get their own numbers."""
    api.on("/items", [{"n": n % 1500} for n in range(3000)])

    def rejected() -> tuple[int, list[dict[str, Any]]]:
        with ReadRun(shop(item())) as run:
            tables = list(rejected_tables([run.result("items")]))
            files = list(Path(tempfile.gettempdir()).glob("analytics-sync-read-*/*-rejected-*"))
        return len(files), [row for table in tables for row in table.to_pylist()]

    in_memory = rejected()
    monkeypatch.setattr(rejected_records, "_MAX_BYTES_IN_MEMORY", 1000)
    assert rejected() == (1, in_memory[1])
    assert in_memory[0] == 0
    assert len({row["record_hash"] for row in in_memory[1]}) == 3000
    assert [json.loads(row["record"])["n"] for row in in_memory[1]] == [*range(1500)] * 2
