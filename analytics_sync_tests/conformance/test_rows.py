"""Rows: every value exactly, the newest version of each row, and nothing lost that does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.conformance import Target
from analytics_sync_tests.support.scripted_api import item

COLUMNS = {
    "id": "text",
    "whole": "bigint",
    "exact": "decimal",
    "number": "double",
    "flag": "bool",
    "at": "timestamp",
    "day": "date",
    "words": "text",
    "nested": "json",
}
WORDS = 'it\'s "quoted", back\\slash, %s :name {x},\nnext line\t\u00e4\u4e2d\U0001f600 '
INSTANT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
RECORDS: list[dict[str, Any]] = [
    {
        "id": "large", "whole": 2**63 - 1, "exact": "12345678901234567890.123456789", "number": 1.7e308,
        "flag": True, "at": "2024-02-29T23:59:59.123456Z", "day": "2024-02-29", "words": WORDS,
        "nested": {"a": [1, 2.5, None, "x"], "big": 2**63},
    },
    {
        "id": "small", "whole": -(2**63), "exact": "-0.000000001", "number": 5e-324, "flag": False,
        "at": "2024-03-01T01:59:59.123456+02:00", "day": "0001-01-01", "words": "", "nested": [],
    },
    {"id": "it's %s", "whole": 0, "exact": 0, "number": 0.1, "words": " x ", "at": "2024-03-01T00:00:00Z"},
    {"id": "none"},
]  # fmt: skip
EXPECTED: dict[str, dict[str, Any]] = {
    "large": {
        "whole": 2**63 - 1, "exact": Decimal("12345678901234567890.123456789"), "number": 1.7e308,
        "flag": True, "at": INSTANT, "day": date(2024, 2, 29), "words": WORDS,
        "nested": {"a": [1, 2.5, None, "x"], "big": 2**63},
    },
    "small": {
        "whole": -(2**63), "exact": Decimal("-0.000000001"), "number": 5e-324, "flag": False,
        "at": INSTANT, "day": date(1, 1, 1), "words": "", "nested": [],
    },
    "it's %s": {
        "whole": 0, "exact": Decimal(0), "number": 0.1, "words": " x ",
        "at": datetime(2024, 3, 1, tzinfo=UTC),
    },
    "none": {},
}  # fmt: skip
ITEMS = item(columns={"id": "bigint", "v": "text"})


def listing(value: str, number: int = 8) -> list[dict[str, Any]]:
    """Records that all have one value."""
    return [{"id": id_, "v": value} for id_ in range(number)]


def test_each_value_lands_exactly_and_stays_so_when_it_is_merged_again(target: Target) -> None:
    target.api.on("/items", RECORDS)
    source = target.source(item(columns=COLUMNS))
    for _ in range(2):
        target.sync(source)
        rows = {row["id"]: row for row in target.rows(json_columns=["nested"])}
        assert rows.keys() == EXPECTED.keys()
        for id_, expected in EXPECTED.items():
            found = {n: rows[id_][n] for n in COLUMNS if n != "id" and rows[id_][n] is not None}
            assert found == expected
            assert rows[id_]["_extra"] is None
            assert rows[id_]["_deleted_at"] is None
            assert rows[id_]["_read_at"].tzinfo is not None


def test_keys_of_each_type_are_merged(target: Target) -> None:
    keys = {"whole": 2**53 + 1, "at": "2024-02-29T23:59:59.123456Z", "day": "2024-02-29"}
    resources = []
    for type_, (name, value) in zip(("bigint", "timestamp", "date"), keys.items(), strict=True):
        columns = {"id": "text", name: type_, "v": "text"}
        resources.append(item(name=f"by_{name}", primary_key=["id", name], columns=columns))
        records = ([{"id": "a", name: value, "v": v}] for v in ("old", "new"))
        target.api.on(f"/by_{name}", *records)
    source = target.source(*resources)
    for value in ("old", "new"):
        target.sync(source)
        for resource in resources:
            assert target.values(resource["name"]) == {"a": value}


def test_texts_that_differ_in_case_or_spaces_are_different_keys(target: Target) -> None:
    ids = ["a", "A", "a ", "\u00e4", "a\u0308", "ss", "\u00df"]
    target.api.on("/items", [{"id": id_, "v": id_} for id_ in ids])
    source = target.source(item(columns={"id": "text", "v": "text"}))
    for _ in range(2):
        target.sync(source)
        assert target.values() == {id_: id_ for id_ in ids}


def test_the_version_that_was_read_last_stays(target: Target) -> None:
    target.api.on("/items", listing("old"), listing("new"), listing("newest"))
    source = target.source(ITEMS)
    with ReadRun(source) as slow:
        slow.result("items")
        target.sync(source)
        load(slow, "slow")
    assert set(target.values().values()) == {"new"}
    target.sync(source)
    assert set(target.values().values()) == {"newest"}


def test_a_value_that_does_not_fit_is_in_extra(target: Target) -> None:
    undeclared = {"id": 3, "v": "c", "more": {"\u00e4": [1.5, None]}}
    target.api.on("/items", [{"id": 1, "v": 1.5}, {"id": 2, "v": 2}, undeclared])
    target.sync(target.source(item(columns={"id": "bigint", "v": "bigint"})))
    rows = {row["id"]: (row["v"], row["_extra"]) for row in target.rows()}
    assert rows == {
        1: (None, {"v": 1.5}),
        2: (2, None),
        3: (None, {"v": "c", "more": {"\u00e4": [1.5, None]}}),
    }


def test_a_record_without_a_key_is_rejected_until_it_is_sound(target: Target) -> None:
    target.api.on(
        "/items", [{"id": 1}, {"id": "x"}], [{"id": 1}, {"id": "x"}], [{"id": 1}, {"id": 2}]
    )
    source = target.source(item())
    for _ in range(2):
        target.sync(source)
        (row,) = target.rows("_rejected")
        assert (row["resource"], row["record"]) == ("items", {"id": "x"})
    target.sync(source)
    assert target.rows("_rejected") == []
    assert target.living() == {1, 2}


@pytest.mark.slow
def test_many_rows(target: Target) -> None:
    number = 25_000
    target.api.on("/items", listing("a", number), listing("b", number + 1))
    source = target.source(ITEMS)
    target.sync(source)
    target.sync(source)
    assert target.values() == dict.fromkeys(range(number + 1), "b")
