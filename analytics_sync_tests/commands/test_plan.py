"""``plan``: windows, requests and limits of a run, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.world import World

SHOP = """
source: shop
client:
  base_url: https://api.shop.test/v1
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  rate_limit: {requests: 60, seconds: 60}
  max_pages: 50
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, data_selector: data, paginator: {type: page_number, base_page: 1},
      incremental: {cursor_path: created_at, start_param: from, end_param: to, max_span: P2D}}
    columns: {id: text, created_at: timestamp}
  - name: months
    endpoint: {path: /months, paginator: single_page,
      incremental: {cursor_path: day, start_param: month, param_format: '%Y-%m', step: month, time_zone: UTC}}
    columns: {id: text, day: timestamp}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id, config: order_id}}}
    columns: {id: text}
  - name: shops
    endpoint: {path: /shops, paginator: single_page}
    columns: {id: text}
"""
SECRET = "k3y-0f-the-sh0p"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "catalog").mkdir()
    (folder / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2026-01-01")
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "https://api.shop.net/v1")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)


@pytest.mark.usefixtures("shop")
def test_the_requests_and_limits_of_a_range_of_days(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = result(capsys, "plan", "shop", "--days", "2026-01-28..2026-02-03")
    assert status == 0
    (source,) = found["sources"]
    assert source["window"] == "[2026-01-28 .. 2026-02-04)"
    assert (source["first_partition"], source["last_partition"]) == ("2026-01-28", "2026-02-03")
    assert source["partitions"] == 7
    entries = {entry["resource"]: entry for entry in source["assets"]}
    assert list(entries) == ["orders", "months", "shops", "lines"]
    fewest = {name: entry["fewest_requests"] for name, entry in entries.items()}
    assert fewest == {"orders": 4, "months": 2, "shops": 1, "lines": None}
    assert entries["lines"]["one_for_each"] == "orders"
    assert entries["shops"]["window"] is None
    assert entries["orders"]["first_request"].startswith(
        "GET https://api.shop.net/v1/orders?from=2026-01-27T23%3A59%3A59Z"
    )
    assert "X-Key: ***" in entries["orders"]["first_request"]
    assert source["limits"]["max_pages"] == 50
    assert (source["fewest_requests"], source["seconds_at_rate_limit"]) == (7, 7.0)
    assert SECRET not in str(found)


@pytest.mark.usefixtures("shop")
def test_a_parent_that_is_read_for_its_child(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["plan", "shop/lines", "--days", "2026-02-01"]) == 0
    out = capsys.readouterr().out
    assert "shop/orders (read for its children)  1 or more" in out
    assert "one for each of orders" in out
    assert out.rstrip().endswith("Nothing was sent.")
    monkeypatch.setenv("SOURCES__SHOP__ORDER_ID", "7")
    _, found = result(capsys, "plan", "shop/lines", "--days", "2026-02-01")
    (line,) = found["sources"][0]["assets"]
    assert (line["fewest_requests"], line["one_for_each"]) == (1, None)


@pytest.mark.usefixtures("shop")
def test_a_request_that_cannot_be_made_is_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    status, found = result(capsys, "plan", "shop/shops")
    assert status == 1
    assert "Set SOURCES__SHOP__API_KEY" in found["sources"][0]["error"]


@pytest.mark.usefixtures("shop")
def test_a_resource_without_a_request_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = "params: {region: {type: config, key: region}}"
    text = SHOP.replace("{path: /shops,", f"{{path: '/{{region}}/shops', {params},")
    (tmp_path / "catalog" / "shop.yaml").write_text(text)
    status, found = result(capsys, "plan", "shop/shops")
    (source,) = found["sources"]
    (entry,) = source["assets"]
    assert (status, source["error"], entry["first_request"]) == (1, None, None)
    assert "SOURCES__SHOP__REGION" in entry["error"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "'nothing' selects no assets: "),
        pytest.param(
            ["shop", "--days", "2020-01-01"],
            "no partition is in these days",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["shop/shops", "--days", "3"],
            "has no partitions here: leave it out.",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err


@pytest.mark.slow
def test_a_source_whose_file_does_not_load_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.yaml").write_text("source: shop\nclient: {}\nresources: []\n")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(tmp_path))
    assert main(["plan", "shop"]) == 2
    assert "shop.yaml:3: resources: expected at least one resource" in capsys.readouterr().err


@pytest.mark.slow
def test_the_latest_run_says_how_many_requests_there_were(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    day = world.days[0]
    assert world.run(["delivery/builds", "delivery/accounts"], day).success
    served = []
    for days in (str(day), f"{day}..{world.days[1]}"):
        status, found = result(capsys, "plan", "delivery/builds,delivery/accounts", "--days", days)
        assert status == 0
        (source,) = found["sources"]
        requests = {e["resource"]: e["requests_by_latest_run"] for e in source["assets"]}
        assert source["requests_by_latest_runs"] == sum(requests.values())
        served.append(requests)
    one_day, two_days = served
    assert one_day["accounts"] == two_days["accounts"] == 1
    assert one_day["builds"] > 0
    assert two_days["builds"] == 2 * one_day["builds"], "as many for each day as the run took"
