"""The run config: full refresh, trial, lookback and dry run, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterInvalidConfigError,
    ExecuteInProcessResult,
)

from analytics_sync.catalog import load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import (
    check_of,
    metadata,
    module_instance,
    step_failure,
)
from analytics_sync_tests.support.each_warehouse import (
    Warehouse,
    every_warehouse,
    mainly_duckdb,
    only_duckdb,
)
from analytics_sync_tests.support.scripted_api import Api, Query, shop_api

SHOP = """
client: {auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, data_selector: data, paginator: {type: page_number, base_page: 1},
      incremental: {cursor_path: created_at, start_param: from, end_param: to}}
    columns: {id: text, created_at: timestamp, note: text}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: text}
  - name: shops
    write_disposition: replace
    endpoint: {path: /shops, data_selector: data, paginator: {type: page_number, base_page: 1}}
    columns: {id: text}
"""
DAY = "2026-03-10"
SECRET = "k3y-0f-the-sh0p"
api = shop_api
instance = module_instance
warehouse = every_warehouse
Run = Callable[..., ExecuteInProcessResult]


def order(name: str, day: str = DAY) -> dict[str, str]:
    """An order of a day."""
    return {"id": name, "created_at": f"{day}T12:00:00Z"}


def pages(*records: list[Any]) -> Callable[..., Any]:
    """A listing of numbered pages."""

    def answer(_: str, query: Query, __: Any) -> Any:
        number = int(query["page"])
        return {"data": records[number - 1] if number <= len(records) else []}

    return answer


@pytest.fixture
def run(
    api: Api, instance: DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Materializes resources of the shop for one day, with a run config."""
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2026-03-01")
    instance.wipe_assets([AssetKey(["shop", name]) for name in ("orders", "lines", "shops")])
    api.on("/orders", pages([order("a")], [order("b")]))
    api.on("/orders/*/lines", [{"id": "1"}])
    api.on("/shops", pages([{"id": "x"}], [{"id": "y"}]))
    defs = build_definitions({"shop": load_text(SHOP, name="shop", file="shop.yaml")})
    job = defs.resolve_job_def("sync_shop")

    def materialize(*names: str, day: str | None = DAY, **config: object) -> ExecuteInProcessResult:
        return job.execute_in_process(
            run_config={"ops": {"shop": {"config": config}}},
            instance=instance,
            partition_key=day,
            asset_selection=[AssetKey(["shop", name]) for name in names],
            raise_on_error=False,
        )

    return materialize


def log_of(instance: DagsterInstance, result: ExecuteInProcessResult) -> str:
    """All that the run has written into Dagster's log."""
    return "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))


@mainly_duckdb
def test_a_trial_loads_a_few_pages_and_nothing_counts_as_read(
    api: Api, run: Run, instance: DagsterInstance, warehouse: Warehouse
) -> None:
    result = run("orders", "lines", "shops", page_limit=1)
    assert result.success
    assert not metadata(result)
    assert len(api.queries("/orders")) == 1
    assert len(api.queries("/shops")) == 1
    assert warehouse.values("orders").keys() == {"a"}
    assert warehouse.values("shops").keys() == {"x"}
    assert not instance.get_materialized_partitions(AssetKey(["shop", "orders"]))
    observed = {
        e.asset_key.path[-1]: e.event_specific_data.asset_observation.metadata
        for e in result.all_events
        if e.event_type == DagsterEventType.ASSET_OBSERVATION
    }
    assert observed.keys() == {"orders", "lines", "shops"}
    assert observed["orders"]["page_limit"].value == 1
    for check in result.get_asset_check_evaluations():
        assert (check.check_name, check.passed, check.severity.value) == ("complete", False, "WARN")
        assert "trial of at most 1 page" in str(check.description)
    assert len(result.get_asset_check_evaluations()) == 3
    found: Any = instance.get_run_by_id(result.run_id)
    assert found.tags["analytics_sync/mode"] == "trial of 1 page"
    assert warehouse.query("SELECT count(*) FROM shop._loaded") == [(0,)]


@pytest.mark.slow
def test_a_trial_marks_and_replaces_nothing(run: Run, warehouse: Warehouse) -> None:
    assert run("orders", "shops").success
    assert run("orders", "shops", page_limit=1).success
    assert warehouse.values("shops").keys() == {"x", "y"}
    assert warehouse.values("orders").keys() == {"a", "b"}
    assert run("orders", "shops", page_limit=50).success, "a trial that reads everything is one too"


@pytest.mark.slow
def test_a_full_refresh_removes_what_the_window_lists_no_more(
    api: Api, run: Run, warehouse: Warehouse
) -> None:
    api.on("/orders", pages([order("a")], [order("b")], [order(x) for x in "cdefg"]))
    assert run("orders").success
    api.on("/orders", pages([order("before", "2026-03-09")]))
    assert run("orders", day="2026-03-09").success
    api.on("/orders", pages([order("a")], [order(x) for x in "cdefg"]))
    assert run("orders").success
    assert warehouse.values("orders").keys() == {*"abcdefg", "before"}, "a merge removes nothing"
    result = run("orders", full_refresh=True)
    assert metadata(result)["orders"]["rows_replaced"] == 7
    assert warehouse.values("orders").keys() == {*"acdefg", "before"}
    api.on("/orders", pages([order("a")]))
    assert not check_of(run("orders", full_refresh=True), "complete").passed, "less than half"
    assert warehouse.values("orders").keys() == {*"acdefg", "before"}


@only_duckdb
def test_a_lookback_begins_the_window_earlier(api: Api, run: Run, warehouse: Warehouse) -> None:
    api.on("/orders", pages([order("late", "2026-03-08"), order("a")]))
    result = run("orders", lookback_days=2)
    (window,) = {q["from"][:10] for q in api.queries("/orders")}
    assert window <= "2026-03-08"
    assert warehouse.values("orders").keys() == {"late", "a"}
    assert metadata(result)["orders"]["window"] == "[2026-03-08 .. 2026-03-11)"
    assert metadata(result)["orders"]["dagster/partition_row_count"] == 1


@only_duckdb
def test_a_dry_run_shows_the_first_requests_and_sends_none(
    api: Api, run: Run, instance: DagsterInstance
) -> None:
    result = run("orders", "lines", "shops", dry_run=True)
    assert result.success
    assert not api.seen
    assert not metadata(result)
    assert not Path("w.duckdb").exists()
    log = log_of(instance, result)
    assert f"GET {api.url}/orders?from=2026-03-" in log
    assert "page=1 with the headers X-Key: ***" in log
    assert f"GET {api.url}/orders/{{orders.id}}/lines" in log
    assert SECRET not in log


@only_duckdb
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"page_limit": 0}, "page_limit is 0; expected a whole number from 1 to 10000"),
        ({"lookback_days": -1}, "lookback_days is -1; expected a whole number from 0 to 366"),
        ({"page_limit": 1, "full_refresh": True}, "page_limit and full_refresh are both set"),
    ],
)
def test_a_wrong_value_is_refused_before_the_first_request(
    api: Api, run: Run, config: dict[str, Any], said: str
) -> None:
    message = step_failure(run("shops", **config)).description
    assert message.startswith("shop: in the config of the op 'shop', " + said)
    assert "\n" not in message
    assert not api.seen


@only_duckdb
def test_a_value_of_another_type_starts_no_run(run: Run) -> None:
    with pytest.raises(DagsterInvalidConfigError, match=r"page_limit.*Int"):
        run("shops", page_limit="many")
    with pytest.raises(DagsterInvalidConfigError, match='unexpected config entry "pages"'):
        run("shops", pages=1)


def test_the_launchpad_has_a_help_text_for_each_field() -> None:
    defs = build_definitions({"shop": load_text(SHOP, name="shop", file="shop.yaml")})
    job = defs.resolve_job_def("sync_shop")
    fields = job.get_node_named("shop").definition.config_schema.config_type.fields
    assert fields.keys() == {
        "accept_shrunken", "full_refresh", "page_limit", "lookback_days", "dry_run",
    }  # fmt: skip
    assert all(field.description for field in fields.values())
