"""Rows: the edges of a window, rejected records, versions of a record, and values in JSON.

In: records, directly or from a scripted API. Out: rows, rejected records and counts.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.common.window import Window
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.rejected import rejected_tables
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

START = datetime(2024, 2, 29, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
WINDOWED = item(
    {"incremental": {"cursor_path": "at"}}, columns={"id": "bigint", "at": "timestamp", "v": "text"}
)
CONVERTER = Converter(shop(WINDOWED).resources["items"])


# cursor -> whether it is in the window
EDGES = {
    "2024-02-28T23:59:59.999999Z": False,
    "2024-02-28T23:59:59.999999999Z": False,
    "2024-02-29T00:00:00Z": True,
    "2024-02-29": True,
    "2024-02-29T00:00:00": True,
    "2024-02-29T01:00:00+01:00": True,
    "2024-02-29T00:59:59+01:00": False,
    "2024-02-29T23:59:59.999999Z": True,
    "2024-02-29T23:59:59.999999999Z": True,
    "2024-02-29T23:59:59-01:00": False,
    "2024-03-01T00:00:00Z": False,
    "2024-03-01T00:59:59.9+01:00": True,
    "2024-03-01": False,
    1709164800: True,
    1709164799: False,
    1709251199.5: True,
    1709251200: False,
}


@pytest.mark.parametrize("at", EDGES, ids=str)
def test_a_window_is_half_open(at: Any) -> None:
    batch = CONVERTER.convert([{"id": 1, "at": at}], DAY)
    assert (batch.table.num_rows, batch.outside_window) == ((1, 0) if EDGES[at] else (0, 1))


@pytest.mark.parametrize(("day", "rows"), [("2024-02-28", 0), ("2024-02-29", 1), ("2024-03-01", 0)])
def test_a_cursor_may_be_a_date(day: str, rows: int) -> None:
    dated = item({"incremental": {"cursor_path": "at"}}, columns={"id": "bigint", "at": "date"})
    batch = Converter(shop(dated).resources["items"]).convert([{"id": 1, "at": day}], DAY)
    assert (batch.table.num_rows, batch.outside_window) == (rows, 1 - rows)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(-3, 27) | st.none() | st.just("x"), max_size=8))
def test_each_record_is_a_row_or_rejected_or_outside_the_window(hours: list[Any]) -> None:
    def at(hour: Any) -> Any:
        return (START + timedelta(hours=hour)).isoformat() if isinstance(hour, int) else hour

    records = [{"id": i, "at": at(hour)} for i, hour in enumerate(hours)]
    batch = CONVERTER.convert(records, DAY)
    inside = [i for i, h in enumerate(hours) if isinstance(h, int) and 0 <= h < 24]
    assert batch.table["id"].to_pylist() == inside
    assert [r["id"] for r in batch.records] == inside
    assert [r.record["id"] for r in batch.rejected] == [
        i for i, h in enumerate(hours) if not isinstance(h, int)
    ]
    assert batch.outside_window == len(records) - len(inside) - len(batch.rejected)


# record, reason
REJECTED: dict[str, tuple[Any, str]] = {
    "no key": ({"at": "2024-02-29"}, "no usable primary key id"),
    "null key": ({"id": None, "at": "2024-02-29"}, "no usable primary key id"),
    "key of a wrong type": ({"id": "x", "at": "2024-02-29"}, "no usable primary key id"),
    "no cursor": ({"id": 1}, "no usable cursor at"),
    "cursor of a wrong type": ({"id": 1, "at": "soon"}, "no usable cursor at"),
    "neither": ({"v": "x"}, "no usable cursor at"),
    "not an object": ([1, 2], "not an object"),
    "null": (None, "not an object"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_record_that_cannot_be_placed_is_rejected_unchanged(api: Api, name: str) -> None:
    record, reason = REJECTED[name]
    api.on("/items", [{"id": 7, "at": "2024-02-29"}, record, record])
    reading = read(shop(WINDOWED), DAY).readings["items"]
    assert reading.rows == 1
    assert [(r.record, r.reason) for r in reading.rejected] == [(record, reason)] * 2
    (table,) = rejected_tables([reading])
    first, second = table.to_pylist()  # equal records are each kept
    assert first.pop("record_hash") != second.pop("record_hash")
    assert first == second
    assert (first["resource"], first["reason"]) == ("items", reason)
    assert json.loads(first["record"]) == record


def test_each_part_of_a_key_is_required(api: Api) -> None:
    api.on(
        "/items",
        [
            {"a": 1, "b": "x"},
            {"a": 1, "b": None, "more": 1},
            {"b": "x"},
            {"a": 2, "b": "y", "more": 1},
        ],
    )
    source = shop(item(primary_key=["a", "b"], columns={"a": "bigint", "b": "text"}))
    outcome = read(source)
    reading = outcome.readings["items"]
    assert [(row["a"], row["b"]) for row in outcome.rows["items"]] == [(1, "x"), (2, "y")]
    assert [r.reason[-1] for r in reading.rejected] == ["a", "b"]
    assert reading.with_extra == 1


# versions in the order read, page by page, as (hour, value); the value that must stay
VERSIONS: dict[str, tuple[list[list[tuple[str, str]]], str]] = {
    "newer last": ([[("01", "a"), ("02", "b")]], "b"),
    "newer first": ([[("02", "a"), ("01", "b")]], "a"),
    "same instant, read last": ([[("01", "a"), ("01", "b")]], "b"),
    "same instant in another zone": ([[("01", "a")], [("02:00:00+01:00", "b")]], "b"),
    "over pages, newer first": ([[("03", "a")], [("02", "b")], [("01", "c")]], "a"),
    "over pages, newest in the middle": ([[("01", "a")], [("03", "b"), ("02", "c")]], "b"),
    "same record again": ([[("01", "a")], [("01", "a")]], "a"),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_newest_version_of_a_key_stays(api: Api, name: str) -> None:
    pages, expected = VERSIONS[name]
    answers = []
    for i, page in enumerate(pages):
        rows = [
            {"id": 1, "at": f"2024-02-29T{at if ':' in at else at + ':00:00Z'}", "v": v}
            for at, v in page
        ]
        rows.append({"id": 10 + i, "at": "2024-02-29", "v": "other"})
        answers.append({"data": rows, "next": i + 1 if i + 1 < len(pages) else None})
    api.on("/items", *answers)
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    endpoint = {**WINDOWED["endpoint"], "paginator": cursor, "data_selector": "data"}
    outcome = read(shop({**WINDOWED, "endpoint": endpoint}), DAY)
    assert [r["v"] for r in outcome.rows["items"] if r["id"] == 1] == [expected]
    assert sorted(outcome.ids()) == [1, *range(10, 10 + len(pages))]


def test_without_a_cursor_the_version_read_last_stays(api: Api) -> None:
    api.on("/items", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 1, "v": "c"}])
    outcome = read(shop(item(columns={"id": "bigint", "v": "text"})))
    assert {row["id"]: row["v"] for row in outcome.rows["items"]} == {1: "c", 2: "b"}
    buffer = outcome.readings["items"].buffer
    assert buffer is not None
    assert (buffer.rows, buffer.duplicates) == (2, 1)


@pytest.mark.parametrize(
    "kind", ["bigint", "text", "double", "bool", "timestamp", "date", "decimal"]
)
def test_a_key_may_be_of_any_type(api: Api, kind: str) -> None:
    values: dict[str, list[Any]] = {
        "bigint": [1, 2], "text": ["a", "A"], "double": [1.5, 2], "bool": [True, False],
        "timestamp": ["2024-01-01", "2024-01-02"], "date": ["2024-01-01", "2024-01-02"], "decimal": ["1.5", 2],
    }  # fmt: skip
    one, two = values[kind]
    api.on("/items", [{"id": one}, {"id": two}, {"id": one}])
    assert len(read(shop(item(columns={"id": kind}))).rows["items"]) == 2


# value as sent -> value in the warehouse
WIRE: dict[str, tuple[bytes, Any]] = {
    "beyond 64 bit": (b"123456789012345678901234567890", 123456789012345678901234567890),
    "just beyond": (b"18446744073709551616", 18446744073709551616),
    "below": (b"-9223372036854775809", -9223372036854775809),
    "deep inside": (b'[{"a": [340282366920938463463374607431768211456]}]', [{"a": [2**128]}]),
    "lone surrogate": (b'"\\ud83d"', "\\ud83d"),  # no warehouse stores it in JSON
    "lone surrogate, capitals": (b'"a\\uDE00"', "a\\ude00"),
    "pair of surrogates": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "many digits in a text": (b'"1234567890123456789012"', "1234567890123456789012"),
    "nanoseconds": (b"1709164800123456789", 1709164800123456789),
}


@pytest.mark.parametrize("name", WIRE)
@pytest.mark.parametrize("declared", [None, "bigint", "json"])
def test_every_json_value_arrives(api: Api, name: str, declared: str | None) -> None:
    raw, value = WIRE[name]
    api.on("/items", (200, {}, b'[{"id": 1, "v": ' + raw + b"}]"))
    columns = {"id": "bigint"} | ({"v": declared} if declared else {})
    (row,) = read(shop(item(columns=columns))).rows["items"]
    found = row.get("v", json.loads(row["_extra"])["v"] if "_extra" in row else None)
    assert (json.loads(found) if declared == "json" else found) == value


def test_columns_are_inferred_where_none_are_declared(api: Api) -> None:
    records = [
        {"id": 1, "Name": "a", "n": 1, "o": {"x": 1}, "none": None, "mix": 1},
        {
            "id": 2,
            "n": 1.5,
            "a.b": 1,
            "name": "clash",
            "mix": "x",
            " ": 1,
            "_extra": 2,
            "_dlt_id": 3,
        },
    ]
    api.on("/items", records)
    outcome = read(shop(item(columns={})))
    first, second = outcome.rows["items"]
    assert json.loads(first.pop("_extra")) == {"Name": "a"}
    assert first == {"id": 1, "n": 1.0, "o": '{"x":1}', "mix": "1"}
    extra = json.loads(second.pop("_extra"))
    assert second == {"id": 2, "n": 1.5, "name": "clash", "mix": "x", "a__b": 1}
    assert extra == {" ": 1, "_extra": 2, "_dlt_id": 3}


@pytest.mark.parametrize("value", [1, "x"])
def test_a_nested_key_is_found_where_no_columns_are_declared(api: Api, value: Any) -> None:
    api.on("/items", [{"meta": {"id": value}, "v": 1}])
    outcome = read(shop(item(columns={}, primary_key="meta.id")))
    assert outcome.rows["items"][0]["meta__id"] == value


def test_a_parent_that_is_read_twice_has_two_files(api: Api) -> None:
    """One read of the window, and one of all parents for the child, in the same thread."""
    outside = {"id": 0, "at": "2024-02-01", "v": "y" * 1_000_000}
    inside = [{"id": i, "at": "2024-02-29", "v": "x" * 1_000_000} for i in range(1, 35)]
    all_parents_requested = threading.Event()

    def listing(path: str, query: Query, headers: Any) -> Any:
        if "from" not in query:  # the read of all parents, by the only free thread
            all_parents_requested.set()
        return [outside, *inside]

    def slow(path: str, query: Query, headers: Any) -> Any:
        all_parents_requested.wait(30)
        return [{"id": 1}]

    api.on("/items", listing)
    api.on(
        "/items/*/kids",
        lambda path, query, headers: {"id": int(path.split("/")[2]), "at": "2024-02-29"},
    )
    api.on("/slow", slow)
    columns = {"id": "bigint", "at": "timestamp", "v": "text"}
    parent = item({"incremental": {"cursor_path": "at", "start_param": "from"}}, columns=columns)
    others = [item({"path": "/slow"}, name=f"other_{i}") for i in range(7)]
    params = {"item": {"type": "resolve", "resource": "items", "field": "id"}}
    kids = {"path": "/items/{item}/kids", "params": params, "incremental": {"cursor_path": "at"}}
    outcome = read(shop(parent, *others, item(kids, name="kids", columns=columns)), DAY)
    assert outcome.ids("kids") == [*range(35)]
    assert outcome.ids() == [*range(1, 35)]
    assert {row["v"] for row in outcome.rows["items"]} == {"x" * 1_000_000}
