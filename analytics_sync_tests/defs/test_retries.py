"""Retries and tags of runs: which failures are tried again, and what the UI shows of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEventType, DagsterInstance, ExecuteInProcessResult

from analytics_sync.catalog import Source, load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import (
    events,
    make_dagster_home,
    metadata,
    step_failure,
)
from analytics_sync_tests.support.scripted_api import Api, shop_api

SHOP = """
client: {}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, paginator: single_page, error_handler: {max_retries: 0}}
    columns: {id: text}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page, error_handler: {max_retries: 0},
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: text}
"""
BY_SCHEDULE = {"dagster/schedule_name": "daily_shop"}
ORDERS, LINES = [{"id": "1"}], [{"id": "1a"}]
api = shop_api


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """A persistent instance; retries begin at once."""
    monkeypatch.setenv("ANALYTICS_SYNC__RETRY_SECONDS", "0")
    with DagsterInstance.from_config(str(make_dagster_home(tmp_path / "home"))) as instance:
        yield instance


@pytest.fixture
def run(api: Api, instance: DagsterInstance) -> Callable[..., ExecuteInProcessResult]:
    """Materializes the shop with its checks."""
    api.on("/orders", ORDERS)
    api.on("/orders/1/lines", LINES)

    def materialize(
        tags: Mapping[str, str], source: Source | None = None
    ) -> ExecuteInProcessResult:
        source = source or load_text(SHOP, name="shop", file="shop.yaml")
        job = build_definitions({source.name: source}).resolve_job_def(f"sync_{source.name}")
        return job.execute_in_process(instance=instance, tags=dict(tags), raise_on_error=False)

    return materialize


def tags_of(instance: DagsterInstance, result: ExecuteInProcessResult) -> dict[str, str]:
    """Our tags of a run, as the UI shows them."""
    found = instance.get_run_by_id(result.run_id)
    assert found is not None
    return {
        name.removeprefix("analytics_sync/"): value
        for name, value in found.tags.items()
        if name.startswith("analytics_sync/")
    }


def test_an_outage_is_tried_again_and_only_what_failed_is_read(
    api: Api, run: Callable[..., ExecuteInProcessResult], instance: DagsterInstance
) -> None:
    api.on("/orders/1/lines", (503, {}, {}), LINES)
    result = run(BY_SCHEDULE)
    assert result.success
    assert len(events(result, DagsterEventType.STEP_UP_FOR_RETRY)) == 1
    assert [e.asset_key.path[-1] for e in result.get_asset_materialization_events()] == [
        "orders",
        "lines",
    ]
    assert metadata(result)["lines"]["rows_loaded"] == 1
    checked = {c.asset_key.path[-1] for c in result.get_asset_check_evaluations()}
    assert checked == {"orders", "lines"}, "the checks of both attempts"
    assert tags_of(instance, result) == {
        "source": "shop",
        "account": "127.0.0.1",
        "attempt": "2",
    }


def test_a_run_that_a_person_has_started_fails_at_once(
    api: Api, run: Callable[..., ExecuteInProcessResult]
) -> None:
    api.on("/orders", (503, {}, {}))
    result = run({})
    assert not result.success
    assert api.paths() == ["/orders"]
    assert not events(result, DagsterEventType.STEP_UP_FOR_RETRY)


@pytest.mark.parametrize(
    "status",
    [401, pytest.param(403, marks=pytest.mark.slow), pytest.param(404, marks=pytest.mark.slow)],
)
def test_what_does_not_pass_is_not_tried_again(
    api: Api, run: Callable[..., ExecuteInProcessResult], status: int
) -> None:
    api.on("/orders", (status, {}, {}))
    assert not run(BY_SCHEDULE).success
    assert api.paths() == ["/orders"]


def test_a_missing_setting_is_not_tried_again(
    run: Callable[..., ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__BASE_URL")
    result = run(BY_SCHEDULE)
    assert "SOURCES__SHOP__BASE_URL" in step_failure(result).description
    assert not events(result, DagsterEventType.STEP_UP_FOR_RETRY)


@pytest.mark.slow
def test_an_outage_that_stays_fails_after_the_retries_of_the_source(
    api: Api,
    run: Callable[..., ExecuteInProcessResult],
    instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api.on("/orders/1/lines", (503, {}, {}))
    monkeypatch.setenv("SOURCES__SHOP__RETRIES", "1")
    result = run(BY_SCHEDULE)
    assert not result.success
    assert api.paths().count("/orders/1/lines") == 2
    assert "shop/lines" in step_failure(result).description
    assert tags_of(instance, result)["attempt"] == "2"
    checked = {c.asset_key.path[-1] for c in result.get_asset_check_evaluations()}
    assert checked == {"orders"}, "what was loaded has its verdict"


@pytest.mark.slow
def test_a_run_that_is_executed_again_is_the_next_attempt(
    api: Api, run: Callable[..., ExecuteInProcessResult], instance: DagsterInstance
) -> None:
    api.on("/orders", (503, {}, {}), ORDERS)
    first = run({})
    source = load_text(SHOP, name="shop", file="shop.yaml")
    job = build_definitions({"shop": source}).resolve_job_def("sync_shop")
    again = instance.create_run_for_job(job, parent_run_id=first.run_id, root_run_id=first.run_id)
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run

    assert execute_run(InMemoryJob(job), again, instance).success
    found: Any = instance.get_run_by_id(again.run_id)
    assert found.tags["analytics_sync/attempt"] == "2"
