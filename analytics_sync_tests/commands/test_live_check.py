"""``check --live``: one request a resource, and what the page proves of the declaration."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.scripted_api import Api, Raw, shop_api
from analytics_sync_tests.support.world import World

SHOP = """
source: shop
client:
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  error_handler: {max_retries: 0}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, data_selector: data, paginator: {type: page_number, base_page: 1},
      incremental: {cursor_path: created_at, start_param: from, end_param: to},
      response_actions: [{status_code: 422, action: ignore}]}
    columns: {id: text, created_at: timestamp, amount: double}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: bigint}
"""
SECRET = "k3y-0f-the-sh0p"
DAY = "2026-03-10"
GOOD = {"id": "1", "created_at": f"{DAY}T12:00:00Z", "amount": 1.5}
SHAPE = ("records", "primary key", "cursor", "types")
api = shop_api


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder := tmp_path / "catalog").mkdir()
    (file := folder / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2026-03-01")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    return file


def states(entry: dict[str, Any]) -> dict[str, str]:
    """The state of each aspect that is declared."""
    found = {name: aspect["state"] for name, aspect in entry["aspects"].items()}
    return {name: state for name, state in found.items() if state != "-"}


def failed(entry: dict[str, Any]) -> dict[str, str]:
    """The aspects that do not hold, each with its text."""
    found = entry["aspects"].items()
    return {name: aspect["text"] for name, aspect in found if aspect["state"] == "failed"}


def test_a_page_as_declared_proves_all(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.on("/orders", {"data": [GOOD, {**GOOD, "id": "2"}]})
    api.on("/orders/*/lines", [{"id": 7}])
    status, found = result(capsys, "check", "--live", "shop", "--days", DAY)
    assert (status, found["ok"], found["failed"], found["not_proven"]) == (0, 2, 0, 0)
    assert api.paths() == ["/orders", "/orders/1/lines"], "one request for each resource"
    orders, lines = found["assets"]
    assert states(orders) == dict.fromkeys(
        ["settings", "reachable", "key", "allowed", "address", *SHAPE], "ok"
    )
    assert "cursor" not in states(lines)
    assert states(lines)["parent"] == "ok"


@pytest.mark.parametrize(
    ("answer", "aspect", "said"),
    [
        ((401, {}, {}), "key", "Look at SOURCES__SHOP__API_KEY: the API does not take the key"),
        ((403, {}, {}), "allowed", "Give the key in SOURCES__SHOP__API_KEY the right to read this"),
        pytest.param((404, {}, {}), "address", "Look at SOURCES__SHOP__BASE_URL and the path in the catalog file", marks=pytest.mark.slow),
        pytest.param((500, {}, {}), "reachable", "Look at the API's status page, then run again.", marks=pytest.mark.slow),
        pytest.param(Raw(), "reachable", "/orders", marks=pytest.mark.slow),
        pytest.param((400, {}, {}), "records", "look at endpoint.params, incremental", marks=pytest.mark.slow),
        pytest.param({"items": [GOOD]}, "records", "data", marks=pytest.mark.slow),
        ({"data": [{**GOOD, "id": None}]}, "primary key", "1 record: no usable primary key id"),
        ({"data": [{**GOOD, "created_at": "soon"}]}, "cursor", "1 record: no usable cursor created_at"),
        ({"data": [GOOD, {**GOOD, "id": "2", "amount": "much"}]}, "types",
         'amount is double, and 1 value does not fit, for example "much". Correct the types in columns.'),
        pytest.param({"data": [GOOD, 3]}, "records", "1 record: not an object", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(
    answer: Any, aspect: str, said: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", answer)
    status, found = result(capsys, "check", "--live", "shop/orders", "--days", DAY)
    assert (status, found["failed"]) == (1, 1)
    (entry,) = found["assets"]
    assert list(failed(entry)) == [aspect]
    assert said in failed(entry)[aspect]
    assert SECRET not in str(found)


def test_a_refused_key_does_not_pass_for_an_accepted_one(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", (403, {}, {}))
    _, found = result(capsys, "check", "--live", "shop/orders", "--days", DAY)
    assert states(found["assets"][0])["key"] == "not proven"


@pytest.mark.parametrize(
    ("answer", "aspects", "why"),
    [
        ({"data": []}, SHAPE, "the page has no records; name other --days"),
        ((422, {}, {}), ("key", "allowed", "address", *SHAPE),
         "status 422 means no records by declaration (response_actions)"),
        ({"data": [{**GOOD, "created_at": "2026-01-01T00:00:00Z"}]}, ("primary key", "types"),
         "all 1 record of the page lie outside of the window"),
    ],
)  # fmt: skip
def test_what_no_record_shows_is_not_proven(
    answer: Any,
    aspects: tuple[str, ...],
    why: str,
    api: Api,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api.on("/orders", answer)
    status, found = result(capsys, "check", "--live", "shop/orders", "--days", DAY)
    assert (status, found["not_proven"]) == (3, 1)
    (entry,) = found["assets"]
    unproven = [name for name, state in states(entry).items() if state == "not proven"]
    assert unproven == list(aspects)
    assert {entry["aspects"][name]["text"] for name in aspects} == {why}


def test_a_child_whose_parent_fails_or_is_empty(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", (403, {}, {}))
    status, found = result(capsys, "check", "--live", "shop/lines", "--days", DAY)
    assert status == 1
    assert "its parent orders could not be read" in failed(found["assets"][0])["parent"]
    api.on("/orders", {"data": []})
    status, found = result(capsys, "check", "--live", "shop/lines", "--days", DAY)
    assert status == 3
    assert "has no record to ask for" in found["assets"][0]["aspects"]["records"]["text"]


@pytest.mark.slow
def test_a_missing_setting_fails_each_resource_without_a_request(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    status, found = result(capsys, "check", "--live", "shop")
    assert (status, found["failed"], api.seen) == (1, 2, [])
    assert "Set SOURCES__SHOP__API_KEY" in failed(found["assets"][0])["settings"]


@pytest.mark.slow
def test_a_source_that_is_off_is_asked_only_if_it_is_named(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "CI_PIPELINES",
        "CUSTOMER_DATA",
        "DELIVERY",
        "OBSERVABILITY",
        "PRODUCT_GUIDANCE",
        "SHOP",
    ):
        monkeypatch.setenv(f"SOURCES__{name}__ENABLED", "false")
    status, found = result(capsys, "check", "--live")
    assert (status, found["assets"], api.seen) == (0, [], [])
    api.on("/orders", {"data": [GOOD]})
    status, _ = result(capsys, "check", "--live", "shop/orders", "--days", DAY)
    assert (status, len(api.seen)) == (0, 1)


def test_the_table_names_what_to_do_next(
    api: Api, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", (401, {}, {}))
    assert main(["check", "--live", f"{shop}/orders"]) == 1
    head, row, _, line, summary = capsys.readouterr().out.splitlines()
    assert row.split()[:3] == ["shop/orders", "ok", "-"]
    assert "FAILED" in row
    assert line.startswith("shop/orders: key failed: ")
    assert summary == "1 resource: 0 ok, 1 failed, 0 not proven. Nothing was loaded."
    assert head.startswith("asset ")


@pytest.mark.slow
def test_the_rate_limit_is_obeyed(api: Api, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write_text(SHOP.replace("client:", "client:\n  rate_limit: {requests: 1, seconds: 1}"))
    at: list[float] = []

    def answer(path: str, *_: Any) -> Any:
        at.append(time.monotonic())
        return {"data": [GOOD]} if path == "/orders" else [{"id": 7}]

    api.on("/orders", answer)
    api.on("/orders/*/lines", answer)
    assert main(["check", "--live", "shop", "--days", DAY]) == 0
    first, second = at
    assert second - first > 0.9


def test_days_without_live_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--days", DAY]) == 2
    assert "add --live" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_sources_hold_against_their_sandbox(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ENABLED", "false")
    status, found = result(capsys, "check", "--live")
    assert (found["failed"], found["errors"]) == (0, [])
    assert len(found["assets"]) == 60
    assert status in (0, 3)
