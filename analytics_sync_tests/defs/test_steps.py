"""The steps of a run: one for a source, or one for each family of resources."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import DagsterEventType

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.plan import plan_of
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import events, make_dagster_home, run_in_dagster
from analytics_sync_tests.support.duckdb_file import table
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.world import World

api = shop_api

LINES = item(
    {
        "path": "/orders/{order}/lines",
        "params": {"order": {"type": "resolve", "resource": "orders", "field": "id"}},
    },
    name="lines",
)
SHOP = shop(item(name="orders"), item(name="users"), LINES)


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for the warehouse; the source has a step for each family."""
    monkeypatch.setenv("SOURCES__SHOP__STEPS", "families")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    return tmp_path


@pytest.mark.usefixtures("families")
def test_a_child_is_in_the_step_of_its_parent() -> None:
    defs = build_definitions({"shop": SHOP})
    graph = defs.resolve_job_def("sync_shop").graph
    assert {node.name for node in graph.nodes} == {
        "shop__orders",
        "shop__orders_checks",
        "shop__users",
        "shop__users_checks",
    }
    (orders,) = [
        a for a in defs.assets or () if getattr(a, "op", None) and a.op.name == "shop__orders"
    ]
    assert {key.path[-1] for key in orders.keys} == {"orders", "lines"}


def test_a_family_that_fails_leaves_the_others_with_their_checks(api: Api, families: Path) -> None:
    api.on("/orders", (403, {}, {"error": "no"}))
    api.on("/users", [{"id": 1}, {"id": 2}])
    home = make_dagster_home(families / "dagster")
    names = ["shop/orders", "shop/users", "shop/lines"]
    result = run_in_dagster(home, {"shop": SHOP}, names)
    assert not result.success
    (failure,) = events(result, DagsterEventType.STEP_FAILURE)
    assert failure.step_key == "shop__orders"
    judged = {e.asset_key.path[-1] for e in result.get_asset_check_evaluations() if e.passed}
    assert judged == {"users"}
    assert [row["id"] for row in table(families / "warehouse.duckdb", "shop/users")] == [1, 2]
    api.on("/orders", [{"id": 7}])
    api.on("/orders/*/lines", [{"id": 70}, {"id": 71}])
    assert run_in_dagster(home, {"shop": SHOP}, names).success
    assert [row["id"] for row in table(families / "warehouse.duckdb", "shop/lines")] == [70, 71]


def test_without_a_setting_a_run_has_one_step() -> None:
    graph = build_definitions({"shop": SHOP}).resolve_job_def("sync_shop").graph
    assert {node.name for node in graph.nodes} == {"shop", "shop_checks"}


def test_a_wrong_word_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__STEPS", "many")
    with pytest.raises(CatalogError, match="SOURCES__SHOP__STEPS: expected one or families"):
        plan_of(SHOP)


@pytest.mark.slow
def test_processes_share_a_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__EXECUTOR", "multiprocess")
    monkeypatch.setenv("ANALYTICS_SYNC__EXECUTOR_PROCESSES", "3")
    monkeypatch.setenv("SOURCES__OBSERVABILITY__STEPS", "families")
    names = ["audit_logs", "incidents", "logs"]
    with World(tmp_path) as world:
        said = world.command(
            "dagster", "asset", "materialize",
            "--select", ",".join(f"observability/{name}" for name in names),
            "--partition-range", f"{world.days[0]}...{world.days[-1]}",
            "-m", "analytics_sync.definitions",
        )  # fmt: skip
        assert all(f"observability__{name}" in said for name in names)
        for name in names:
            resource = world.sources["observability"].resources[name]
            expected = world.expected(str(resource), world.start, world.end)
            assert_same(resource, world.table(str(resource)), expected)
