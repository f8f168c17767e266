"""Single forms of values: what the column holds, and what ``_extra`` holds beside it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.convert.converter import Converter
from analytics_sync_tests.support.scripted_api import item, shop


def converted(record: Any, **columns: Any) -> dict[str, Any]:
    """The row of one record, without its nulls and its key, and with ``_extra`` decoded."""
    resource = shop(item(columns={"id": "bigint", **columns})).resources["items"]
    batch = Converter(resource).convert([{"id": 1, **record}])
    assert batch.with_extra == len([v for v in batch.table["_extra"].to_pylist() if v])
    (row,) = batch.table.to_pylist()
    row.pop("id")
    row["_extra"] = json.loads(row["_extra"] or "null")
    return {name: value for name, value in row.items() if value is not None}


HOUR = datetime(2024, 2, 29, 12, tzinfo=UTC)
# value, instant in the column, whether the value is in _extra too
STAMPS: dict[str, tuple[Any, datetime | None, bool]] = {
    "Z": ("2024-02-29T12:00:00Z", HOUR, False),
    "offset": ("2024-02-29T13:30:00+01:30", HOUR, False),
    "offset without colon": ("2024-02-29T13:30:00+0130", HOUR, False),
    "offset into another year": ("2024-12-31T23:30:00-01:00", datetime(2025, 1, 1, 0, 30, tzinfo=UTC), False),
    "space": ("2024-02-29 12:00:00Z", HOUR, False),
    "no zone": ("2024-02-29T12:00:00", HOUR, False),
    "milliseconds": ("2024-02-29T12:00:00.125Z", HOUR + timedelta(milliseconds=125), False),
    "microseconds": ("2024-02-29T12:00:00.000001+00:00", HOUR + timedelta(microseconds=1), False),
    "nanoseconds": ("2024-02-29T12:00:00.000001002Z", HOUR + timedelta(microseconds=1), True),
    "nanoseconds after a comma": ("2024-02-29T12:00:00,000001002Z", HOUR + timedelta(microseconds=1), True),
    "nanoseconds that are zero": ("2024-02-29T12:00:00.000001000Z", HOUR + timedelta(microseconds=1), False),
    "date only": ("2024-02-29", HOUR.replace(hour=0), False),
    "seconds": (int(HOUR.timestamp()), HOUR, False),
    "fractions of seconds": (HOUR.timestamp() + 0.5, HOUR + timedelta(milliseconds=500), False),
    "no such day": ("2023-02-29T12:00:00Z", None, True),
    "midnight as 24": ("2024-02-29T24:00:00Z", None, True),
    "words": ("yesterday", None, True),
    "empty": ("", None, True),
    "too far": (10**15, None, True),
    "true": (True, None, True),
}  # fmt: skip


@pytest.mark.parametrize("name", STAMPS)
@pytest.mark.parametrize("beside", [None, "2024-01-01T00:00:00Z", "x", 5], ids=str)
def test_timestamps(name: str, beside: Any) -> None:
    value, instant, is_in_extra = STAMPS[name]
    resource = shop(item(columns={"id": "bigint", "at": "timestamp"})).resources["items"]
    table = Converter(resource).convert([{"id": 1, "at": value}, {"id": 2, "at": beside}]).table
    row = table.to_pylist()[0]
    assert row["at"] == instant
    assert json.loads(row["_extra"] or "{}") == ({"at": value} if is_in_extra else {})


# declaration, value, value in the column, value in _extra
FORMS: dict[str, tuple[Any, Any, Any, Any]] = {
    "int as text": ("bigint", "-12", -12, None),
    "int as text, with zeros": ("bigint", "007", 7, "007"),
    "int as text, too long": ("bigint", "9" * 20, None, "9" * 20),
    "largest int": ("bigint", 2**63 - 1, 2**63 - 1, None),
    "int beyond 64 bit": ("bigint", 2**64, None, 2**64),
    "whole float": ("bigint", 3.0, 3, None),
    "float": ("bigint", 3.5, None, 3.5),
    "bool is no int": ("bigint", True, None, True),
    "int in a double": ("double", 2**53, 2.0**53, None),
    "int too fine for a double": ("double", 2**53 + 1, 2.0**53, 2**53 + 1),
    "int too large for a double": ("double", 10**400, None, 10**400),
    "text is no double": ("double", "1.5", None, "1.5"),
    "int is no bool": ("bool", 1, None, 1),
    "lone surrogate": ("text", "a\ud800b", "a?b", "a\\ud800b"),
    "NUL": ("text", "a\0b", "ab", "a\\u0000b"),
    "pair of surrogates": ("text", "\U0001f600", "\U0001f600", None),
    "number is no text": ("text", 5, None, 5),
    "epoch milliseconds": (
        {"data_type": "timestamp", "format": "epoch_ms"}, 1709208000125, HOUR + timedelta(milliseconds=125), None,
    ),
    "decimal": ("decimal", "12.30", Decimal("12.3"), None),
    "decimal below one": ("decimal", "-0.50", Decimal("-0.5"), None),
    "decimal, with zeros": ("decimal", "007", Decimal(7), "007"),
    "decimal, with zeros before a fraction": ("decimal", "-00.5", Decimal("-0.5"), "-00.5"),
    "decimal, with a plus": ("decimal", "+7", Decimal(7), "+7"),
    "decimal, too fine": ("decimal", "0.0000000001", Decimal(0), "0.0000000001"),
    "date": ("date", "2024-02-29", date(2024, 2, 29), None),
    "datetime is no date": ("date", "2024-02-29T00:00:00Z", None, "2024-02-29T00:00:00Z"),
    "null_as": ({"data_type": "text", "null_as": "-"}, None, "-", None),
    "null_as, number": ({"data_type": "bigint", "null_as": "0"}, None, 0, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_values(name: str) -> None:
    declared, value, column, extra = FORMS[name]
    found = converted({"v": value}, v=declared)
    assert found.get("v") == column
    assert found.get("_extra", {}).get("v") == extra


ALIASED = {"v": {"data_type": "text", "aliases": ["old-v", "o.v"]}}


@pytest.mark.parametrize(
    ("record", "column", "extra"),
    [
        ({"v": "a"}, "a", None),
        ({"old-v": "a"}, "a", None),
        ({"v": None, "o": {"v": "a"}}, "a", None),
        ({"v": "a", "old-v": "b", "o": {"v": "c"}}, "a", {"old-v": "b", "o.v": "c"}),
        ({"old-v": "b", "o": {"v": "c"}}, "b", {"o.v": "c"}),
        ({"old-v": 5}, None, {"v": 5}),
        ({"o": {"v": "a", "w": 1}}, "a", {"o": {"w": 1}}),
    ],
    ids=str,
)
def test_aliases(record: dict[str, Any], column: Any, extra: Any) -> None:
    found = converted(record, **ALIASED)
    assert (found.get("v"), found.get("_extra")) == (column, extra)


def test_a_declared_object_is_a_column_and_its_fields_are_too() -> None:
    found = converted({"w": {"name": "n", "more": [1]}}, **{"w.name": "text", "w": "json"})
    assert found == {"w": '{"name":"n","more":[1]}', "w__name": "n"}


def test_extra_is_null_when_all_fields_are_declared() -> None:
    assert converted({"o": {"a": 1}}, **{"o.a": "bigint"}) == {"o__a": 1}
