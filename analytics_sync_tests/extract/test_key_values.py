"""Key values: a number for a text key is its text, an empty text is no key.

In: key values of all JSON types. Out: the key in the row, or a rejected record.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.extract.convert.converter import Converter
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


def keys(*values: Any, **column: Any) -> list[Any]:
    """The key of each record that is a row, in order."""
    columns = {"id": {"data_type": "text", **column}, "n": "text"}
    converter = Converter(shop(item(columns=columns)).resources["items"])
    records = [{"id": value, "n": 5} for value in values]
    batch = converter.convert(records)
    placed = [r["id"] for r in batch.records]
    assert len(placed) + len(batch.rejected) == len(values)
    assert {r.reason for r in batch.rejected} <= {"no usable primary key id"}
    rows = batch.table.to_pylist()
    assert [row["_extra"] for row in rows] == ['{"n":5}'] * len(rows), "the key is no extra value"
    return [row["id"] for row in rows]


# value of a text key, text in the column; None if it is no key
TEXTS: dict[str, tuple[Any, str | None]] = {
    "integer": (42, "42"),
    "negative": (-7, "-7"),
    "zero": (0, "0"),
    "beyond 64 bit": (2**70, str(2**70)),
    "fraction": (2.5, "2.5"),
    "whole number with a fraction": (42.0, None),
    "small": (1e-7, None),
    "true": (True, None),
    "false": (False, None),
    "empty": ("", None),
    "null": (None, None),
    "list": ([1], None),
    "object": ({"a": 1}, None),
    "zeros before": ("007", "007"),
    "space": (" ", " "),
    "NUL": ("a\0", None),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("beside", [[], ["a"], [9, "a"]], ids=str)
def test_a_key_declared_as_text(name: str, beside: list[Any]) -> None:
    value, key = TEXTS[name]
    assert keys(value, *beside) == [*([key] if key else []), *map(str, beside)]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(-(2**80), 2**80) | st.integers(-9, 9), max_size=6))
def test_integers_and_their_texts_are_the_same_keys(numbers: list[int]) -> None:
    assert keys(*numbers) == keys(*map(str, numbers)) == [str(n) for n in numbers]


def test_an_empty_text_is_a_key_only_where_it_is_declared() -> None:
    assert keys("", None, "a", null_as="-") == ["-", "a"]
    assert keys("", None, "a", null_as="") == ["", "", "a"]


@pytest.mark.parametrize("value", ["", " ", "1.0", "1e3", "007", "+1", True, 1.5, 2**63])
def test_a_key_declared_as_bigint(value: Any) -> None:
    converter = Converter(shop(item()).resources["items"])
    batch = converter.convert([{"id": value}, {"id": "12"}, {"id": 3}, {"id": 4.0}])
    assert batch.table["id"].to_pylist() == [12, 3, 4]
    assert [r.record for r in batch.rejected] == [{"id": value}]


def test_a_part_of_the_key_that_the_parent_gives_is_its_text_too(api: Api) -> None:
    api.on("/shops", [{"id": 1}, {"id": "2"}])
    api.on("/shops/*/items", [{"id": 7}])
    shops = item(name="shops", columns={"id": "text"})
    items = item(
        {"path": "/shops/{resources.shops.id}/items"},
        primary_key=["_shops_id", "id"],
        include_from_parent=["id"],
        columns={"_shops_id": "text", "id": "text"},
    )
    outcome = read(shop(shops, items))
    assert outcome.ids("shops") == ["1", "2"]
    found = sorted((row["_shops_id"], row["id"]) for row in outcome.rows["items"])
    assert found == [("1", "7"), ("2", "7")]


def test_keys_of_mixed_types_without_declared_columns(api: Api) -> None:
    api.on("/items", [{"id": 1, "v": 1}, {"id": "2", "v": 1}, {"id": "", "v": 1}])
    outcome = read(shop(item(columns={})))
    assert outcome.ids() == ["1", "2"]
    assert [r.record["id"] for r in outcome.readings["items"].rejected] == [""]
