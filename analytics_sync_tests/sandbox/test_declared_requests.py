"""The sandbox serves what a file declares: bodies, texts, tokens and steps.

In: files with these keys. Out: every row of the ledger in the warehouse's tables; refusals of wrong requests.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source, load_text
from analytics_sync.common.window import Window
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support.scripted_api import read

COLUMNS = {"id": "bigint", "name": "text", "updated_at": "timestamp"}
OAUTH2 = {
    "type": "oauth2_client_credentials",
    "access_token_url": "https://tokens.example.com/t",
    "client_id": 'dlt.secrets["client"]',
    "client_secret": 'dlt.secrets["secret"]',
}
BODY_PAGINATORS: dict[str, dict[str, Any]] = {
    "cursor": {"type": "cursor", "cursor_path": "next.after", "cursor_body_path": "paging.after"},
    "page_number": {"type": "page_number", "base_page": 1, "page_body_path": "page"},
    "a quoted path": {"type": "page_number", "base_page": 1, "page_body_path": "['page.no']"},
    "offset": {"type": "offset", "limit": 7, "offset_body_path": "at", "limit_body_path": "size", "total_path": "total"},
}  # fmt: skip


def declared(*resources: Any, **client: Any) -> Source:
    text = json.dumps({"client": client, "resources": resources})
    return load_text(text, name="shop", file="shop.yaml")


def resource(name: str = "goods", **keys: Any) -> dict[str, Any]:
    endpoint = {"path": f"/{name}", "data_selector": "data", **keys.pop("endpoint", {})}
    return {"name": name, "primary_key": "id", "columns": COLUMNS, "endpoint": endpoint, **keys}


def ids(sandbox: Sandbox, name: str = "goods") -> list[Any]:
    return sorted(version.record["id"] for version in sandbox.ledger("shop").records(name))


def read_from(source: Source, monkeypatch: pytest.MonkeyPatch, window: Window | None = None) -> Any:
    with Sandbox([source], Options(max_page=10)) as sandbox:
        for name, value in sandbox.settings().items():
            monkeypatch.setenv(name, value)
        return read(source, window), ids(sandbox)


@pytest.mark.parametrize("kind", BODY_PAGINATORS)
def test_paging_in_the_body(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = {"method": "POST", "json": {"q": "all"}, "paginator": BODY_PAGINATORS[kind]}
    outcome, expected = read_from(declared(resource(endpoint=endpoint)), monkeypatch)
    assert sorted(outcome.ids("goods")) == expected
    assert len(expected) > 10


def test_windows_parents_settings_and_tokens_in_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    goods = resource(
        endpoint={
            "method": "POST",
            "json": {"filters": [{"op": "GTE", "value": "{incremental.start_value}"}], "to": "{incremental.end_value}"},
            "headers": {"X-Account": 'account={dlt.config["account"]}'},
            "params": {"where": 'of {dlt.config["account"]}'},
            "incremental": {"cursor_path": "updated_at", "param_format": "epoch_ms", "range_start": "closed"},
            "paginator": BODY_PAGINATORS["cursor"],
        }
    )  # fmt: skip
    source = declared(goods, auth=OAUTH2, headers={"X-Key": 'Token {dlt.secrets["key"]}'})
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=4000), now + timedelta(days=1))
    outcome, expected = read_from(source, monkeypatch, window)
    assert sorted(outcome.ids("goods")) == expected
    assert expected


def test_a_header_with_a_secret_and_another_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    header = 'Token {dlt.secrets["key"]} of {dlt.config["account"]}'
    source = declared(resource(), headers={"X-Key": header})
    outcome, expected = read_from(source, monkeypatch)
    assert sorted(outcome.ids("goods")) == expected
    with Sandbox([source]) as sandbox:
        url = f"{sandbox.base_url('shop')}/goods"
        request = urllib.request.Request(url, headers={"X-Key": "Token wrong of acme"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request)


@pytest.mark.parametrize(
    "steps",
    [
        [{"filter": {"field": "name", "value": "kept"}}],
        [{"filter": [{"field": "state", "op": "in", "value": ["a"]}, {"field": "n", "op": ">", "value": 5}]}],
        [{"filter": {"field": "state", "op": "!=", "value": "gone"}}],
        [{"map": {"rename": {"no": "id"}, "drop": ["internal"], "set": {"name": "all"}}}],
        [{"yield_map": {"field": "lines", "include": ["updated_at"]}}, {"map": {"rename": {"no": "id"}}}],
    ],
)  # fmt: skip
def test_steps_give_the_rows_of_the_ledger(steps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, expected = read_from(declared(resource(processing_steps=steps)), monkeypatch)
    assert sorted(outcome.ids("goods")) == expected
    assert not outcome.readings["goods"].findings.of("complete")


def test_rows_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    source = declared(resource(primary_key="row_hash"))
    with Sandbox([source]) as sandbox:
        for name, value in sandbox.settings().items():
            monkeypatch.setenv(name, value)
        rows = read(source).rows["goods"]
        assert len(rows) == len(list(sandbox.ledger("shop").records("goods"))) > 0


def test_hints_say_the_types_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    source = declared(resource(columns={"id": "bigint"}, schema_contract="evolve"))
    outcome, expected = read_from(source, monkeypatch)
    assert sorted(outcome.ids("goods")) == expected
    assert all(isinstance(key, int) for key in expected)


@pytest.mark.parametrize("unit", ["epoch_s", "epoch_ms", "iso"])
def test_a_cursor_is_a_time_of_its_format(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    incremental = {"cursor_path": "moved", "param_format": unit, "start_param": "since"}
    goods = resource(
        columns={"moved": "bigint"}, schema_contract="evolve", endpoint={"incremental": incremental}
    )
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=4000), now + timedelta(days=1))
    outcome, expected = read_from(declared(goods), monkeypatch, window)
    assert sorted(outcome.ids("goods")) == expected


def test_an_address_with_its_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    source = declared(resource(), base_url='{dlt.config["base_url"]}/open/v1')
    outcome, expected = read_from(source, monkeypatch)
    assert sorted(outcome.ids("goods")) == expected


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("GET", None, 405),
        ("POST", b"x", 400),
        ("POST", b'{"q": "other", "since": "1"}', 400),
        ("POST", b'{"q": "all"}', 400),
        ("POST", b'{"q": "all", "since": "{incremental.start_value}"}', 400),
        ("POST", b'{"q": "all", "since": "yesterday"}', 422),
        ("POST", b'{"q": "all", "since": 1772323200}', 200),
    ],
)
def test_a_request_that_is_not_as_declared_is_refused(
    method: str, body: bytes | None, status: int
) -> None:
    endpoint = {
        "method": "POST",
        "json": {"q": "all", "since": "{incremental.start_value}"},
        "incremental": {"cursor_path": "updated_at", "param_format": "epoch_s"},
    }
    with Sandbox([declared(resource(endpoint=endpoint))]) as sandbox:
        request = urllib.request.Request(
            f"{sandbox.base_url('shop')}/goods", data=body, method=method
        )
        try:
            with urllib.request.urlopen(request) as response:
                found = response.status
        except urllib.error.HTTPError as e:
            found = e.code
        assert found == status
