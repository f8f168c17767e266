"""Settings: a missing one is named, plain HTTP is refused, and no message holds a secret."""

from __future__ import annotations

import base64
import json
import logging
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from analytics_sync.common.errors import MissingSetting
from analytics_sync.extract.newest import newest_cursor
from analytics_sync.extract.run import ReadRun
from analytics_sync_tests.support.scripted_api import (
    Api,
    Query,
    Raw,
    first_line,
    item,
    read,
    shop,
    shop_api,
)
from analytics_sync_tests.support.settings_files import shop_settings

api = shop_api

DATA = [{"id": 1}]
HEADER = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}
QUERY = {**HEADER, "name": "key", "location": "query"}


def refused(monkeypatch: pytest.MonkeyPatch, *resources: Any, **client: Any) -> str:
    """The first line of the error of a run that cannot start."""
    with pytest.raises(MissingSetting) as caught:
        ReadRun(shop(*resources or [item()], **client)).__enter__()
    assert str(caught.value).startswith("shop: ")
    return first_line(caught.value)


@pytest.mark.parametrize("declared", [None, "https://api.example.com/v3/", "https://example.org", "http://api.test", "http://x.invalid"])  # fmt: skip
def test_a_missing_base_url_names_the_variable_and_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, declared: str | None
) -> None:
    message = refused(monkeypatch, **({"base_url": declared} if declared else {}))
    assert "SOURCES__SHOP__BASE_URL" in message
    assert "sandbox" in message


@pytest.mark.parametrize(
    ("auth", "variable"),
    [
        (HEADER, "SOURCES__SHOP__API_KEY"),
        ({"type": "bearer", "token": 'dlt.secrets["api_token"]'}, "SOURCES__SHOP__API_TOKEN"),
        (
            {"type": "http_basic", "username": "me", "password": 'dlt.secrets["word"]'},
            "SOURCES__SHOP__WORD",
        ),
    ],
)
def test_a_missing_credential_names_the_variable(
    api: Api, monkeypatch: pytest.MonkeyPatch, auth: dict[str, str], variable: str
) -> None:
    message = refused(monkeypatch, auth=auth)
    assert variable in message
    assert ".dlt/secrets.toml" in message
    if auth["type"] != "http_basic":  # a password may be empty
        monkeypatch.setenv(variable, "")
        assert variable in refused(monkeypatch, auth=auth)


def test_a_missing_path_value_names_the_variable_and_fails_only_its_resource(api: Api) -> None:
    api.on("/items", DATA)
    team = item({"path": "/{team}/members"}, name="members")
    outcome = read(shop(item(), team))
    assert outcome.ids() == [1]
    assert "SOURCES__SHOP__TEAM" in str(outcome.failures["members"])
    assert "members: parameter team" in str(outcome.failures["members"])


def test_an_optional_value_may_be_absent_from_the_query_but_not_from_the_path(api: Api) -> None:
    api.on("*", DATA)
    optional = {"type": "config", "key": "team", "optional": True}
    outcome = read(
        shop(
            item({"params": {"team": optional, "mode": None}}),
            item({"path": "/{team}/members", "params": {"team": optional}}, name="members"),
        )
    )
    assert api.queries() == [{}]
    assert "{team}" in outcome.error("members")
    assert api.paths() == ["/items"]


def test_values_come_from_settings_by_their_names(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TEAM", "red/blue team")
    monkeypatch.setenv("SOURCES__SHOP__SIZE", "7")
    api.on("*", DATA)
    params = {
        "size": {"type": "config", "key": "size"},
        "order": {"type": "config", "key": "order", "default": "asc"},
        "fixed": [1, 2],
        "yes": True,
    }
    read(shop(item({"path": "/{team}/members", "params": params})))
    assert api.paths() == ["/red%2Fblue%20team/members"]
    assert api.queries("*") == [{"size": "7", "order": "asc", "fixed": ["1", "2"], "yes": "true"}]


# base URL -> expected part of the message
BASES: dict[str, tuple[str, str]] = {
    "no scheme": ("api.shop.com", "not an http(s) address"),
    "another scheme": ("ftp://api.shop.com", "not an http(s) address"),
    "no host": ("https:///v1", "not an http(s) address"),
    "bad port": ("https://api.shop.com:abc/", "not an http(s) address"),
    "bad bracket": ("https://[::1/", "not an http(s) address"),
    "user info": ("https://me:hush@api.shop.com", "carries more"),
    "user info, another scheme": ("ftp://me:hush@api.shop.com", "base_url"),
    "query": ("https://api.shop.com/?key=hush", "carries more"),
    "plain": ("http://api.shop.com/v1", "SOURCES__SHOP__ALLOW_HTTP=true"),
    "plain, looks like loopback": ("http://127.0.0.1.shop.com", "unencrypted"),
    "plain, any address": ("http://0.0.0.0:80", "unencrypted"),
    "plain, a name that only one parser ends": (
        "http://host\\.localhost/",
        "not an http(s) address",
    ),
    "plain, a path that another parser takes for the host": (
        "http://api.shop.com\\@127.0.0.1/",
        "base_url carries more",
    ),
    "a backslash": ("https://api.shop.com\\v1", "not an http(s) address"),
    "plain, a host in the path": ("http://api.shop.com/.localhost", "unencrypted"),
    "plain, a full-width dot": ("http://api.shop.com\uff0elocalhost.shop.com", "base_url"),
    "plain, an address in octal": ("http://0177.0.0.1", "unencrypted"),
    "a control character": ("http://\x7f.localhost", "not an http(s) address"),
    "an escaped null": ("http://api.shop.com%00.localhost", "not an http(s) address"),
    "a letter that no name can hold": ("https://a\u200db.shop.com", "not an http(s) address"),
}


@pytest.mark.parametrize("name", BASES)
def test_base_urls_that_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    base, reason = BASES[name]
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", base)
    message = refused(monkeypatch)
    assert reason in message
    assert "hush" not in message


@pytest.mark.parametrize(
    ("base", "allow"),
    [
        ("http://127.0.0.1:8765/x", None), ("http://localhost:1", None), ("http://[::1]:1", None),
        ("http://api.localhost", None), ("http://api.shop.com", "true"), ("https://api.shop.com", None),
    ],
)  # fmt: skip
def test_base_urls_that_are_accepted(
    monkeypatch: pytest.MonkeyPatch, base: str, allow: str | None
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", base)
    if allow:
        monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", allow)
    with ReadRun(shop(item())):
        pass


def test_base_url_and_path_are_concatenated(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url}/api/v3/")
    api.on("/api/v3/items", DATA)
    assert read(shop(item())).ids() == [1]


PLAIN = "s3cret-Key-0123456789"
ODD = 'k/y+W &o=d"q\\%~'
LONG = "eyJ" + "x0Y1" * 200


def lower(text: str) -> str:
    """``text`` percent-encoded with lower-case hex digits, which mean the same to a server."""
    return re.sub("%..", lambda found: found[0].lower(), quote(text, safe=""))


# responses that repeat the key; each ends in an error
ECHOES: dict[str, Callable[[str], Any]] = {
    "error in JSON": lambda key: (400, {}, {"error": f"bad key {key}"}),
    "error in text": lambda key: (403, {"Content-Type": "text/plain"}, f"bad key {key}".encode()),
    "status that is retried": lambda key: (500, {}, {"error": key}),
    "HTML": lambda key: (200, {"Content-Type": "text/html"}, f"<p>{key}".encode()),
    "no records": lambda key: {"message": f"bad key {key}"},
    "records elsewhere": lambda key: {"data": key},
    "same link again": lambda key: {"data": DATA, "next": f"/items?key={quote(key, safe='')}"},
    "same link again, lower case": lambda key: {"data": DATA, "next": f"/items?key={lower(key)}"},
    "redirect away": lambda key: (302, {"Location": f"http://{quote(key)}.shop.com/"}, b""),
    "too many redirects": lambda key: (302, {"Location": f"/items?key={quote_plus(key)}"}, b""),
    "too large": lambda key: [key] * 1000,
    "broken off": lambda key: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    "not HTTP": lambda key: Raw(f"{key}\r\n\r\n".encode()),
    "odd header": lambda key: Raw(f"HTTP/1.1 {key} OK\r\n\r\n".encode()),
}  # fmt: skip


@pytest.mark.parametrize("auth", [HEADER, QUERY, {"type": "bearer", "token": 'dlt.secrets["api_key"]'}], ids=["header", "query", "bearer"])  # fmt: skip
@pytest.mark.parametrize("secret", [PLAIN, ODD, LONG], ids=["plain", "odd", "long"])
@pytest.mark.parametrize("echo", ECHOES)
def test_no_message_holds_a_secret(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    auth: Any, secret: str, echo: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", ECHOES[echo](secret))
    paginator = {"type": "json_link", "next_url_path": "next"}
    source = shop(
        item({"data_selector": "data", "paginator": paginator}), auth=auth, max_response_bytes=5000
    )
    with caplog.at_level(logging.DEBUG):
        error = read(source).failures["items"]
    assert api.seen
    messages = "".join(traceback.format_exception(error)) + our_log(caplog)
    assert not forms(secret) & nine_grams(messages)


def our_log(caplog: pytest.LogCaptureFixture) -> str:
    ours = [r for r in caplog.records if r.name.startswith("analytics_sync")]
    return "\n".join(r.getMessage() for r in ours)


def nine_grams(text: str) -> set[str]:
    return {text[i : i + 9] for i in range(len(text) - 8)}


def forms(secret: str) -> set[str]:
    """Every nine characters of the secret, plain and in each encoding."""
    spelled = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    spelled |= {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret),
    }
    spelled.add(lower(secret))
    return {gram for s in spelled for gram in nine_grams(s)}


@pytest.mark.parametrize("secret", ["hush-hush-hush\n", "hush-hush-hush\r\nX-More: 1", "hush-hush-hush\u2026", "hush-hush-hush\x07"])  # fmt: skip
@pytest.mark.parametrize("auth", [HEADER, {"type": "bearer", "token": 'dlt.secrets["api_key"]'}], ids=["key", "bearer"])  # fmt: skip
def test_a_secret_that_a_header_cannot_hold_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, auth: Any, secret: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", secret)
    api.on("/items", DATA)
    if (
        secret.strip() == "hush-hush-hush"
    ):  # the line break at the end of a file is not part of the key
        assert read(shop(item(), auth=auth)).ids() == [1]
        return
    message = refused(monkeypatch, auth=auth)
    assert "SOURCES__SHOP__API_KEY" in message
    assert "hush" not in message


@pytest.mark.parametrize("password", ['dlt.secrets["password"]', ""])
@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_empty_password_is_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str, place: str
) -> None:
    """Many APIs take the key as the user name, and no password."""
    lines = ""
    if place == "environment":
        monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush-hush-hush")
        monkeypatch.setenv("SOURCES__SHOP__PASSWORD", "")
    else:
        lines = 'api_key = "hush-hush-hush"\npassword = ""'
    api.on("/items", DATA)
    auth = {"type": "http_basic", "username": 'dlt.secrets["api_key"]', "password": password}
    with shop_settings(tmp_path, lines):
        outcome = read(shop(item(), auth=auth))
    assert outcome.ids() == [1]
    expected = base64.b64encode(b"hush-hush-hush:").decode()
    assert api.seen[0].headers["authorization"] == f"Basic {expected}"


def test_the_user_name_is_the_secret_if_the_password_is_empty(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush-hush-hush")
    api.on("/items", [{"id": 1, "name": "hush-hush-hush"}])
    auth = {"type": "http_basic", "username": 'dlt.secrets["api_key"]', "password": ""}
    outcome = read(shop(item(columns={"id": "bigint", "name": "text"}), auth=auth))
    assert "hush" not in str(outcome.rows)


# a setting that is not declared, or not declared so -> whether it may be a misspelt API key of shop
NAMES: dict[str, bool] = {
    "SOURCES__SHOP__API_KYE": True,
    "SOURCES__SHOP__APIKEY": True,
    "SOURCES__SHPO__API_KEY": True,
    "SOURCE__SHOP__API_KEY": True,
    "sources__shop__api_key": True,
    "SOURCES__SHOPIFY__API_KEY": False,
    "SOURCES__SHOP__CURRENCY": False,
    "SOURCES__SHOP__API_KEY_NAME": False,
    "SOURCES__DELIVERY__API_KEY": False,
    "SHOP_API_KEY": False,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_setting_names_a_misspelt_one(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "hush-hush-hush")
    message = refused(monkeypatch, auth=HEADER)
    assert "the setting sources.shop.api_key (the API key) is missing" in message
    assert (f"Look at the spelling of {name}" in message) == NAMES[name]
    assert "hush" not in message


def test_a_misspelt_setting_in_a_file_is_named_with_the_file(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with shop_settings(tmp_path, 'api_kye = "hush-hush-hush"'):
        message = refused(monkeypatch, auth=HEADER)
    assert "Look at the spelling of sources.shop.api_kye in secrets.toml, which is set." in message


@pytest.mark.parametrize("value", [" hush-hush-hush", "hush-hush-hush ", "\thush-hush-hush", "hush-hush-hush \n"])  # fmt: skip
@pytest.mark.parametrize("auth", [HEADER, QUERY, {"type": "bearer", "token": 'dlt.secrets["api_key"]'}], ids=["header", "query", "bearer"])  # fmt: skip
def test_a_secret_with_a_space_around_it_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, auth: Any, value: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", value)
    message = refused(monkeypatch, auth=auth)
    assert "the setting sources.shop.api_key begins or ends with a space" in message
    assert "SOURCES__SHOP__API_KEY" in message
    assert "hush" not in message


def test_a_base_url_with_a_space_around_it_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"{api.url} ")
    assert "sources.shop.base_url begins or ends with a space" in refused(monkeypatch)


def test_the_message_does_not_hold_a_secret_path_value(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ROOM", "hush-hush-hush/..")
    room = {"type": "secret", "key": "room", "allow_slash": True}
    message = read(shop(item({"path": "/{room}/x", "params": {"room": room}}))).error()
    assert "{room}" in message
    assert "hush" not in message


def test_the_newest_cursor_is_requested_with_settings_and_sensor_parameters(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TEAM", "red")

    def respond(path: str, query: Query, headers: Any) -> Any:
        return [
            {"id": 1, "at": "2024-01-01T00:00:00Z"},
            {"id": 2, "at": "2024-01-03T01:00:00+02:00"},
        ]

    api.on("/red/items", respond)
    source = shop(
        item(
            {"path": "/{team}/items", "params": {"a": 1, "size": 100}, "incremental": {"cursor_path": "at", "start_param": "from"}},
            columns={"id": "bigint", "at": "timestamp"}, sensor={"params": {"size": 2}},
        )
    )  # fmt: skip
    latest = newest_cursor(source, source.resources["items"])
    assert latest is not None
    assert latest.isoformat() == "2024-01-02T23:00:00+00:00"
    assert api.queries("*") == [{"a": "1", "size": "2"}]
    api.on("/red/items", [])
    assert newest_cursor(source, source.resources["items"]) is None
