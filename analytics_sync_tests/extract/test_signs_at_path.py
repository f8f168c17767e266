"""Declared paths of cursors and links that lead into lists, and elements that lack the last key.

In: APIs that rename the key, and APIs whose last page has an empty or partial link. Out: an error that
names the path, or the end.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, shop, shop_api

api = shop_api
NEXT = "/items?p=2"


def read_listing(api: Api, paginator: dict[str, Any], *pages: Any, **endpoint: Any) -> Outcome:
    """Read a listing whose first page leads to the others."""
    api.on("/items", *pages)
    selector = {"data_selector": "data"} if isinstance(pages[-1], dict) else {}
    return read(shop(item({"paginator": paginator, **selector, **endpoint})))


def page(number: int, key: str, elements: Any) -> dict[str, Any]:
    return {"data": [{"id": number}], key: elements}


# path of the link, the list of links on the last page
LAST_PAGES: dict[str, tuple[str, Any]] = {
    "no link": ("links[0].href", []),
    "empty link": ("links[0].href", [{}]),
    "relation without link": ("links[0].href", [{"rel": "next"}]),
    "null": ("links[0].href", [{"rel": "next", "href": None}]),
    "link backwards": ("links[0].href", [{"rel": "prev", "uri": "/items?p=0"}]),
    "link backwards by its key": ("links[0].href", [{"previous": "/items?p=0"}]),
    "words": ("links[0].href", [{"title": "Next", "type": "text/html", "disabled": True}]),
    "filter, relation without link": ("links[?(@.rel=='next')].href", [{"rel": "next"}]),
    "filter, other relations": ("links[?(@.rel=='next')].href", [{"rel": "self", "href": "/items"}]),
    "filter, links backwards": ("links[?(@.rel=='next')].href", [{"relation": "prev", "href": "/items"}]),
    "any element": ("links[*].next", [{"prev": "/items?p=0"}, {"first": "/items"}]),
    "nested": ("links[0].next.href", [{"next": {}}]),
    "number of the page": ("links[0].href", [{"page": 2, "size": 10}]),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST_PAGES)
def test_an_empty_or_partial_link_is_the_end(api: Api, name: str) -> None:
    path, last = LAST_PAGES[name]
    first: dict[str, Any] = {"rel": "next", "href": NEXT, "next": NEXT}
    if "next.href" in path:
        first["next"] = {"href": NEXT}
    paginator = {"type": "json_link", "next_url_path": path}
    outcome = read_listing(api, paginator, page(1, "links", [first]), page(2, "links", last))
    assert outcome.ids() == [1, 2]
    assert outcome.readings["items"].complete


# path of the link, an element of the only page
RENAMED: dict[str, tuple[str, Any]] = {
    "other key": ("nav[0].href", {"uri": NEXT}),
    "other key, relation": ("nav[0].href", {"rel": "next", "url": NEXT}),
    "other key, relations": ("nav[0].href", {"rel": ["next", "nofollow"], "url": NEXT}),
    "spelled with a capital": ("nav[-1].nextUrl", {"nextURL": "https://example.com/items?p=2"}),
    "filter": ("nav[?(@.rel=='next')].href", {"rel": "next", "link": NEXT}),
    "other field of the filter": ("nav[?(@.rel=='next')].href", {"relation": "next", "href": NEXT}),
    "any element": ("nav[*].next", {"next_page_url": NEXT}),
    "link without its object": ("nav[0].href", NEXT),
    "slice": ("nav[-1:].href", {"target": "?p=2"}),
}  # fmt: skip


@pytest.mark.parametrize("name", RENAMED)
def test_a_link_under_another_key_is_an_error(api: Api, name: str) -> None:
    path, element = RENAMED[name]
    paginator = {"type": "json_link", "next_url_path": path}
    error = read_listing(api, paginator, page(1, "nav", [element])).error()
    assert "the API says that there is more (there is a link at " in error
    assert f"and hands out no link at {path!r}. Look at next_url_path." in error


@pytest.mark.parametrize("last", [{}, {"size": 10, "number": 2}, {"prev": "a"}, {"next": None}])
def test_an_empty_or_partial_cursor_is_the_end(api: Api, last: Any) -> None:
    paginator = {"type": "cursor", "cursor_path": "pages[0].next", "cursor_param": "from"}
    first = page(1, "pages", [{"next": "b", "size": 10}])
    outcome = read_listing(api, paginator, first, page(2, "pages", [last]))
    assert outcome.ids() == [1, 2]
    assert outcome.readings["items"].complete


def test_a_cursor_under_another_key_is_an_error(api: Api) -> None:
    paginator = {"type": "cursor", "cursor_path": "pages[0].next", "cursor_param": "from"}
    error = read_listing(api, paginator, page(1, "pages", [{"nextCursor": "b"}])).error()
    assert "there is a cursor at nextCursor beside pages[0].next" in error
    assert "hands out no cursor at 'pages[0].next'. Look at cursor_path." in error


# path of the cursor, selector, body of the only page; its last record lacks the cursor
LAST_RECORDS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "list": ("data[-1].seq", {}, {"data": [{"id": 1, "seq": 1}, {"id": 2, "url": "/2"}]}),
    "bare list": ("$[-1].seq", {}, [{"id": 1, "seq": 1}, {"id": 2}]),
    "object around the record": (
        "data[-1].seq", {"data_selector": "data[*].of"}, {"data": [{"of": {"id": 1}, "url": "/1"}]},
    ),
    "record that the selector leaves out": (
        "data[-1].seq", {"data_selector": "data[?(@.v==1)]"},
        {"data": [{"id": 1, "v": 1}, {"id": 2, "v": 2, "number": 7}]},
    ),
    "no record that the selector takes": (
        "data[-1].seq", {"data_selector": "data[?(@.v==1)]"}, {"data": [{"id": 2, "v": 2}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST_RECORDS)
def test_a_record_without_the_cursor_is_an_error(api: Api, name: str) -> None:
    path, selector, body = LAST_RECORDS[name]
    paginator = {"type": "cursor", "cursor_path": path, "cursor_param": "after"}
    error = read_listing(api, paginator, body, **selector).error()
    assert f"the cursor path {path!r} ends at an element without that key" in error


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "offset", "limit": 2, "total_path": "['@odata.count']"},
        {"type": "offset", "limit": 2, "cursor_path": "['page.before']"},
        {"type": "page_number", "base_page": 0, "total_path": "meta['page.count']"},
    ],
    ids=["total of an offset", "cursor of an offset", "total of pages"],
)
def test_a_quoted_key_may_be_a_total_or_a_cursor(api: Api, paginator: dict[str, Any]) -> None:
    def respond(path: str, query: dict[str, Any], headers: Any) -> Any:
        start = int(query.get("offset", 0)) + 2 * int(query.get("page", 0))
        rows = [{"id": n} for n in range(5)[start : start + 2]]
        return {"data": rows, "@odata.count": 5, "meta": {"page.count": 3}}

    outcome = read_listing(api, paginator, respond, data_selector="data")
    assert outcome.ids() == [0, 1, 2, 3, 4]
