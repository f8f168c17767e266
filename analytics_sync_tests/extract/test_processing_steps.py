"""Processing steps: filters, maps, and lists whose objects become records.

In: declared steps and records. Out: the rows, the findings about fields that no record has, and errors of files.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from analytics_sync.catalog.errors import CatalogError
from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    Query,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api


def stepped(*steps: Any, **keys: Any) -> dict[str, Any]:
    declared = item(processing_steps=list(steps), **keys)
    if "columns" not in keys:
        del declared["columns"]
    return declared


def rows(api: Api, records: list[Any], *steps: Any, **keys: Any) -> Outcome:
    api.on("/items", records)
    return read(shop(stepped(*steps, **keys)))


VALUES: list[Any] = [1, 5, 5.5, "5", "a5b", None, True, [5, "a5b"], {"a5b": 1}]
RECORDS = [*({"id": n, "v": value} for n, value in enumerate(VALUES)), {"id": len(VALUES)}]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"value": 5}, [1]), ({"op": "!=", "value": 5}, [0, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"value": "5"}, [3]), ({"value": None}, [5, 9]), ({"op": "!=", "value": None}, [0, 1, 2, 3, 4, 6, 7, 8]),
        ({"op": ">", "value": 1}, [1, 2]), ({"op": ">=", "value": 1}, [0, 1, 2, 6]),
        ({"op": "<", "value": 5.5}, [0, 1, 6]), ({"op": "<=", "value": 5.5}, [0, 1, 2, 6]),
        ({"op": ">", "value": "5"}, [4]), ({"op": "in", "value": [5, "a5b"]}, [1, 4]),
        ({"op": "not in", "value": [5, "a5b", None]}, [0, 2, 3, 6, 7, 8]),
        ({"op": "contains", "value": "a5b"}, [4, 7, 8]), ({"op": "contains", "value": "5"}, [3, 4]),
        ({"op": "exists"}, [0, 1, 2, 3, 4, 6, 7, 8]), ({"op": "exists", "value": False}, [5, 9]),
    ],
)  # fmt: skip
def test_each_comparison(api: Api, condition: dict[str, Any], kept: list[int]) -> None:
    assert rows(api, RECORDS, {"filter": {"field": "v", **condition}}).ids() == kept


def test_all_conditions_must_hold(api: Api) -> None:
    both = [{"field": "a.b", "op": ">", "value": 1}, {"field": "id", "op": "<", "value": 3}]
    records = [{"id": n, "a": {"b": n}} for n in range(5)]
    assert rows(api, records, {"filter": both}).ids() == [2]


def test_a_map_renames_drops_and_sets(api: Api) -> None:
    step = {
        "rename": {"no": "id", "a.b": "b", "x": "y", "y": "x", "absent": "new"},
        "drop": ["secret", "a.c", "nowhere"],
        "set": {"origin": "shop", "a.d": 1},
    }
    records = [{"no": 7, "a": {"b": 1, "c": 2}, "x": "X", "y": "Y", "secret": "s"}]
    (row,) = rows(api, records, {"map": step}).rows["items"]
    assert row == {"id": 7, "b": 1, "x": "Y", "y": "X", "origin": "shop", "a": '{"d":1}'}


def test_objects_of_a_list_become_records(api: Api) -> None:
    step = {"yield_map": {"field": "lines", "include": {"order": "id", "by": "who.name"}}}
    records: list[Any] = [
        {"id": 1, "who": {"name": "a"}, "lines": [{"id": 10}, {"id": 11, "order": 5}]},
        {"id": 2, "lines": [{"id": 12}]},
        {"id": 3, "lines": []},
        {"id": 4, "lines": None},
        {"id": 5},
    ]
    outcome = rows(api, records, step)
    assert outcome.rows["items"] == [
        {"id": 10, "order": 1, "by": "a"},
        {"id": 11, "order": 1, "by": "a"},
        {"id": 12, "order": 2},
    ]


@pytest.mark.parametrize("value", [5, "x", {"id": 1}, [1], [{"id": 1}, None]])
def test_a_field_that_is_no_list_of_objects_is_an_error(api: Api, value: Any) -> None:
    message = rows(api, [{"id": 1, "lines": value}], {"yield_map": "lines"}).error()
    assert "the field 'lines' of a record is no list of objects" in message


def test_steps_follow_each_other(api: Api) -> None:
    steps = [
        {"filter": {"field": "kind", "value": "order"}},
        {"yield_map": {"field": "lines", "include": ["kind"]}},
        {"map": {"rename": {"no": "id"}}},
        {"filter": {"field": "id", "op": ">", "value": 1}},
    ]
    records = [
        {"kind": "order", "lines": [{"no": 1}, {"no": 2}]},
        {"kind": "draft", "lines": [{"no": 3}]},
    ]
    assert rows(api, records, *steps).rows["items"] == [{"id": 2, "kind": "order"}]


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "offset", "limit": 4, "total_path": "total"},
        {"type": "page_number", "base_page": 1, "limit": 4, "limit_param": "limit"},
        {"type": "cursor", "cursor_path": "next", "cursor_param": "offset"},
    ],
    ids=["offset", "page_number", "cursor"],
)
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"filter": {"field": "n", "op": ">", "value": 5}}, [6, 7, 8, 9]),
        ({"filter": {"field": "n", "value": 9}}, [9]),
        ({"map": {"set": {"x": 1}}}, list(range(10))),
        ({"yield_map": "both"}, [*range(10), *range(100, 110)]),
    ],
    ids=["half", "the last", "all", "twice as many"],
)
def test_paging_and_totals_count_what_the_api_gave(
    api: Api, paginator: dict[str, Any], step: Any, expected: list[int]
) -> None:
    """Pages of which a filter leaves nothing are no end, and a total is reached."""
    records = [{"id": n, "n": n, "both": [{"id": n}, {"id": n + 100}]} for n in range(10)]

    def answer(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get("offset", (int(query.get("page", 1)) - 1) * 4))
        more = {"next": str(start + 4)} if start + 4 < 10 else {}
        return {"data": records[start : start + 4], "total": 10, **more}

    api.on("/items", answer)
    endpoint = {"paginator": paginator, "data_selector": "data", "count_path": "total"}
    declared = stepped(step, endpoint={"path": "/items", **endpoint})
    outcome = read(shop(declared))
    assert sorted(outcome.ids()) == expected
    reading = outcome.readings["items"]
    assert reading.complete
    assert not reading.findings.by_check()


@pytest.mark.parametrize(
    "step", [{"filter": {"field": "state", "value": "paid"}}, {"yield_map": "lines"}]
)
def test_a_field_that_no_record_has_is_a_finding(api: Api, step: Any) -> None:
    outcome = rows(api, [{"id": 1}, {"id": 2}], step)
    assert outcome.ids() == []
    (said,) = outcome.readings["items"].findings.of("complete")
    assert "No record has the field" in said
    # a null is an answer, and so is a page without records
    field = "state" if "filter" in step else "lines"
    assert (
        not rows(api, [{"id": 1, field: None}, {"id": 2}], step)
        .readings["items"]
        .findings.of("complete")
    )
    assert not rows(api, [], step).readings["items"].findings.of("complete")


def test_a_replaced_table_stays_if_no_record_has_the_field(api: Api) -> None:
    step = {"filter": {"field": "state", "value": "paid"}}
    outcome = rows(api, [{"id": 1}], step, write_disposition="replace")
    assert "does not replace the table" in outcome.error()


def test_children_are_read_for_the_records_after_the_steps(api: Api) -> None:
    parent = stepped({"filter": {"field": "id", "op": "!=", "value": 2}}, {"map": {"rename": {"id": "no"}}}, primary_key="no")  # fmt: skip
    child = item(
        {"path": "/goods/{resources.items.no}"}, name="goods", include_from_parent=["no"],
        columns={"id": "bigint", "_items_no": "bigint"},
    )  # fmt: skip
    api.on("/items", [{"id": 1}, {"id": 2}, {"id": 3}])
    api.on("/goods/*", lambda path, query, headers: [{"id": int(path[-1]) * 10}])
    outcome = read(shop(parent, child))
    assert outcome.ids("goods") == [10, 30]


def test_a_record_that_is_no_object_is_rejected_as_ever(api: Api) -> None:
    outcome = rows(api, [{"id": 1, "v": 1}, 5], {"filter": {"field": "v", "value": 1}})
    assert outcome.ids() == [1]
    assert [r.record for r in outcome.readings["items"].rejected] == [5]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"filter": {"field": "a", "op": "~", "value": 1}}, "'not in'"),
        ({"filter": {"field": "a"}}, "expected a value beside =="),
        ({"filter": {"field": "a", "op": "in", "value": 1}}, "expected a list as the value of in"),
        ({"filter": {"field": "a", "op": "<", "value": None}}, "expected a number or a text"),
        ({"filter": {"field": "a", "op": "exists", "value": 1}}, "expected true or false"),
        ({"filter": []}, "expected one of filter, map and yield_map"),
        ({}, "expected one of filter, map and yield_map"),
        ({"map": {"drop": ["a"]}, "yield_map": "b"}, "expected one of filter, map and yield_map"),
        ({"map": {}}, "expected rename, drop or set"),
        ({"map": {"rename": {"a": "c", "b": "c"}}}, "two fields are renamed to c"),
        ({"filter": {"field": "a[*].b", "value": 1}}, "a[*].b"),
        ({"flat_map": "a"}, "unknown key"),
    ],
)
def test_a_wrong_step_is_an_error_of_the_file(step: Any, said: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(said)) as caught:
        shop(stepped(step))
    assert "processing_steps" in caught.value.key
