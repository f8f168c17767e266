"""Texts with placeholders: values of parents, bounds and settings in a path, parameters, headers and bodies.

In: a resource whose texts hold placeholders. Out: the requests that the server receives, and errors of files.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.common.errors import MissingSetting
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
COLUMNS = {"id": "bigint", "at": "timestamp"}


def windowed(endpoint: dict[str, Any], **incremental: Any) -> dict[str, Any]:
    if incremental.get("param_format") == "date":
        incremental["time_zone"] = "UTC"
    bounds = {"cursor_path": "at", "range_start": "closed", **incremental}
    return item({"incremental": bounds, **endpoint}, columns=COLUMNS)


def test_bounds_inside_text(api: Api) -> None:
    api.on("/items*", [{"id": 1, "at": "2026-03-01T10:00:00Z"}])
    endpoint = {
        "path": "items/{incremental.start_value}",
        "params": {"where": "at >= '{incremental.last_value}' and at < '{incremental.end_value}'"},
        "headers": {"X-Since": "from {incremental.start_value}"},
        "method": "POST",
        "json": {"filters": [{"op": "GTE", "value": "{incremental.start_value}"}, {"x": "{{}}"}]},
    }
    assert read(shop(windowed(endpoint)), DAY).ids() == [1]
    (seen,) = {s.target: s for s in api.seen}.values()
    assert seen.path == "/items/2026-03-01T00%3A00%3A00Z"
    assert seen.query == {"where": "at >= '2026-03-01T00:00:00Z' and at < '2026-03-02T00:00:00Z'"}
    assert seen.headers["x-since"] == "from 2026-03-01T00:00:00Z"
    assert seen.json == {"filters": [{"op": "GTE", "value": "2026-03-01T00:00:00Z"}, {"x": "{}"}]}


@pytest.mark.parametrize(
    ("param_format", "value"),
    [("epoch_s", 1772323200), ("epoch_ms", 1772323200000), ("date", "2026-03-01")],
)
def test_a_bound_alone_in_json_is_a_number_if_its_format_is_one(
    api: Api, param_format: str, value: Any
) -> None:
    api.on("/items", [])
    endpoint = {
        "method": "POST",
        "json": {"from": "{incremental.start_value}", "text": "{incremental.start_value};"},
    }
    read(shop(windowed(endpoint, param_format=param_format)), DAY)
    assert api.seen[0].json == {"from": value, "text": f"{value};"}


def test_a_parameter_of_the_query_and_a_text_hold_one_bound(api: Api) -> None:
    api.on("/items", [])
    endpoint = {
        "params": {"since": "{incremental.start_value}", "again": "{incremental.start_value}"},
        "headers": {"X-Since": "{incremental.start_value}"},
    }
    read(shop(windowed(endpoint)), DAY)
    start = "2026-03-01T00:00:00Z"
    assert api.seen[0].query == {"since": start, "again": start}
    assert api.seen[0].headers["x-since"] == start


def test_long_windows_are_read_in_slices_by_bounds_in_the_body(api: Api) -> None:
    """Every record once, though the requests differ in their bodies only."""
    records = [{"id": n, "at": f"2026-03-{1 + n % 28:02}T{n % 24:02}:00:00Z"} for n in range(600)]

    def answer(path: str, query: Any, headers: Any) -> Any:
        body = api.seen[-1].json
        low, high = body["range"]["from"], body["range"]["to"]
        found = sorted((r for r in records if low <= r["at"] <= high), key=lambda r: r["id"])
        start = body.get("start", 0)
        return {"results": found[start : start + 20], "total": len(found)}

    api.on("/items", answer)
    endpoint = {
        "method": "POST",
        "data_selector": "results",
        "json": {"range": {"from": "{incremental.start_value}", "to": "{incremental.end_value}"}},
        "paginator": {
            "type": "offset", "limit": 20, "offset_body_path": "start", "limit_body_path": "size", "total_path": "total",
        },
    }  # fmt: skip
    outcome = read(shop(windowed(endpoint)), Window(START, START + timedelta(days=28)))
    assert sorted(outcome.ids()) == list(range(600))
    assert len({json.dumps(s.json["range"]) for s in api.seen}) > 2  # slices


def test_values_of_a_parent(api: Api) -> None:
    api.on("/stores", [{"id": 1, "code": "ä 1"}, {"id": 2, "code": "b/2"}])
    api.on("/goods/*", lambda path, query, headers: [{"id": 10 * int(query["store"])}])
    goods = item(
        {
            "path": "goods/{resources.stores.code}",
            "params": {"store": "{resources.stores.id}", "q": "store:{resources.stores.id};"},
            "headers": {"X-Store": "no. {resources.stores.id}"},
            "method": "POST",
            "json": {"store": "{resources.stores.id}", "text": "s{resources.stores.id}"},
        },
        name="goods",
        include_from_parent=["id"],
        primary_key=["id", "_stores_id"],
        columns={"id": "bigint", "_stores_id": "bigint"},
    )
    stores = item(name="stores", columns={"id": "bigint", "code": "text"})
    outcome = read(shop(stores, goods))
    assert [(r["id"], r["_stores_id"]) for r in outcome.rows["goods"]] == [(10, 1), (20, 2)]
    seen = {s.query["store"]: s for s in api.seen if s.path != "/stores" and "store" in s.query}
    assert seen["1"].path == "/goods/%C3%A4%201"
    assert seen["2"].path == "/goods/b%2F2"
    assert seen["2"].query == {"store": "2", "q": "store:2;"}
    assert seen["2"].headers["x-store"] == "no. 2"
    assert seen["2"].json == {"store": 2, "text": "s2"}


def test_settings_inside_text(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ACCOUNT", "acc 7")
    monkeypatch.setenv("SOURCES__SHOP__KEY", "hush-hush-hush")
    api.on("/*", [{"id": 1, "said": "hush-hush-hush"}])
    endpoint = {
        "path": '{dlt.config["account"]}/items',
        "params": {"a": 'of {dlt.config["account"]}'},
        "headers": {"X-Key": 'Token token={dlt.secrets["key"]}', "X-Whole": 'dlt.secrets["key"]'},
        "method": "POST",
        "json": {"auth": {"key": 'dlt.secrets["key"]'}},
    }
    declared = item(endpoint, columns={"id": "bigint", "said": "text"})
    source = shop(declared, headers={"X-Client": 'Key {dlt.secrets["key"]}'})
    outcome = read(source)
    assert outcome.rows["items"] == [{"id": 1, "said": "***"}]
    (seen,) = api.seen
    assert seen.path == "/acc%207/items"
    assert seen.query == {"a": "of acc 7"}
    assert seen.headers["x-key"] == "Token token=hush-hush-hush"
    assert seen.headers["x-whole"] == "hush-hush-hush"
    assert seen.headers["x-client"] == "Key hush-hush-hush"
    assert seen.json == {"auth": {"key": "hush-hush-hush"}}
    assert {"account", "key"} <= source.settings.keys()


def test_an_error_shows_no_secret_of_a_text(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__KEY", "hush-hush-hush")
    api.on("/*", (400, {}, {"error": "hush-hush-hush"}))
    message = read(shop(item({"params": {"q": 'key:{dlt.secrets["key"]}'}}))).error()
    assert "hush" not in message
    assert "answered 400" in message


def test_an_unencrypted_address_is_shown_without_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TENANT", "hush-hush-hush")
    source = shop(item(), base_url='http://{dlt.secrets["tenant"]}.shop.com/v1')
    with pytest.raises(MissingSetting) as caught, ReadRun(source):
        pass
    assert "base_url 'http://***.shop.com/v1' would send" in str(caught.value)


def test_a_key_in_a_cookie(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__KEY", "hush-hush-hush")
    api.on("/items", (400, {}, {"error": "hush-hush-hush"}))
    key = {"type": "api_key", "name": "session", "api_key": 'dlt.secrets["key"]'}
    message = read(shop(item(), auth={**key, "location": "cookie"})).error()
    assert api.seen[0].headers["cookie"] == "session=hush-hush-hush"
    assert "hush" not in message


def test_a_missing_setting_is_named(api: Api) -> None:
    outcome = read(shop(item({"headers": {"X-Key": 'T {dlt.secrets["key"]}'}})))
    message = str(outcome.failures["items"])
    assert "sources.shop.key (a text of items) is missing" in message
    assert "Set SOURCES__SHOP__KEY" in message
    assert not api.seen


@pytest.mark.parametrize("value", ["a\nb", "ä", " a"])
def test_a_header_takes_no_value_that_it_cannot_hold(api: Api, value: str) -> None:
    api.on("/stores", [{"id": 1, "code": value}])
    goods = item({"path": "goods", "headers": {"X-Store": "{resources.stores.code}"}}, name="goods")
    outcome = read(shop(item(name="stores", columns={"id": "bigint", "code": "text"}), goods))
    assert "cannot be" in outcome.error("goods")
    assert api.paths() == ["/stores"]


UNKNOWN = [
    "{incremental.begin}",
    "{resource.stores.id}",
    "{resources.stores}",
    "{id}",
    "${X}",
    "{",
    "a}",
    "{}",
]


@pytest.mark.parametrize("text", UNKNOWN)
@pytest.mark.parametrize("key", ["params", "headers", "json"])
def test_an_unknown_placeholder_is_an_error_of_the_file(key: str, text: str) -> None:
    declared = {"method": "POST", key: {"a": f"x {text} y"}}
    with pytest.raises(CatalogError, match=rf"endpoint\.{key}.*(is not known|single|expected)"):
        shop(item(declared))


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"method": "POST", "json": {"from": {"type": "incremental", "cursor_path": "at"}}}, "endpoint.json: type: incremental binds"),
        ({"method": "POST", "data": {"x": {"type": "resolve", "resource": "stores", "field": "id"}}}, "endpoint.data: type: resolve"),
        ({"method": "POST", "json": [{"x": {"type": "secret", "key": "k"}}]}, "endpoint.json: type: secret binds"),
        ({"path": "a/{incremental.begin}"}, "endpoint.path: the placeholder {incremental.begin} is not known"),
        ({"path": "a/{resource.stores.id}"}, "endpoint.path: the placeholder {resource.stores.id} is not known"),
        ({"params": {"a": "x{incremental.start_value}"}}, "endpoint.params.a: expected endpoint.incremental"),
        ({"params": {"a": "x{resources.nobody.id}"}}, "parent 'nobody' is not a resource of this file"),
        (
            {"params": {"a": "x{incremental.start_value}"}, "incremental": {"cursor_path": "at", "start_param": "r", "end_param": "r"}},
            "is no single value",
        ),
        (
            {"path": "a/{stores_id}/{resources.stores.id}", "params": {"stores_id": 5}},
            "endpoint.path: the path needs a parameter 'stores_id' of its own",
        ),
    ],
)  # fmt: skip
def test_placeholders_without_a_value_are_errors_of_the_file(
    endpoint: dict[str, Any], said: str
) -> None:
    with pytest.raises(CatalogError, match=re.escape(said)):
        shop(item(endpoint, columns=COLUMNS), item(name="stores"))


def test_a_bound_without_a_window_is_never_left_out_silently(api: Api) -> None:
    message = read(shop(windowed({"params": {"q": "at>{incremental.start_value}"}}))).error()
    assert "there is no window" in message
    assert not api.seen


def test_a_sensor_needs_a_request_without_a_window() -> None:
    text = json.dumps(
        {
            "client": {},
            "resources": [
                {**windowed({"params": {"q": "at>{incremental.start_value}"}}), "sensor": {}}
            ],
        }
    )
    with pytest.raises(CatalogError, match=r"sensor: .*no window"):
        load_text(text, name="shop", file="shop.yaml")
