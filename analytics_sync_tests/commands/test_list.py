"""``list`` and ``describe``: what is declared and set, without a request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics_sync.catalog import load_catalog
from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.world import ROOT

SHOP = """
source: shop
client:
  base_url: https://api.shop.example.com/v1
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  rate_limit: {requests: 60, seconds: 60}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint:
      path: /{region}/orders
      params:
        region: {type: config, key: region}
        q: 'changed >= {incremental.start_value} in {dlt.config["team"]}'
        status: all
      data_selector: data
      count_path: total
      paginator: {type: page_number, base_page: 1, limit: 50, limit_param: size, total_path: pages}
      incremental: {cursor_path: updated_at, end_param: to, param_format: date, max_span: P7D, lookback: P3D}
      response_actions: [{status_code: 404, action: ignore}]
    columns: {id: text, updated_at: timestamp - When it changed, amount: {data_type: text, aliases: [sum]}}
    required: [updated_at]
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id, config: order_id}}}
    include_from_parent: {order_id: id}
    primary_key: [order_id, id]
    skip_parents: {status: [draft]}
    columns: {order_id: text, id: bigint}
  - name: shops
    write_disposition: replace
    endpoint: {path: /shops, paginator: {type: cursor, cursor_path: next, cursor_param: after}}
    columns: {id: text}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the configured catalog."""
    (folder := tmp_path / "catalog").mkdir()
    (file := folder / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    return file


def test_all_shipped_resources_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = result(capsys, "list")
    known = {str(r): r for source in load_catalog().values() for r in source.assets}
    assert (status, found["errors"]) == (0, [])
    assert [entry["asset"] for entry in found["assets"]] == list(known)
    for entry in found["assets"]:
        resource = known[entry["asset"]]
        line = (
            (ROOT / "analytics_sync" / "sources" / entry["file"])
            .read_text()
            .splitlines()[entry["line"] - 1]
        )
        assert line.strip() == f"- name: {resource.name}"
        assert entry["marks_deleted"] == resource.soft_deletes


def test_the_settings_of_the_team_count(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__ENABLED", "false")
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "weekly")
    monkeypatch.setenv("SOURCES__SHOP__TIME_ZONE", "Europe/Berlin")
    monkeypatch.setenv("SOURCES__SHOP__SCHEDULE", "0 4 * * 1")
    assert main(["list", "shop"]) == 0
    _, orders, lines, shops = capsys.readouterr().out.splitlines()
    assert re.split(" {2,}", orders)[:5] == [
        "shop/orders", "off", "merge", "weekly Europe/Berlin by updated_at", "0 4 * * 1",
    ]  # fmt: skip
    assert "weekly Europe/Berlin by updated_at of orders" in lines
    assert re.split(" {2,}", shops)[2:4] == ["replace", "none: each run reads all"]


@pytest.mark.parametrize("by_file", [True, False])
def test_places_are_sources_resources_and_files(
    by_file: bool, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(shop) if by_file else "shop"
    status, found = result(capsys, "list", f"{name}/lines,delivery/builds", f"{name}/orders")
    assert status == 0
    assert [e["asset"] for e in found["assets"]] == ["shop/lines", "shop/orders", "delivery/builds"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nope", "no source 'nope'; known: ci_pipelines, "),
        ("delivery/nope", "delivery has no resource 'nope'; known: accounts, "),
        ("gone.yaml", "gone.yaml: cannot be read: there is no such file; look at its path"),
        ("delivery/", "'delivery/' is no single resource: expected delivery/RESOURCE; known: "),
    ],
)
def test_an_unknown_place_is_one_line_and_status_2(
    place: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", place]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert printed.err.startswith(said)
    assert result(capsys, "describe", place) == (2, {"error": printed.err.rstrip("\n")})


def test_a_broken_file_is_named_beside_the_others(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.with_name("other.yaml").write_text("source: [")
    status, found = result(capsys, "list")
    assert status == 2
    assert "shop/orders" in [entry["asset"] for entry in found["assets"]]
    assert "other.yaml:2: not valid YAML" in found["errors"][0]


def test_describe_says_what_each_key_means(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = result(capsys, "describe", "shop/orders")
    assert status == 0
    assert found["request"]["parameters"] == {
        "region": "setting SOURCES__SHOP__REGION",
        "status": "all",
        "q": "changed >= {incremental.start_value} in {config.team}",
        "config.team": "setting SOURCES__SHOP__TEAM",
    }
    assert found["request"]["credentials"] == ["the API key: setting SOURCES__SHOP__API_KEY"]
    assert found["paging"] == (
        "page number in page, the first request with 1, 50 records a page in size; "
        "ends at an empty page or the total at pages"
    )
    assert found["responses"] == ["status 404: ignore"]
    assert "one request spans at most 7 days" in found["window"]
    assert "the schedule reads again the last 3 days" in found["window"]
    assert found["limits"]["rate_limit"] == "60 requests in 60 s"
    assert found["children"] == ["lines"]
    assert "window_bounds" in found["checks"]
    amount = next(column for column in found["columns"] if column["column"] == "amount")
    assert amount["notes"] == ["or at sum"]


def test_describe_of_a_child_names_its_parents(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", "shop/lines"]) == 0
    out = capsys.readouterr().out
    assert "order = field id of orders, or setting SOURCES__SHOP__ORDER_ID" in out
    assert "where status is draft" in out
    assert re.search(r"^key +order_id, id$", out, re.M)
    assert re.search(r"^order_id +text +order_id +key, required, from id of orders", out, re.M)


@pytest.mark.slow
def test_every_shipped_resource_has_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    for source in load_catalog().values():
        for resource in source.assets:
            assert main(["describe", str(resource)]) == 0
            out = capsys.readouterr().out
            assert f"request       {resource.method} {resource.path}" in out
            assert "None" not in re.sub("where .* is None|is 'None'", "", out)
