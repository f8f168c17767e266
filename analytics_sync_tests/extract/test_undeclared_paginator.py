"""APIs whose pages are linked, and no paginator is declared: certain links are followed, no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.errors import ForeignOrigin, PaginationStuck
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.echoes import KEY
from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    Query,
    item,
    other_api,
    read,
    shop,
    shop_api,
)

api, other = shop_api, other_api

PAGES = [[{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 4}], [{"id": 5}]]
ALL = [1, 2, 3, 4, 5]
Answer = Callable[[list[Any], str | None], Any]
"""The answer with the records of a page and the path of the next page; None on the last page."""


def undeclared(**endpoint: Any) -> Source:
    declared = {"paginator": "auto", "data_selector": "data", **endpoint}
    resource = item({key: value for key, value in declared.items() if value is not None})
    if endpoint.get("paginator", "auto") is None:
        del resource["endpoint"]["paginator"]
    return shop(resource)


def serve(api: Api, answer: Answer, path: str = "/items") -> None:
    """Serve the pages at ``/items``; the other pages below ``path``."""

    def page(_: str, query: Query, headers: Mapping[str, str]) -> Any:
        number = int(query.get("page", 0))
        link = f"{path}?page={number + 1}" if number + 1 < len(PAGES) else None
        return answer(PAGES[number], link)

    api.on("/items", page)
    api.on(path, page)


def header(value: str) -> Answer:
    return lambda records, link: (200, {"Link": value.format(link)} if link else {}, records)


# what an answer holds beside its records, for the path of the next page
FOLLOWED: dict[str, Callable[[str | None, str], Any]] = {
    "absolute": lambda link, url: {"next": link and url + link},
    "path": lambda link, url: {"next": link},
    "query": lambda link, url: {"next": link and "?" + link.partition("?")[2]},
    "empty at the end": lambda link, url: {"next": link or ""},
    "absent at the end": lambda link, url: {"next": link} if link else {},
    "object": lambda link, url: {"_links": {"self": {"href": "/items"}, "next": {"href": link}}},
    "object with a URL": lambda link, url: {"next": {"url": link} if link else None},
    "links": lambda link, url: {"links": {"prev": "/items", "next": link}},
    "deep": lambda link, url: {"meta": {"pagination": {"links": {"next": link}}}},
    "name of a link": lambda link, url: {"next_page_url": link, "per_page": 2},
    "paging": lambda link, url: {"paging": {"nextLink": link and url + link}},
    "a cursor beside it": lambda link, url: {"next": link, "next_cursor": link and "c"},
    "twice": lambda link, url: {"next": link, "links": {"next": link and url + link}},
    "name with a dash": lambda link, url: {"meta": {"next-page": link}},
    "a name of its own": lambda link, url: {"search": {"next_results": link}},
    "an absolute token": lambda link, url: {"next_token": link and url + link},
    "a flag beside it": lambda link, url: {"next": link, "has_more": link is not None},
    "a total beside it": lambda link, url: {"next": link, "count": 5},
}


def assert_whole(outcome: Outcome) -> None:
    assert outcome.ids() == ALL
    reading = outcome.readings["items"]
    assert reading.complete
    assert reading.findings.by_check() == {}


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_link_where_dlt_looks_is_followed(api: Api, name: str) -> None:
    serve(api, lambda records, link: {"data": records, **FOLLOWED[name](link, api.url)})
    assert_whole(read(undeclared()))
    assert len(api.seen) == 3


@pytest.mark.parametrize("paginator", [None, "auto"])
def test_a_header_is_followed(api: Api, paginator: str | None) -> None:
    serve(api, header('</items?page=1>; rel="first", <{0}>; rel="next"'))
    assert_whole(read(undeclared(paginator=paginator, data_selector=None)))


def test_the_next_page_may_have_another_path(api: Api) -> None:
    serve(api, lambda r, link: {"result": {"items": r, "next": link}}, "/items/more")
    assert_whole(read(undeclared(data_selector="result.items")))


def test_a_name_of_the_next_page_with_another_path(api: Api) -> None:
    serve(api, lambda r, link: {"data": r, "links": {"nextPageHref": link}}, "/items/more")
    assert_whole(read(undeclared()))


def test_a_link_gets_back_the_filter_that_it_has_lost(api: Api) -> None:
    serve(api, lambda records, link: {"data": records, "next": link})
    assert_whole(read(undeclared(params={"state": "open"})))
    assert [query["state"] for query in api.queries()] == ["open"] * 3


def test_a_page_that_repeats_a_secret(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "k/Y+7Qm2Vt9=Rb4&Lw8"
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)

    def outcome(selector: str) -> Outcome:
        source = item(
            {"paginator": "auto", "data_selector": selector}, columns={"id": "bigint", "t": "text"}
        )
        return read(shop(source, auth=KEY))

    row = {"id": 1, "t": f"you sent {secret}"}
    api.on("/items", {"data": [row], "next": "/items?page=2"}, {"data": [{"id": 2}], "next": None})
    assert outcome("data").ids() == [1, 2]
    api.on("/items", {"data": {**row, "next": "/items?page=2"}})
    assert outcome("data").ids() == [1]
    assert api.paths() == ["/items"] * 3


def test_null_in_place_of_the_last_records_is_an_empty_page(api: Api) -> None:
    api.on("/items", {"data": PAGES[0], "next": "/items?page=2"}, {"data": None, "next": None})
    assert read(undeclared()).ids() == [1, 2]


def test_each_parent_has_pages_of_its_own(api: Api) -> None:
    api.on("/stores", [{"id": 1}, {"id": 2}])
    api.on("/stores/1/items", {"data": [{"id": 7}]})
    linked = {"data": [{"id": 8}], "next": "/stores/2/items?page=2"}
    api.on("/stores/2/items", linked, {"data": [{"id": 9}]})
    child = item({"path": "/stores/{resources.stores.id}/items", "data_selector": "data"})
    del child["endpoint"]["paginator"]
    assert sorted(read(shop(item(name="stores"), child)).ids()) == [7, 8, 9]


# what the last of two pages holds beside its records, and a part of the message
SAYS_MORE: dict[str, tuple[dict[str, Any], str]] = {
    "flag": ({"next": None, "has_more": True}, "has_more is true"),
    "total": ({"next": None, "total": 9}, "total is 9, and 3 records"),
    "cursor": ({"next": None, "next_cursor": "c"}, "there is a cursor at next_cursor"),
    "another link": ({"links": {"next": "/items?page=3"}}, "there is a link at links.next"),
}


@pytest.mark.parametrize("name", SAYS_MORE)
def test_an_end_that_another_sign_doubts_is_an_error(api: Api, name: str) -> None:
    beside, said = SAYS_MORE[name]
    first = {"data": PAGES[0], "next": "/items?page=2", "total": 9}
    api.on("/items", first, {"data": [{"id": 3}], **beside})
    outcome = read(undeclared())
    assert type(outcome.failures["items"]) is PaginationStuck
    assert said in outcome.error()
    assert "hands out no further link at 'next'" in outcome.error()
    assert """{type: json_link, next_url_path: "next"}""" in outcome.error()


def test_a_link_in_the_body_after_those_of_the_header_is_an_error(api: Api) -> None:
    api.on(
        "/items",
        (200, {"Link": "</items?page=2>; rel=next"}, {"data": PAGES[0]}),
        {"data": PAGES[1], "next": "/items?page=3"},
    )
    assert "no further link with rel='next' in the header Link" in read(undeclared()).error()


# answers whose next page is not certain, and a part of the message
UNCERTAIN: dict[str, tuple[Any, str]] = {
    "link in a list": (
        {"data": PAGES[0], "links": [{"rel": "next", "href": "/items?page=2"}]},
        "no paginator is declared",
    ),
    "cursor with a slash": ({"data": PAGES[0], "next_cursor": "/wE="}, "no paginator is declared"),
    "link of something else": (
        {"data": PAGES[0], "owner": {"next_url": "/owners/7"}},
        "a next link at 'owner.next_url'",
    ),
    "two links": (
        {"data": PAGES[0], "next": "/items?page=2", "links": {"next": "/items?from=2"}},
        "different next links at 'next' and 'links.next'",
    ),
    "link in an object of no known name": (
        {"data": PAGES[0], "list_info": {"next": {"href": "/items/page/2"}}},
        "a next link at 'list_info.next.href'",
    ),
    "header of one object": (
        (200, {"Link": "</items/2>; rel=next"}, {"data": {"id": 1}}),
        "no paginator is declared",
    ),
    "header that cannot be read": (
        (200, {"Link": "/items?page=2; rel=next"}, {"data": PAGES[0]}),
        "no paginator is declared",
    ),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_a_link_that_is_not_certain_is_an_error(api: Api, name: str) -> None:
    answer, said = UNCERTAIN[name]
    api.on("/items", answer)
    outcome = read(undeclared())
    assert type(outcome.failures["items"]) is PaginationStuck
    assert said in outcome.error()
    assert "Declare paginator: " in outcome.error()
    assert len(api.seen) == 1


@pytest.mark.parametrize(
    "beside",
    [{"next": "abc"}, {"next_page": 2}, {"has_more": True}, {"meta": {"next": {"after": "2"}}}],
    ids=str,
)
def test_other_signs_of_more_fail_the_check(api: Api, beside: dict[str, Any]) -> None:
    api.on("/items", {"data": PAGES[0], **beside})
    outcome = read(undeclared())
    assert outcome.ids() == [1, 2]
    assert not outcome.readings["items"].complete
    (message,) = outcome.readings["items"].findings.of(COMPLETE)
    assert "first page only: declare a paginator" in message
    assert len(api.seen) == 1


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("data", {"data": PAGES[2], "schedule": {"next_event": {"href": "/events/7"}}}),
        ("data", {"data": {"id": 5, "next": "/items?page=2"}}),
        ("data.*", {"data": {"5": {"id": 5, "next": "/items?page=2"}}}),
        ("data", {"data": PAGES[2], "schedule": {"next": "5 pm"}}),
        ("$", {"id": 5, "links": {"self": "/items"}}),
        (None, [{"id": 5, "next": "/items?page=2"}]),
    ],
)
def test_addresses_of_other_things_are_no_links(api: Api, selector: str | None, body: Any) -> None:
    api.on("/items", body)
    outcome = read(undeclared(data_selector=selector))
    assert outcome.ids() == [5]
    assert outcome.readings["items"].complete
    assert len(api.seen) == 1


def test_a_link_to_another_origin_is_an_error(api: Api, other: Api) -> None:
    for answer in (
        {"data": PAGES[0], "next": f"{other.url}/items?page=2"},
        (200, {"Link": f"<{other.url}/items?page=2>; rel=next"}, {"data": PAGES[0]}),
    ):
        api.on("/items", answer)
        assert type(read(undeclared()).failures["items"]) is ForeignOrigin
    assert other.seen == []


def test_a_link_that_leads_back_is_an_error(api: Api) -> None:
    api.on("/items", *({"data": [{"id": n}], "next": "/items?page=2"} for n in range(1, 9)))
    assert "same cursor or link again" in read(undeclared()).error()
    api.on("/items", *({"data": PAGES[0], "next": f"/items?page={n}"} for n in range(1, 9)))
    assert "the same page again" in read(undeclared()).error()


def test_a_page_that_is_gone_is_an_error(api: Api) -> None:
    api.on("/items", {"data": PAGES[0], "next": "/items?page=2"}, (404, {}, {}))
    assert "404" in read(undeclared()).error()
