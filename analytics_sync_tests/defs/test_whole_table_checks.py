"""The checks of whole tables: a schedule of their own finds what no load has touched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance, RunRequest, build_schedule_context

from analytics_sync.catalog import Source
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.plan import plan_of
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_source
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse

FIRST, SECOND = "2026-06-01", "2026-06-02"
EVENTS = item(
    {"incremental": {"cursor_path": "at"}},
    columns={"id": "bigint", "at": "timestamp", "name": "text"},
    required=["name"],
)


def request_of(source: Source) -> RunRequest:
    """What the schedule of the checks requests."""
    repository = build_definitions({"shop": source}).get_repository_def()
    schedule = repository.get_schedule_def("check_tables_shop")
    sunday = datetime(2026, 6, 7, 3, 45, tzinfo=UTC)
    with (
        DagsterInstance.ephemeral() as instance,
        build_schedule_context(
            instance=instance, scheduled_execution_time=sunday, repository_def=repository
        ) as context,
    ):
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert schedule.job_name == "check_shop"
    return request


def verdicts(home: Path, source: Source) -> dict[str, bool]:
    """Run what the schedule requests, and return whether each check passed."""
    request = request_of(source)
    job = build_definitions({"shop": source}).resolve_job_def("check_shop")
    with DagsterInstance.from_config(str(home)) as instance:
        done = job.execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            raise_on_error=False,
        )
    assert not done.get_asset_materialization_events()
    return {e.check_name: e.passed for e in done.get_asset_check_evaluations()}


def test_a_row_that_no_run_loads_is_found(api: Api, warehouse: Warehouse, tmp_path: Path) -> None:
    source, home = shop(EVENTS), make_dagster_home(tmp_path / "dagster")
    api.on(
        "/items",
        [
            {"id": n, "at": f"{day}T10:00:00Z", "name": "Ann"}
            for n, day in enumerate((FIRST, SECOND))
        ],
    )
    assert run_source(home, source, FIRST, SECOND).failed() == {}
    assert verdicts(home, source) == {
        "required_fields": True,
        "primary_key_unique": True,
        "declared_schema": True,
        "history": True,
    }
    warehouse.run("UPDATE shop.items SET name = NULL WHERE id = 0")
    assert run_source(home, source, SECOND).failed() == {}
    assert verdicts(home, source)["required_fields"] is False


def test_a_team_chooses_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    source = shop(EVENTS)
    schedules = {s.name: s for s in build_definitions({"shop": source}).schedules or ()}
    assert schedules["check_tables_shop"].cron_schedule == "45 3 * * 0"
    monkeypatch.setenv("SOURCES__SHOP__CHECK_SCHEDULE", "5 4 * * 6")
    schedules = {s.name: s for s in build_definitions({"shop": source}).schedules or ()}
    assert schedules["check_tables_shop"].cron_schedule == "5 4 * * 6"
    monkeypatch.setenv("SOURCES__SHOP__CHECK_SCHEDULE", "never")
    with pytest.raises(CatalogError, match="SOURCES__SHOP__CHECK_SCHEDULE: expected a cron"):
        plan_of(source)
