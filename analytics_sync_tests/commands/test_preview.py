"""``preview``: the first page of a resource, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.scripted_api import Api, Query, shop_api

SHOP = """
source: shop
client: {auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, data_selector: data, paginator: {type: page_number, base_page: 1},
      incremental: {cursor_path: created_at, start_param: from, end_param: to}}
    columns: {id: text, created_at: timestamp, note: text, gone: text}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: text}
  - name: shops
    endpoint: {path: /shops, paginator: single_page}
    columns: {id: text, code: text}
"""
SECRET = "k3y-0f-the-sh0p"
DAY = "2026-03-10"
api = shop_api


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "catalog").mkdir()
    (folder / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2026-03-01")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)


def pages(path: str, query: Query, _: Any) -> dict[str, Any]:
    """A listing that has a next page always."""
    page = int(query["page"])
    records = [
        {"id": f"{page}-{i}", "created_at": f"{DAY}T12:00:0{i}Z", "note": "x"} for i in range(3)
    ]
    return {"data": [*records, {"id": "late", "created_at": "2026-03-12T00:00:00Z"}]}


def test_the_first_page_of_a_day(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.on("/orders", pages)
    status, found = result(capsys, "preview", "shop/orders", "--days", DAY)
    assert status == 0
    assert len(api.seen) == 1
    assert api.seen[0].headers["x-key"] == SECRET
    assert found["window"] == "[2026-03-10 .. 2026-03-11)"
    (sent,) = found["requests"]
    assert sent["status"] == 200
    assert sent["request"].startswith(f"GET {api.url}/orders?from=2026-03-09")
    assert sent["request"].endswith("&page=1 with the headers X-Key: ***")
    assert (found["records"], found["rows_of_page"], found["outside_window"]) == (4, 3, 1)
    assert [row["id"] for row in found["rows"]] == ["1-0", "1-1", "1-2"]
    assert found["rows"][0]["created_at"] == f"{DAY}T12:00:00+00:00"
    assert found["absent_fields"] == ["gone"]
    assert SECRET not in str(found)


def test_a_child_takes_the_first_page_of_its_parent(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", pages)
    api.on("/orders/*/lines", [{"id": "a"}, {"id": "b"}])
    status, found = result(capsys, "preview", "shop/lines", "--days", DAY, "--rows", "1")
    assert status == 0
    assert [seen.path for seen in api.seen] == ["/orders", "/orders/1-0/lines"]
    assert ([row["id"] for row in found["rows"]], found["rows_of_page"]) == (["a"], 2)


def test_nothing_is_written(
    api: Api,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("work", "home", "tmp", "state"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(tmp_path / "tmp"))
    before = sorted(tmp_path.rglob("*"))
    api.on("/orders", pages)
    assert main(["preview", "shop/orders", "--days", DAY]) == 0
    assert "Nothing is loaded." in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_the_table_shows_texts_of_an_api_without_commands_to_the_terminal(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/shops", [{"id": "\x1b[31mred", "code": "c" * 99, "other": 1}])
    assert main(["preview", "shop/shops"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
    assert "c" * 33 not in out
    assert '{"other":1}' in out, "what is not declared is in _extra"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, {}), "Look at SOURCES__SHOP__API_KEY: the API does not take the key"),
        ({"items": [], "other": []}, "data"),
    ],
)
def test_a_page_that_cannot_be_read_is_status_1(
    answer: Any, said: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", answer)
    status, found = result(capsys, "preview", "shop/orders", "--days", DAY)
    assert status == 1
    assert said in found["error"]
    assert found["requests"][0]["request"].startswith(f"GET {api.url}/orders?")
    assert "rows" not in found


@pytest.mark.slow
def test_records_that_are_rejected_are_named(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.on("/shops", [{"code": "a"}, {"code": "b"}])
    status, found = result(capsys, "preview", "shop/shops")
    assert (status, found["rows"], found["rejected"]) == (0, [], {"no usable primary key id": 2})
    assert "Correct primary_key" in found["findings"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop/shops", "--days", DAY], "has no partitions here: leave it out."),
        (["shop/orders", "--days", "2020-01-01"], "no partition is in these days"),
        (["shop/orders", "--days", "soon"], "expected A..B such as"),
        (["shop"], "'shop' is no single resource: expected shop/RESOURCE"),
    ],
)
def test_wrong_usage_is_one_line_and_sends_nothing(
    arguments: list[str], said: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err
    assert api.seen == []


@pytest.mark.slow
def test_a_missing_setting_is_named(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    assert main(["preview", "shop/shops"]) == 1
    assert "Set SOURCES__SHOP__API_KEY" in capsys.readouterr().err
    assert api.seen == []


def test_bounds_that_the_api_refuses_take_no_page(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/orders", (400, {}, {}), pages)
    status, found = result(capsys, "preview", "shop/orders", "--days", DAY)
    assert (status, [sent["status"] for sent in found["requests"]]) == (0, [400, 200])
    assert found["records"] == 4
