"""Paths in every spelling that dlt reads: to the next page, to the records, and to a field.

In: responses of a scripted API. Out: the requests that follow, the rows, and the rejected records.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

Body = dict[str, Any]

# path, body -> the value there
VALUES: dict[str, tuple[str, Any, Any]] = {
    "keys": ("a.b", {"a": {"b": 1}}, 1),
    "root": ("$.a.b", {"a": {"b": 1}}, 1),
    "a key that begins like a root": ("$ref", {"$ref": 1}, 1),
    "one key with a dot": ("a.b", {"a.b": 1}, 1),
    "a key with a dot below a key": ("a.b.c", {"a": {"b.c": 1}}, 1),
    "a key below a key with a dot": ("a.b.c", {"a.b": {"c": 1}}, 1),
    "nested wins": ("a.b", {"a.b": 2, "a": {"b": 1}}, 1),
    "nested null gives way": ("a.b", {"a.b": 1, "a": {"b": None}}, 1),
    "both null": ("a.b", {"a.b": None, "a": {"b": None}}, None),
    "quoted is exact": ("['a.b']", {"a": {"b": 1}}, MISSING),
    "quoted keys are exact": ("['a']['b']", {"a.b": 1}, MISSING),
    "quoted and plain": ('$.a["b.c"].d', {"a": {"b.c": {"d": 1}}}, 1),
    "other signs in a key": ("über x.page:next", {"über x": {"page:next": 1}}, 1),
    "last element": ("a[-1]", {"a": [2, 1]}, 1),
    "last element of none": ("a[-1].b", {"a": []}, MISSING),
    "index of a text": ("a[0]", {"a": "text"}, MISSING),
    "index beyond the end": ("a[-3]", {"a": [1, 2]}, MISSING),
    "element that a filter finds": ("a[?(@.b=='c')].d", {"a": [{"b": "x", "d": 2}, {"b": "c", "d": 1}]}, 1),
    "filter without a match": ("a[?(@.b=='c')].d", {"a": [{"b": "x", "d": 2}]}, MISSING),
    "tail at any depth": ("..b.c", {"a": {"b": {"c": 1}}}, 1),
    "key at any depth below": ("a..c", {"a": {"b": {"c": 1}}}, 1),
    "quoted tail at any depth": ("..['b.c']", {"a": {"b.c": 1}}, 1),
    "either": ("a|b", {"b": 1}, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_at_a_path(name: str) -> None:
    path, body, value = VALUES[name]
    assert lookup(body, path) is value or lookup(body, path) == value


def linked(place: Any) -> Any:
    """A server of three pages with two records each; ``place`` puts the next URL into the body."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        page = int(query.get("p", 0))
        body = {"data": [{"id": 2 * page + i} for i in (1, 2)]}
        return body | place(f"/items?p={page + 1}" if page < 2 else None)

    return respond


# next_url_path, function of the next URL that gives the rest of the body
LINKS: dict[str, tuple[str, Any]] = {
    "plain": ("@odata.nextLink", lambda url: {"@odata.nextLink": url} if url else {}),
    "double quotes": ('["page.next"]', lambda url: {"page.next": url}),
    "below a key": ("$.meta['next.url']", lambda url: {"meta": {"next.url": url}}),
    "index": ("links[0].href", lambda url: {"links": [{"href": url}] if url else []}),
    "filter": (
        "links[?(@.rel=='next')].href",
        lambda url: {"links": [{"rel": "self", "href": "/items"}, {"rel": "next", "href": url}]},
    ),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_at_any_path_leads_to_the_last_page(api: Api, name: str) -> None:
    path, place = LINKS[name]
    api.on("/items", linked(place))
    paginator = {"type": "json_link", "next_url_path": path}
    outcome = read(shop(item({"paginator": paginator, "data_selector": "data"})))
    assert sorted(outcome.ids()) == [1, 2, 3, 4, 5, 6]
    assert outcome.readings["items"].complete


@pytest.mark.parametrize("path", ["data[-1].id", "$.data[-1:].id", "data[-1]['id']"])
def test_the_last_record_is_the_cursor(api: Api, path: str) -> None:
    def respond(_: str, query: Query, headers: Any) -> Body:
        after = int(query.get("after", 0))
        return {"data": [{"id": after + i} for i in (1, 2)] if after < 6 else []}

    api.on("/items", respond)
    cursor = {"type": "cursor", "cursor_path": path, "cursor_param": "after"}
    outcome = read(shop(item({"paginator": cursor, "data_selector": "data"})))
    assert sorted(outcome.ids()) == [1, 2, 3, 4, 5, 6]


def test_a_last_record_without_the_cursor_is_an_error(api: Api) -> None:
    api.on("/items", {"data": [{"id": 1, "seq": 5}, {"id": 2}]})
    cursor = {"type": "cursor", "cursor_path": "data[-1].seq", "cursor_param": "after"}
    outcome = read(shop(item({"paginator": cursor, "data_selector": "data"})))
    assert "'data[-1].seq' ends at an element without that key" in outcome.error()


@pytest.mark.parametrize(
    ("selector", "place"),
    [
        ("data", lambda r: r),
        ("data[*].of", lambda r: [{"of": one} for one in r]),
        ("data.*", lambda r: {str(one["id"]): one for one in r}),
        ("data[?(@.id>0)]", lambda r: r),
        ("data[0].rows", lambda r: [{"rows": r}]),
        ("..data", lambda r: r),
    ],
)
def test_null_beside_an_empty_cursor_is_an_empty_page(api: Api, selector: str, place: Any) -> None:
    def respond(_: str, query: Query, headers: Any) -> Body:
        if "after" in query:
            return {"data": None, "next": None}
        return {"data": place([{"id": 1}, {"id": 2}]), "next": "z"}

    api.on("/items", respond)
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    assert read(shop(item({"paginator": cursor, "data_selector": selector}))).ids() == [1, 2]


KINDS = [{"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}, {"id": 3}]
WRAPPED = [{"of": {"id": 1}}, {"of": None}, {"x": 1}, {"of": {"id": 2}}]

# selector, body -> expected keys, or a part of the message
RECORDS: dict[str, tuple[str, Any, list[int] | str]] = {
    "key of each element": ("list[*].of", {"list": WRAPPED}, [1, 2]),
    "key of each element, bare list": ("list[*].of", WRAPPED, [1, 2]),
    "key of each element of the body": ("$[*].of", WRAPPED, [1, 2]),
    "key that no element has": ("list[*].of", {"list": KINDS}, "no 'of'"),
    "key that no element of a bare list has": ("[*].of", KINDS, "no 'of'"),
    "key of each element of none": ("list[*].of", {"list": []}, []),
    "wildcard without its list": ("list[*].of", {"rows": []}, "no 'list'"),
    "wildcard of null": ("list[*].of", {"list": None}, "null at 'list[*].of'"),
    "lists of each element": ("[*].rows", [{"rows": [{"id": 1}]}, {"rows": []}, {"rows": [{"id": 2}]}], [1, 2]),
    "filter": ("list[?(@.kind=='a')]", {"list": KINDS}, [1]),
    "filter of a bare list": ("$[?(@.kind=='b')]", KINDS, [2]),
    "filter without a match": ("list[?(@.kind=='c')]", {"list": KINDS}, []),
    "filter of none": ("list[?(@.kind=='c')]", {"list": []}, []),
    "filter without its list": ("list[?(@.kind=='a')]", {"error": "busy"}, "no 'list'"),
    "filter of an error body": ("$[?(@.kind=='a')]", {"error": {"code": 1}}, "nothing at"),
    "index": ("list[0].rows", {"list": [{"rows": [{"id": 1}]}]}, [1]),
    "index of none": ("list[0].rows", {"list": []}, []),
    "index beyond the end": ("list[1].rows", {"list": [{"rows": []}]}, "nothing at"),
    "at every depth": ("..rows", {"a": {"rows": [{"id": 1}]}, "b": {"rows": [{"id": 2}]}}, [1, 2]),
    "key with a dot": ("odata.value", {"odata.value": [{"id": 1}]}, [1]),
    "plain key of a bare list's objects": ("of", [{"of": {"id": 1}}], "try [*].of"),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_records_at_a_path(api: Api, name: str) -> None:
    selector, body, expected = RECORDS[name]
    api.on("/items", body)
    outcome = read(shop(item({"data_selector": selector})))
    if isinstance(expected, str):
        assert expected in outcome.error()
    else:
        assert sorted(outcome.ids()) == expected


def test_a_field_whose_name_holds_a_dot(api: Api) -> None:
    api.on(
        "/items",
        [
            {"user.id": 1, "user.name": "literal", "user": "kept"},
            {"user": {"id": 2, "name": "nested"}},
            {"user": {"id": 3, "name": None, "age": 5}, "user.name": "beside", "user.id": 9},
            {"user.id": 4, "user": {"name": None}, "user.name": None},
        ],
    )
    columns = {"user.id": "bigint", "user.name": "text"}
    rows = read(shop(item(columns=columns, primary_key="user.id"))).rows["items"]
    found = [(row["user__id"], row.get("user__name"), row.get("_extra")) for row in rows]
    assert [(i, n, json.loads(e) if e else None) for i, n, e in found] == [
        (1, "literal", {"user": "kept"}),
        (2, "nested", None),
        (3, "beside", {"user": {"age": 5}, "user.id": 9}),
        (4, None, None),
    ]


def test_a_dot_deep_in_a_path_and_in_an_alias(api: Api) -> None:
    api.on(
        "/items",
        [
            {"id": 1, "a": {"b.c": "x", "d": 1}},
            {"id": 2, "a.b": {"c": "y", "d": 2}},
            {"id": 3, "o.c": "z"},
            {"id": 4, "a": {"b": {"c": "v"}}, "o.c": "unused"},
        ],
    )
    columns = {"id": "bigint", "a.b.c": {"data_type": "text", "aliases": ["o.c"]}}
    rows = read(shop(item(columns=columns))).rows["items"]
    assert [row["a__b__c"] for row in rows] == ["x", "y", "z", "v"]
    extras = [json.loads(row["_extra"]) if row.get("_extra") else None for row in rows]
    assert extras == [{"a": {"d": 1}}, {"a.b": {"d": 2}}, None, {"o.c": "unused"}]


def test_a_quoted_field_is_exact_and_has_a_column_of_its_own(api: Api) -> None:
    api.on("/items", [{"id": 1, "a.b": 5, "a": {"b": 6}}, {"id": 2, "a": {"b": 7}}])
    columns = {"id": "bigint", "['a.b']": "bigint", "a.b": "bigint"}
    rows = read(shop(item(columns=columns))).rows["items"]
    assert [(row.get("a_b"), row["a__b"], row.get("_extra")) for row in rows] == [
        (5, 6, None),
        (None, 7, None),
    ]


def test_a_quoted_value_that_does_not_fit_keeps_its_name(api: Api) -> None:
    api.on("/items", [{"id": 1, "a.b": "many"}])
    rows = read(shop(item(columns={"id": "bigint", "['a.b']": "bigint"}))).rows["items"]
    assert json.loads(rows[0]["_extra"]) == {"a.b": "many"}


def test_fields_with_dots_are_inferred(api: Api) -> None:
    api.on("/items", [{"user.id": 1, "@odata.etag": "x", ".": "y"}, {"user": {"id": 2}}])
    rows = read(shop(item(columns={}, primary_key="user.id"))).rows["items"]
    assert [row["user__id"] for row in rows] == [1, 2]
    assert rows[0]["aodata__etag"] == "x"


def test_a_cursor_and_a_child_follow_fields_with_dots(api: Api) -> None:
    api.on("/items", [{"item.id": "a", "meta.at": "2024-02-29T01:00:00Z"}])
    api.on("/items/a/kids", [{"id": 7, "up.id": "own"}, {"id": 8}])
    columns = {"item.id": "text", "meta.at": "timestamp"}
    parent = item(
        {"incremental": {"cursor_path": "meta.at"}}, columns=columns, primary_key="item.id"
    )
    kids = {
        "name": "kids",
        "endpoint": {
            "path": "/items/{up}/kids",
            "params": {"up": {"type": "resolve", "resource": "items", "field": "item.id"}},
        },
        "include_from_parent": {"up.id": "item.id"},
        "columns": {"id": "bigint", "up.id": "text"},
        "primary_key": "id",
    }
    outcome = read(shop(parent, kids))
    assert [(row["id"], row["up__id"], row.get("_extra")) for row in outcome.rows["kids"]] == [
        (7, "own", None),
        (8, "a", None),
    ]
    assert len(outcome.rows["items"]) == 1


BY_KEY = {"a": {"n": 1}, "b": {"n": 2}}

# selector, body -> expected rows, or a part of the message
KEYED: dict[str, tuple[str, Any, Any]] = {
    "below a key": ("data.*", {"data": BY_KEY}, [("a", 1), ("b", 2)]),
    "brackets": ("$.data[*]", {"data": BY_KEY}, [("a", 1), ("b", 2)]),
    "the body": ("*", BY_KEY, [("a", 1), ("b", 2)]),
    "filter": ("data[?(@.n>1)]", {"data": BY_KEY}, [("b", 2)]),
    "empty": ("data.*", {"data": {}}, []),
    "equal value of its own": ("data.*", {"data": {"7": {"id": 7, "n": 1}}}, [("7", 1)]),
    "other value of its own": ("data.*", {"data": {"7": {"id": 8}}}, "key_field"),
    "list below each key": ("data.*", {"data": {"a": [{"n": 1}]}}, [("a", 1)]),
    "below the wildcard": ("data.*.of", {"data": {"a": {"of": {"n": 1}}}}, [("a", 1)]),
}


@pytest.mark.parametrize("name", KEYED)
def test_records_by_key_keep_their_key(api: Api, name: str) -> None:
    selector, body, expected = KEYED[name]
    api.on("/items", body)
    columns = {"id": "text", "n": "bigint"}
    source = shop(item({"data_selector": selector, "key_field": "id"}, columns=columns))
    outcome = read(source)
    if isinstance(expected, str):
        assert expected in outcome.error()
    else:
        assert [(row["id"], row["n"]) for row in outcome.rows["items"]] == expected
        assert not outcome.readings["items"].rejected


def test_a_key_is_dropped_unless_a_field_takes_it(api: Api) -> None:
    api.on("/items", {"data": {"a": {"id": 1}}})
    assert read(shop(item({"data_selector": "data.*"}))).ids() == [1]


def test_the_link_of_odata_is_followed_without_a_declaration(api: Api) -> None:
    api.on("/items", linked(lambda url: {"@odata.nextLink": url} if url else {}))
    outcome = read(shop(item({"data_selector": "data", "paginator": "auto"})))
    assert sorted(outcome.ids()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("names", [["['a.b']", "a.b"], ["a.b", "['a.b']"]], ids=str)
def test_two_values_of_one_spelling_that_do_not_fit_are_both_kept(
    api: Api, names: list[str]
) -> None:
    api.on("/items", [{"id": 1, "a.b": "x", "a": {"b": "y"}}])
    columns = {"id": "bigint", **dict.fromkeys(names, "bigint")}
    (row,) = read(shop(item(columns=columns))).rows["items"]
    assert sorted(json.loads(row["_extra"]).values()) == ["x", "y"]
