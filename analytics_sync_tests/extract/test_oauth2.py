"""OAuth2 client credentials: tokens that are requested, kept, renewed and never shown.

In: a source with ``oauth2_client_credentials``, and an API that knows its tokens. Out: every row once, and as
few token requests as needed.
"""

from __future__ import annotations

import itertools
import json
import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.common.errors import MissingSetting
from analytics_sync.extract.rest_client import oauth2
from analytics_sync.extract.run import ReadRun
from analytics_sync_tests.support.scripted_api import Api, item, other_api, read, shop, shop_api

api = shop_api
elsewhere = other_api

SECRET = "the-secret-of-the-client"
AUTH = {
    "type": "oauth2_client_credentials",
    "access_token_url": '{dlt.config["token_host"]}/token',
    "client_id": 'dlt.config["client"]',
    "client_secret": 'dlt.secrets["secret"]',
    "access_token_request_data": {"scope": "read", "audience": 'for {dlt.config["client"]}'},
}


@pytest.fixture(autouse=True)
def settings(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__CLIENT", "me")
    monkeypatch.setenv("SOURCES__SHOP__SECRET", SECRET)
    monkeypatch.setenv("SOURCES__SHOP__TOKEN_HOST", api.url)


def serve_tokens(api: Api, lives: int = 1000, **answer: Any) -> list[str]:
    """Serve tokens at ``/token``, each good for ``lives`` requests; returns those given."""
    given: list[str] = []
    used: dict[str, int] = {}

    def token(path: str, query: Any, headers: Any) -> Any:
        given.append(f"token-number-{len(given)}")
        return {"access_token": given[-1], "token_type": "Bearer", "expires_in": 3600, **answer}

    def items(path: str, query: Any, headers: Any) -> Any:
        sent = headers.get("authorization", "").removeprefix("Bearer ")
        used[sent] = used.get(sent, 0) + 1
        if sent not in given or used[sent] > lives:
            return (401, {}, {"error": f"no such token {sent}"})
        page = int(query.get("page", 1))
        return {"data": [{"id": page, "echo": f"you sent {sent}"}] if page <= 6 else []}

    api.on("/token", token)
    api.on("/items*", items)
    return given


def paged(**keys: Any) -> dict[str, Any]:
    paginator = {"type": "page_number", "base_page": 1}
    columns = {"id": "bigint", "echo": "text"}
    return item({"paginator": paginator, "data_selector": "data"}, columns=columns, **keys)


def test_one_token_serves_all_requests(api: Api) -> None:
    given = serve_tokens(api)
    others = item({"path": "/items2", "data_selector": "data"}, name="others")
    outcome = read(shop(paged(), others, auth=AUTH))
    assert outcome.ids() == [1, 2, 3, 4, 5, 6]
    assert given == ["token-number-0"]
    (request,) = [s for s in api.seen if s.path == "/token"]
    assert (request.method, request.headers["content-type"]) == (
        "POST",
        "application/x-www-form-urlencoded",
    )
    assert parse_qs(request.body.decode()) == {
        "client_id": ["me"],
        "client_secret": [SECRET],
        "grant_type": ["client_credentials"],
        "scope": ["read"],
        "audience": ["for me"],
    }
    assert "authorization" not in request.headers


def test_a_token_is_a_secret_in_rows_and_messages(api: Api) -> None:
    serve_tokens(api)
    outcome = read(shop(paged(), auth=AUTH))
    assert {row["echo"] for row in outcome.rows["items"]} == {"you sent ***"}
    serve_tokens(api, lives=0)
    message = read(shop(paged(), auth=AUTH)).error()
    assert "answered 401" in message
    assert "token-number" not in message


def test_a_refused_token_is_renewed_once_in_a_request(api: Api) -> None:
    given = serve_tokens(api, lives=2)
    outcome = read(shop(paged(), auth=AUTH, max_connections=1))
    assert outcome.ids() == [1, 2, 3, 4, 5, 6]
    assert len(given) == 4  # seven pages, two for each token
    assert outcome.sleeps == []
    given.clear()
    api.seen.clear()
    serve_tokens(api, lives=0)
    read(shop(paged(), auth=AUTH)).error()
    assert [s.path for s in api.seen] == ["/token", "/items", "/token", "/items"]


def test_a_token_is_renewed_before_it_expires(api: Api) -> None:
    given = serve_tokens(api, expires_in=0.000001)
    assert read(shop(paged(), auth=AUTH, max_connections=1)).ids() == [1, 2, 3, 4, 5, 6]
    assert len(given) == 7


@pytest.mark.parametrize("expires_in", ["3600", None, "soon", -1, 0])
def test_a_life_that_is_no_number_is_the_default(api: Api, expires_in: Any) -> None:
    given = serve_tokens(api, expires_in=expires_in)
    assert read(shop(paged(), auth=AUTH)).ids() == [1, 2, 3, 4, 5, 6]
    assert len(given) == 1


@pytest.mark.parametrize(("default", "tokens"), [(30, 3), (3600, 1)])
def test_a_token_without_a_life_has_the_declared_one(
    api: Api, monkeypatch: pytest.MonkeyPatch, default: int, tokens: int
) -> None:
    """Ten seconds pass before each of seven requests. A token of 30 seconds is renewed after 27."""
    given = serve_tokens(api, expires_in=None)
    seconds = itertools.count(step=10)
    monkeypatch.setattr(oauth2, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    auth = {**AUTH, "default_token_expiration": default}
    assert read(shop(paged(), auth=auth, max_connections=1)).ids() == [1, 2, 3, 4, 5, 6]
    assert len(given) == tokens


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, {"error": f"invalid_client {SECRET}"}), "(the token) answered 401"),
        ((404, {}, {}), "(the token) answered 404"),
        ((302, {"Location": "/items"}, {}), "(the token) answered 302"),
        ({"token": "x"}, "gave no access_token"),
        ((200, {}, b"<html>"), "gave no access_token"),
        ({"access_token": "a\nb"}, "gave no access_token"),
        ({"access_token": "hush-hush-hush", "token_type": "mac"}, "another type than bearer"),
        ((503, {}, {}), "(the token) answered 503 4 times"),
    ],
)
def test_no_token_is_an_error_of_the_resource(api: Api, answer: Any, said: str) -> None:
    api.on("/items", [{"id": 1}])
    api.on("/token", answer)
    message = read(shop(item(), auth=AUTH)).error()
    assert f"POST {api.url}/token" in message
    assert said in message
    assert SECRET not in message
    assert "hush" not in message
    assert "/items" not in api.paths()


@pytest.mark.parametrize(
    "answer", [(401, {}, {}), (503, {}, {}), {}, {"access_token": "a", "token_type": "mac"}]
)
def test_a_secret_in_the_address_of_the_tokens_is_in_no_message(
    api: Api, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TENANT", "hush-hush-hush")
    url = '{dlt.config["token_host"]}/{dlt.secrets["tenant"]}/token'
    auth = {**AUTH, "access_token_url": url}
    api.on("/hush-hush-hush/token", answer)
    assert f"POST {api.url}/***/token" in read(shop(item(), auth=auth)).error()
    monkeypatch.setenv("SOURCES__SHOP__TOKEN_HOST", "http://tokens.shop.com")
    with pytest.raises(MissingSetting) as caught, ReadRun(shop(item(), auth=auth)):
        pass
    assert "access_token_url 'http://tokens.shop.com/***/token' would send" in str(caught.value)


def test_a_token_request_is_retried(api: Api) -> None:
    serve_tokens(api)
    good = api._scripts["/token"][0]
    api.on("/token", (500, {}, {}), (429, {"Retry-After": "3"}, {}), good)
    outcome = read(shop(paged(), auth=AUTH))
    assert outcome.ids() == [1, 2, 3, 4, 5, 6]
    assert outcome.sleeps == [2.0, 3.0]


def test_the_secret_goes_to_the_token_address_and_the_token_to_the_api(
    api: Api, elsewhere: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN_HOST", elsewhere.url)
    serve_tokens(api)
    elsewhere.on("/token", api._scripts["/token"][0])
    assert read(shop(paged(), auth=AUTH)).ids() == [1, 2, 3, 4, 5, 6]
    assert all(SECRET not in repr(s) for s in api.seen)
    assert [s.path for s in elsewhere.seen] == ["/token"]
    assert "Bearer" not in repr(elsewhere.seen)


def test_a_token_never_goes_to_another_origin(api: Api, elsewhere: Api) -> None:
    serve_tokens(api)
    api.on("/items*", (302, {"Location": f"{elsewhere.url}/items"}, {}))
    assert "nothing was sent there" in read(shop(paged(), auth=AUTH)).error()
    assert not elsewhere.seen


def test_the_setting_wins_over_the_declared_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_tokens(api)
    api.on("/other", api._scripts["/token"][0])
    monkeypatch.setenv("SOURCES__SHOP__ACCESS_TOKEN_URL", f"{api.url}/other")
    monkeypatch.delenv("SOURCES__SHOP__TOKEN_HOST")
    assert read(shop(paged(), auth=AUTH)).ids() == [1, 2, 3, 4, 5, 6]
    assert "/token" not in api.paths()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "http://tokens.example.net/t",
            "access_token_url 'http://tokens.example.net/t' would send",
        ),
        ("ftp://127.0.0.1/t", "access_token_url is not an http(s) address"),
        ("nonsense", "access_token_url is not an http(s) address"),
        ("https://a@b/t", "access_token_url is not an http(s) address"),
    ],
)
def test_a_secret_is_not_sent_to_a_doubtful_address(
    api: Api, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ACCESS_TOKEN_URL", url)
    with pytest.raises(Exception, match=re.escape(said)), ReadRun(shop(item(), auth=AUTH), None):
        pass
    assert not api.seen


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("client_secret", "plain", "a secret does not belong"),
        ("client_secret", "", "expected a setting"),
        ("session", "x", "session"),
        ("access_token_url", "{host}/t", "placeholder {host} is not known"),
    ],
)
def test_wrong_keys_are_errors_of_the_file(key: str, value: str, said: str) -> None:
    text = json.dumps({"client": {"auth": {**AUTH, key: value}}, "resources": [item()]})
    with pytest.raises(CatalogError, match=re.escape(said)):
        load_text(text, name="shop", file="shop.yaml")
