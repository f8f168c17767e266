"""Requests stay on the configured origin: headers, credentials, redirects and links."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.common.errors import ForeignOrigin
from analytics_sync_tests.support.scripted_api import Api, item, other_api, read, shop, shop_api

api = shop_api
elsewhere = other_api

DATA = [{"id": 1}]
KEY = {
    "type": "api_key",
    "name": "X-Key",
    "api_key": 'dlt.secrets["api_key"]',
    "location": "header",
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_origin_is_followed(
    api: Api, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush")
    api.on("/items", (status, {"Location": "/v2/items?a=b"}, b""))
    api.on("/v2/items", DATA)
    assert read(shop(item(), auth=KEY)).ids() == [1]
    assert api.paths() == ["/items", "/v2/items"]
    assert [s.headers["x-key"] for s in api.seen] == ["hush", "hush"]
    assert api.seen[1].query == {"a": "b"}


def test_redirects_in_a_loop_are_an_error(api: Api) -> None:
    api.on("/items", (302, {"Location": "/items"}, b""))
    assert "redirects" in read(shop(item())).error()
    assert len(api.seen) == 6


# paginator, link in the body or in headers; HOST stands for the address of the server
LINKS: dict[str, tuple[Any, Any]] = {
    "json_link absolute": ({"type": "json_link", "next_url_path": "links.next"}, "HOST/items?at=2&f=x%20y"),
    "json_link relative": ({"type": "json_link", "next_url_path": "links.next"}, "/items?at=2&f=x%20y"),
    "json_link query only": ({"type": "json_link", "next_url_path": "links.next"}, "?at=2&f=x%20y"),
    "header_link": ("header_link", [("Link", '<HOST/?a>; rel="prev", <HOST/items?at=2&f=x%20y>; rel="next"')]),
    "header_link relative": ("header_link", [("Link", '</items?at=2&f=x%20y>; rel="next"')]),
    "header_link, two headers": (
        "header_link",
        [("Link", '<HOST/items?at=2&f=x%20y>; rel="next"'), ("Link", '<HOST/items>; rel="first"')],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
def test_links_are_followed_unchanged(api: Api, name: str) -> None:
    paginator, link = LINKS[name]
    headers = [] if isinstance(link, str) else [(n, v.replace("HOST", api.url)) for n, v in link]
    body = {"links": {"next": link.replace("HOST", api.url)}} if isinstance(link, str) else {}
    last = {"data": [{"id": 2}], "links": {"next": None}}
    api.on("/items", (200, headers, {"data": DATA, **body}), last)
    endpoint = {"paginator": paginator, "data_selector": "data", "params": {"size": 1}}
    assert read(shop(item(endpoint))).ids() == [1, 2]
    assert api.queries() == [{"size": "1"}, {"at": "2", "f": "x y"}]


OTHER = "http://OTHER/items"
# links to another origin; HERE and OTHER stand for the servers, PORT for the port of HERE
AWAY = {
    "another port": OTHER,
    "another scheme": "https://HERE/items",
    "another host": OTHER.replace("OTHER", "localhost:PORT"),
    "no scheme": "//OTHER/items",
    "user info": "http://HERE@OTHER/items",
    "a backslash that some parsers read as a slash": "http://OTHER\\@HERE/items",
    "a tab": "http://OTHER\t/items",
    "another kind of link": "file:///etc/passwd",
    "not a URL": "http://[::1/items",
}
# paginator, response that holds the link
CARRIERS: dict[str, tuple[Any, Any]] = {
    "redirect": ("single_page", lambda link: (302, {"Location": link}, b"")),
    "json_link": (
        {"type": "json_link", "next_url_path": "next"},
        lambda link: {"data": DATA, "next": link},
    ),
    "header_link": (
        "header_link",
        lambda link: (200, {"Link": f'<{link}>; rel="next"'}, {"data": DATA}),
    ),
}


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_nothing_is_sent_to_another_origin(
    api: Api, elsewhere: Api, monkeypatch: pytest.MonkeyPatch, carrier: str, away: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush")
    here, other = api.url.removeprefix("http://"), elsewhere.url.removeprefix("http://")
    link = AWAY[away].replace("OTHER", other).replace("HERE", here)
    link = link.replace("PORT", here.partition(":")[2])
    paginator, response = CARRIERS[carrier]
    api.on("/items", response(link))
    api.on("*", DATA)
    elsewhere.on("*", DATA)
    source = shop(item({"paginator": paginator, "data_selector": "data"}), auth=KEY)
    outcome = read(source)
    assert isinstance(outcome.failures["items"], ForeignOrigin)
    assert "nothing was sent" in outcome.error()
    assert elsewhere.seen == []
    assert len(api.seen) == 1


# link -> expected request target; HOST is the address of the server, HERE the same without scheme
TARGETS = {
    "no path": ("HOST?a=b", "/?a=b"),
    "origin only": ("HOST", "/"),
    "a fragment": ("HOST/x?a=b#c?d", "/x?a=b"),
    "two slashes": ("HOST/x//y", "/x//y"),
    "a dot segment": ("HOST/a/%2E%2E/x", "/a/%2E%2E/x"),
    "an address in the query": ("HOST/x?at=http://other.invalid/y", "/x?at=http://other.invalid/y"),
    "a blank": ("HOST/a b?c=d e", "/a%20b?c=d%20e"),
    "user info": ("http://me:word@HERE/x", "/x"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_path_and_query_of_a_link_are_sent_unchanged(api: Api, name: str) -> None:
    link, target = TARGETS[name]
    link = link.replace("HOST", api.url).replace("HERE", api.url.removeprefix("http://"))
    api.on("/items", (302, {"Location": link}, b""))
    api.on("*", DATA)
    assert read(shop(item())).ids() == [1]
    assert [s.target for s in api.seen] == ["/items", target]
    assert "authorization" not in api.seen[1].headers


@pytest.mark.parametrize("no_proxy", ["", "api.shop.invalid"])
def test_a_proxy_is_used_unless_no_proxy_excludes_the_host(
    elsewhere: Api, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "http://api.shop.invalid/v1")
    monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", "true")
    monkeypatch.setenv("http_proxy", elsewhere.url)
    monkeypatch.setenv("no_proxy", no_proxy)
    elsewhere.on("*", DATA)
    outcome = read(shop(item({"params": {"a": "b"}})))
    if no_proxy:
        assert "api.shop.invalid" in outcome.error()
        assert not elsewhere.seen
    else:
        assert outcome.ids() == [1]
        assert elsewhere.seen[0].target == "http://api.shop.invalid/v1/items?a=b"
        assert elsewhere.seen[0].headers["host"] == "api.shop.invalid"


def test_requests_ask_for_json_and_carry_the_declared_headers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TEAM", "blue")
    api.on("/items", DATA)
    headers = {"X-Plain": "p", "X-Team": 'dlt.config["team"]', "X-Opt": {"type": "secret", "key": "opt", "optional": True}}  # fmt: skip
    read(shop(item({"headers": {"X-Own": "o"}}), headers=headers))
    sent = api.seen[0].headers
    assert sent["accept"] == "application/json"
    assert (sent["x-plain"], sent["x-team"], sent["x-own"]) == ("p", "blue", "o")
    assert "x-opt" not in sent


# declared auth, header, expected value
AUTHS: dict[str, tuple[dict[str, str], str, str]] = {
    "api_key": (KEY, "x-key", "hush"),
    "bearer": ({"type": "bearer", "token": 'dlt.secrets["api_key"]'}, "authorization", "Bearer hush"),
    "basic": (
        {"type": "http_basic", "username": "me", "password": 'dlt.secrets["api_key"]'},
        "authorization",
        "Basic bWU6aHVzaA==",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AUTHS)
def test_credentials_are_sent_as_declared(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    auth, header, value = AUTHS[name]
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush")
    api.on("/items", DATA)
    read(shop(item(), auth=auth))
    assert api.seen[0].headers[header] == value


def test_settings_rename_the_headers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_KEY": "a", "API_KEY_NAME": "X-Mine", "SECOND": "b", "SECOND_NAME": "X-Other"}.items():  # fmt: skip
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
    api.on("/items", DATA)
    read(shop(item(), auth=KEY, headers={"second": {"type": "secret", "key": "second"}}))
    sent = api.seen[0].headers
    assert (sent["x-mine"], sent["x-other"]) == ("a", "b")
    assert "x-key" not in sent
    assert "second" not in sent
