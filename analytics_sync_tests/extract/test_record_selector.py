"""Shapes of a body that hold records, and shapes that are an error and never "no rows"."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.common.errors import InvalidResponse
from analytics_sync_tests.support.scripted_api import Api, first_line, item, read, shop, shop_api

api = shop_api

R = {"id": 1}
RR = [{"id": 1}, {"id": 2}]

# selector, body -> expected keys
RECORDS: dict[str, tuple[Any, Any, list[int]]] = {
    "list at a key": ("data", {"data": RR}, [1, 2]),
    "list at a path": ("data.items", {"data": {"items": RR}}, [1, 2]),
    "path as a list of keys": (["data", "items"], {"data": {"items": RR}}, [1, 2]),
    "path with $": ("$.data.items", {"data": {"items": RR}}, [1, 2]),
    "list with [*]": ("data[*]", {"data": RR}, [1, 2]),
    "empty list": ("data", {"data": []}, []),
    "bare list in place of the envelope": ("data", RR, [1, 2]),
    "bare empty list": ("data", [], []),
    "bare object with its key": ("data", {"id": 1, "name": "x"}, [1]),
    "object at the key": ("data", {"data": R}, [1]),
    "root list, []": ([], RR, [1, 2]),
    "root object, []": ([], R, [1]),
    "root list, $": ("$", RR, [1, 2]),
    "root object, $": ("$", R, [1]),
    "list behind a star": ("reports.*", {"reports": RR}, [1, 2]),
    "map behind a star": ("reports.*", {"reports": {"a": {"id": 1}, "b": {"id": 2}}}, [1, 2]),
    "empty map behind a star": ("reports.*", {"reports": {}}, []),
    "nothing declared, root list": (None, RR, [1, 2]),
    "nothing declared, the one list": (None, {"count": 2, "rows": RR, "tags": ["a"]}, [1, 2]),
    "nothing declared, the one empty list": (None, {"rows": []}, []),
    "nothing declared, one object": (None, R, [1]),
    "nothing declared, warnings beside the list": (None, {"Warnings": [], "rows": RR}, [1, 2]),
    "nothing declared, errors beside an empty list": (None, {"errors": [], "rows": []}, []),
}


@pytest.mark.parametrize("name", RECORDS)
def test_shapes_that_hold_records(api: Api, name: str) -> None:
    selector, body, ids = RECORDS[name]
    api.on("/items", body)
    endpoint = {} if selector is None else {"data_selector": selector}
    assert read(shop(item(endpoint))).ids() == ids


# other declared fields, body -> expected keys
WITH_ID_OF_REQUEST: dict[str, tuple[list[str], Any, list[Any]]] = {
    "envelope": (["name"], {"id": 99, "result": [{"id": 1, "name": "x"}, {"id": 2}]}, [1, 2]),
    "record with a list": (
        ["name"],
        {"id": 99, "name": "x", "tags": [{"id": 1, "name": "y"}]},
        [99],
    ),
    "record with null": (
        ["name"],
        {"id": 99, "name": None, "tags": [{"id": 1, "name": "y"}]},
        [99],
    ),
    "list of others": (["name"], {"id": 99, "tags": [{"id": 1}]}, [99]),
    "empty list": (["name"], {"id": 99, "tags": []}, [99]),
    "no other field": ([], {"id": 99, "result": [{"id": 1}]}, [99]),
}


@pytest.mark.parametrize("name", WITH_ID_OF_REQUEST)
def test_an_object_with_the_key_is_a_record_unless_its_list_has_the_fields(
    api: Api, name: str
) -> None:
    fields, body, ids = WITH_ID_OF_REQUEST[name]
    api.on("/items", body)
    columns = {"id": "bigint", **dict.fromkeys(fields, "text")}
    assert read(shop(item(columns=columns))).ids() == ids


# selector, body -> expected part of the message
ERRORS: dict[str, tuple[Any, Any, str]] = {
    "null": ("data", None, "a JSON null"),
    "true": ("data", True, "a JSON boolean"),
    "number": ("data", 5, "a JSON number"),
    "text": ("data", "busy", "a JSON string"),
    "empty object": ("data", {}, "no 'data'"),
    "error body": ("data", {"error": "quota exceeded"}, "no 'data'"),
    "errors and no data": ("data", {"errors": [{"id": None, "title": "x"}]}, "no 'data'"),
    "nothing declared, only errors": (
        None,
        {"errors": [{"id": 7, "title": "x"}]},
        "without its key",
    ),
    "nothing declared, no error": (None, {"error_messages": [], "row": R}, "without its key"),
    "nothing declared, only warnings": (None, {"row": None, "warnings": RR}, "without its key"),
    "renamed key": ("data", {"items": RR}, "no 'data'"),
    "renamed inner key": ("data.items", {"data": {"rows": RR}}, "no 'data.items'"),
    "renamed inner key beside an id": ("data.items", {"id": 7, "data": {}}, "no 'data.items'"),
    "inner key of a list": ("data.items", {"data": RR}, "no 'data.items'"),
    "null at the key": ("data", {"data": None}, "null at 'data'"),
    "text at the key": ("data", {"data": "x"}, "string at 'data'"),
    "number at the key": ("data", {"data": 0}, "number at 'data'"),
    "null behind a star": ("reports.*", {"reports": None}, "null at 'reports.*'"),
    "text behind a star": ("reports.*", {"reports": "x"}, "string at 'reports.*'"),
    "object at the key without its key": ("data", {"data": {"name": "x"}}, "without its key id"),
    "bare object whose key is null": ("data", {"id": None}, "no 'data'"),
    "root object without its key": ("$", {"message": "please log in"}, "without its key id"),
    "empty root object": ([], {}, "without its key id"),
    "nothing declared, two lists": (None, {"a": RR, "b": RR}, "without its key id"),
    "nothing declared, no list": (None, {"message": "x"}, "without its key id"),
    "nothing declared, lists of no objects": (None, {"a": [1, 2]}, "without its key id"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_shapes_that_are_an_error(api: Api, name: str) -> None:
    selector, body, found = ERRORS[name]
    api.on("/items", body)
    outcome = read(shop(item({} if selector is None else {"data_selector": selector})))
    assert isinstance(outcome.failures["items"], InvalidResponse)
    message = first_line(outcome.error())
    assert f"GET {api.url}/items answered status 200 with " in message
    assert found in message
    assert "data_selector" in message
    assert "table stays as it was" in message
    assert len(api.seen) == 1, "a second request would get the same response"


def test_a_list_without_objects_is_an_error(api: Api) -> None:
    api.on("/items", {"data": ["a", 1, None, []]})
    outcome = read(shop(item({"data_selector": "data"})))
    assert "none of the 4 records is an object" in outcome.error()
    assert isinstance(outcome.failures["items"], InvalidResponse)


def test_other_values_among_objects_are_rejected_one_by_one(api: Api) -> None:
    api.on("/items", {"data": ["a", {"id": 1}, None]})
    outcome = read(shop(item({"data_selector": "data"})))
    assert outcome.ids() == [1]
    rejected = outcome.readings["items"].rejected
    assert [(r.record, r.reason) for r in rejected] == [(x, "not an object") for x in ("a", None)]


def test_an_object_with_an_alias_of_the_key_is_a_record(api: Api) -> None:
    columns = {"id": {"data_type": "bigint", "aliases": ["_id", "meta.id"]}}
    api.on("/items", {"_id": 1}, {"meta": {"id": 2}})
    source = shop(item({"data_selector": "data"}, columns=columns))
    assert [read(source).ids(), read(source).ids()] == [[1], [2]]


def test_an_object_with_one_part_of_the_key_is_a_record(api: Api) -> None:
    api.on("/items", {"a": 1, "n": 2})
    columns = {"a": "bigint", "b": {"data_type": "text", "null_as": ""}, "n": "bigint"}
    source = shop(item({"data_selector": "data"}, columns=columns, primary_key=["a", "b"]))
    assert read(source).rows["items"] == [{"a": 1, "b": "", "n": 2}]


@pytest.mark.parametrize("page", [{"data": None}, {"error": "x"}, {}])
def test_a_later_page_without_data_fails_the_resource(api: Api, page: Any) -> None:
    api.on("/items", {"data": RR, "next": "a"}, page)
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    outcome = read(shop(item({"data_selector": "data", "paginator": cursor})))
    assert isinstance(outcome.failures["items"], InvalidResponse)


def test_the_message_shows_only_the_start_of_the_body(api: Api) -> None:
    api.on("/items", {"message": "x" * 5000})
    assert len(read(shop(item({"data_selector": "data"}))).error()) < 600
