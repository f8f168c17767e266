"""``test``: a file that does not lead to all rows fails against its own sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.scripted_api import Api, shop_api
from analytics_sync_tests.support.world import ROOT

SHOP = """
source: shop
client:
  base_url: https://api.shop.net
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  rate_limit: {requests: 1, seconds: 60}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, data_selector: data, paginator: {type: page_number, base_page: 1},
      incremental: {cursor_path: updated_at, start_param: from, end_param: to}}
    columns: {id: text, updated_at: timestamp}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: bigint}
  - name: shops
    endpoint: {path: /shops, paginator: {type: offset, limit: 10}}
    columns: {id: text}
"""
api = shop_api


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (path := tmp_path / "shop.yaml").write_text(SHOP)
    return path


def test_a_sound_file_leads_to_all_rows_and_the_api_is_not_asked(
    api: Api, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "k3y-0f-the-sh0p")
    before = dict(os.environ)
    status, found = result(capsys, "test", str(file))
    assert (status, found["failed"]) == (0, 0)
    rows = {entry["asset"]: (entry["rows"], entry["expected"]) for entry in found["assets"]}
    assert rows["shop/shops"] == (60, 60)
    assert all(here == there > 0 for here, there in rows.values())
    assert api.seen == []
    assert dict(os.environ) == before
    assert sorted(p.name for p in file.parent.iterdir()) == ["shop.yaml"], "nothing is written"


def test_a_file_that_reads_a_part_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        SHOP.replace(
            "{type: offset, limit: 10}", "{type: page_number, base_page: 1, maximum_page: 2}"
        )
    )
    status, found = result(capsys, "test", f"{file}/shops")
    assert (status, found["failed"]) == (1, 1)
    (entry,) = found["assets"]
    assert (entry["rows"], entry["expected"]) == (20, 60)
    assert len(entry["missing"]) == 5
    assert main(["test", f"{file}/shops"]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert "shop/shops: missing, for example " in out
    assert out.rstrip().endswith("0 of 1 resources hold against a sandbox of the declaration.")


def test_a_file_that_cannot_be_read_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SHOP.replace("rate_limit: {requests: 1, seconds: 60}", "max_pages: 2"))
    status, found = result(capsys, "test", f"{file}/shops")
    assert status == 1
    assert "more than 2 pages" in found["assets"][0]["error"]


@pytest.mark.slow
def test_the_shipped_sources_and_the_examples_hold(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = sorted(str(p) for p in (ROOT / "analytics_sync" / "sources").glob("*.yaml"))
    files = sorted(str(p) for p in (ROOT / "examples").iterdir() if p.suffix in (".yaml", ".py"))
    status, found = result(capsys, "test", *shipped, *files)
    assert status == 0, [entry for entry in found["assets"] if entry["result"] != "ok"]
    assert len(found["assets"]) >= 65
