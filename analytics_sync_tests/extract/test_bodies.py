"""Requests with a body: POST, JSON and forms, paging in the body, redirects and retries.

In: resources with ``method: POST``. Out: every row once, and no request that differs from the declared one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.catalog.errors import CatalogError
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

RECORDS = [{"id": n} for n in range(23)]


def search(paginator: Any, **endpoint: Any) -> dict[str, Any]:
    return item({"method": "POST", "data_selector": "results", "paginator": paginator, **endpoint})


def body_api(api: Api, size: int) -> None:
    """An API that pages by the body: ``page`` from 1, ``start``, or a cursor in ``paging.after``."""

    def answer(path: str, query: Query, headers: Any) -> Any:
        body = api.seen[-1].json
        paging = body.get("paging", {})
        start = int(paging.get("after", body.get("start", (body.get("page", 1) - 1) * size)))
        page = RECORDS[start : start + min(size, body.get("limit", size))]
        end = start + len(page)
        after = {"after": str(end)} if end < len(RECORDS) else {}
        return {"results": page, "total": len(RECORDS), "next": after}

    api.on("/items", answer)


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "cursor", "cursor_path": "next.after", "cursor_body_path": "paging.after"},
        {"type": "page_number", "base_page": 1, "page_body_path": "page"},
        {"type": "page_number", "page_body_path": "page"},
        {"type": "offset", "limit": 5, "offset_body_path": "start", "limit_body_path": "limit"},
        {"type": "offset", "limit": 5, "offset_body_path": "start", "limit_body_path": "limit", "total_path": "total"},
    ],
    ids=["cursor", "page_number", "base page unknown", "offset", "offset and total"],
)  # fmt: skip
def test_paging_in_the_body(api: Api, paginator: dict[str, Any]) -> None:
    body_api(api, 5)
    outcome = read(shop(search(paginator, json={"paging": {"sort": "id"}, "filter": "{{x}}"})))
    assert outcome.ids() == list(range(23))
    assert {s.method for s in api.seen} == {"POST"}
    assert all(s.query == {} and s.json["filter"] == "{x}" for s in api.seen)
    assert all(s.json["paging"]["sort"] == "id" for s in api.seen)
    assert {s.headers["content-type"] for s in api.seen} == {"application/json"}


def test_a_body_without_json_begins_with_the_keys_of_the_paginator(api: Api) -> None:
    body_api(api, 10)
    declared = search({"type": "page_number", "base_page": 1, "page_body_path": "page"})
    assert read(shop(declared)).ids() == list(range(23))
    assert api.seen[0].json == {"page": 1}


def test_a_quoted_path_is_one_key_of_the_body(api: Api) -> None:
    api.on("/items", {"results": [{"id": 1}]})
    declared = search(
        {"type": "page_number", "base_page": 1, "maximum_page": 1, "page_body_path": "['p.no']"}
    )
    assert read(shop(declared)).ids() == [1]
    assert api.seen[0].json == {"p.no": 1}


def test_a_form(api: Api) -> None:
    api.on("/items", [{"id": 1}])
    form = {"q": "a&b=ä", "many": [1, 2], "yes": True, "none": None}
    outcome = read(shop(item({"method": "post", "data": form})))
    assert outcome.ids() == [1]
    (seen,) = api.seen
    assert seen.body == b"q=a%26b%3D%C3%A4&many=1&many=2&yes=true"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


def test_the_client_may_name_another_content_type(api: Api) -> None:
    api.on("/items", [{"id": 1}])
    declared = item({"method": "POST", "data": "<q/>"})
    read(shop(declared, headers={"Content-Type": "application/xml"}))
    assert api.seen[0].headers["content-type"] == "application/xml"
    assert api.seen[0].body == b"<q/>"


def test_a_post_is_retried_with_its_body(api: Api) -> None:
    api.on("/items", (503, {}, {}), [{"id": 1}])
    assert read(shop(item({"method": "POST", "json": {"a": 1}}))).ids() == [1]
    assert [s.json for s in api.seen] == [{"a": 1}] * 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_drops_the_body_is_an_error(api: Api, status: int) -> None:
    api.on("/items", (status, {"Location": "/moved"}, {}))
    api.on("/moved", [{"id": 1}])
    message = read(shop(item({"method": "POST", "json": {"a": 1}}))).error()
    assert f"POST {api.url}/items answered {status}, a redirect that drops the body" in message
    assert api.paths() == ["/items"]


def test_a_redirect_that_keeps_the_body_is_followed(api: Api) -> None:
    api.on("/items", (308, {"Location": "/moved"}, {}))
    api.on("/moved", [{"id": 1}])
    assert read(shop(item({"method": "POST", "json": {"a": 1}}))).ids() == [1]
    assert (api.seen[1].path, api.seen[1].method, api.seen[1].json) == ("/moved", "POST", {"a": 1})


def test_a_link_is_followed_with_the_same_body(api: Api) -> None:
    def answer(path: str, query: Query, headers: Any) -> Any:
        page = int(query.get("page", 0))
        more = {"next": f"{api.url}/items?page={page + 1}"} if page < 2 else {}
        return {"results": [{"id": page}], **more}

    api.on("/items", answer)
    declared = search({"type": "json_link", "next_url_path": "next"}, json={"a": 1})
    assert read(shop(declared)).ids() == [0, 1, 2]
    assert [(s.method, s.json) for s in api.seen] == [("POST", {"a": 1})] * 3


def test_bodies_of_defaults_are_joined_key_by_key(api: Api) -> None:
    api.on("/*", [{"id": 1}])
    text = json.dumps(
        {
            "client": {},
            "resource_defaults": {"endpoint": {"method": "POST", "json": {"a": 1, "b": 1}}},
            "resources": [item({"json": {"b": 2}}), item(name="others")],
        }
    )
    read(load_text(text, name="shop", file="shop.yaml"))
    assert {s.path: s.json for s in api.seen} == {
        "/items": {"a": 1, "b": 2},
        "/others": {"a": 1, "b": 1},
    }


def test_an_error_names_the_method(api: Api) -> None:
    api.on("/items", (400, {}, {"error": "no"}))
    message = read(shop(item({"method": "POST"}))).error()
    assert f"POST {api.url}/items answered 400" in message


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"json": {"a": 1}}, "endpoint.json: expected method: POST beside a body"),
        ({"data": {"a": 1}}, "endpoint.data: expected method: POST beside a body"),
        ({"method": "POST", "json": {}, "data": {}}, "endpoint.data: expected json or data, found both"),
        (
            {"paginator": {"type": "page_number", "page_body_path": "page"}},
            "endpoint.paginator: expected method: POST: page is a place in the body",
        ),
        (
            {"method": "POST", "data": {}, "paginator": {"type": "page_number", "page_body_path": "page"}},
            "endpoint.data: expected json",
        ),
        (
            {"method": "POST", "json": [], "paginator": {"type": "page_number", "page_body_path": "page"}},
            "endpoint.json: expected a mapping",
        ),
        (
            {"method": "POST", "paginator": {"type": "page_number", "page_param": "p", "page_body_path": "page"}},
            "expected page_param or page_body_path, found both",
        ),
        ({"method": "POST", "json": {"{incremental.start_value}": 1}}, "expected endpoint.incremental"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_sent_is_an_error_of_the_file(
    endpoint: dict[str, Any], said: str
) -> None:
    with pytest.raises(CatalogError, match=re.escape(said)):
        shop(item(endpoint))
