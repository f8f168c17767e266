"""Declarative automation: conditions in place of a schedule, by the same rules."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RepositoryDefinition,
    evaluate_automation_conditions,
)

from analytics_sync.catalog import CatalogError, catalog_files, load_catalog, load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import make_dagster_home, module_instance
from analytics_sync_tests.support.nights import Nights
from analytics_sync_tests.support.scripted_api import Api, shop_api

SHOP = """
automation: conditions
client: {}
resource_defaults: {primary_key: id}
resources:
  - name: orders
    endpoint: {path: /orders, paginator: single_page,
      incremental: {cursor_path: at, start_param: from, end_param: to}}
    columns: {id: text, at: timestamp}
  - name: lines
    endpoint: {path: '/orders/{order}/lines', paginator: single_page,
      params: {order: {type: resolve, resource: orders, field: id}}}
    columns: {id: text}
  - name: shops
    endpoint: {path: /shops, paginator: single_page}
    columns: {id: text}
"""
DAYS = [f"2026-03-{day:02}" for day in range(1, 32)]
MAX_SECONDS = 180  # limit for the runs to end; the test waits only as needed
_numbers = count()
api = shop_api
instance = module_instance


@dataclass
class Ticks:
    """The ticks of the conditions of one source, each a moment later than the one before."""

    nights: Nights
    cursor: Any = field(default=None, init=False)

    def at(self, moment: str) -> dict[str, str]:
        """The partitions that a tick requests, each with the assets: ``{'07': 'orders, lines'}``."""
        found = evaluate_automation_conditions(
            self.nights.defs,
            self.nights.instance,
            evaluation_time=datetime.fromisoformat(moment).replace(tzinfo=UTC),
            cursor=self.cursor,
        )
        self.cursor = found.cursor
        asked: dict[str, list[str]] = {}
        for resource in self.nights.source.assets:
            key = AssetKey([resource.source, resource.name])
            for partition in found.get_requested_partitions(key):
                asked.setdefault((partition or "-")[8:] or "-", []).append(resource.name)
        return {day: ", ".join(names) for day, names in sorted(asked.items())}


@pytest.fixture
def shop(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ticks]:
    """Makes the ticks of a shop whose first day is 2026-03-07."""

    def make(text: str = SHOP, start: str = "2026-03-07") -> Ticks:
        monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", start)
        name = f"auto{next(_numbers)}"
        return Ticks(Nights(instance, load_text(text, name=name, file="shop.yaml")))

    return make


def test_the_first_tick_asks_for_what_is_missing(shop: Callable[..., Ticks]) -> None:
    ticks = shop()
    both = "orders, lines"
    asked = ticks.at("2026-03-10T12:00")
    assert asked == {"-": "shops", "07": both, "08": both, "09": both}, "10 is not over"
    assert ticks.at("2026-03-10T12:01") == {}


def test_the_cron_asks_for_what_a_schedule_would_ask_for(shop: Callable[..., Ticks]) -> None:
    ticks = shop()
    ticks.nights.read(*DAYS[6:9])
    assert ticks.at("2026-03-10T12:00") == {"-": "shops"}
    ticks.nights.read("2026-03-10", began="2026-03-10T16:00", of=["lines"])  # too early
    ticks.nights.fail("2026-03-08", of=["lines"])
    ticks.nights.read(of=["shops"])
    assert ticks.at("2026-03-11T02:14") == {}
    both = "orders, lines"
    assert ticks.at("2026-03-11T02:16") == {"-": "shops", "08": "lines", "10": both}
    assert ticks.at("2026-03-11T02:17") == {}
    assert ticks.at("2026-03-12T09:00")["11"] == both, "the daemon was off at 02:15"


@pytest.mark.slow
def test_a_run_in_progress_is_not_asked_for_again(shop: Callable[..., Ticks]) -> None:
    ticks = shop(start="2026-03-09")
    ticks.nights.start("2026-03-09", of=["orders", "lines"])
    assert ticks.at("2026-03-10T12:00") == {"-": "shops"}


@pytest.mark.slow
def test_days_that_become_missing_are_asked_for_at_once(shop: Callable[..., Ticks]) -> None:
    ticks = shop()
    ticks.nights.read(*DAYS[6:10])
    ticks.at("2026-03-11T12:00")
    ticks.nights.instance.wipe_assets([AssetKey([ticks.nights.source.name, "orders"])])
    both = "orders, lines"
    assert ticks.at("2026-03-11T12:01") == {"07": both, "08": both, "09": both}


@pytest.mark.slow
def test_children_follow_a_parent_that_was_read_alone(shop: Callable[..., Ticks]) -> None:
    ticks = shop()
    ticks.nights.read(*DAYS[6:10])
    ticks.at("2026-03-11T12:00")
    ticks.nights.read("2026-03-07", of=["orders"])
    assert ticks.at("2026-03-11T12:01") == {"07": "lines"}
    assert ticks.at("2026-03-11T12:02") == {}


def test_a_source_has_a_schedule_or_conditions_and_never_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = SHOP.replace("automation: conditions\n", "")
    sources = {
        name: load_text(text, name=name, file=f"{name}.yaml")
        for name, text in (("one", SHOP), ("two", plain))
    }
    repository = build_definitions(sources).get_repository_def()
    assert _schedules_of_loads(repository) == ["daily_two"]
    assert _condition_sensors(repository) == ["conditions_one"]
    graph = repository.asset_graph
    has_condition = {
        key.path[0]: graph.get(key).automation_condition is not None
        for key in graph.materializable_asset_keys
    }
    assert has_condition == {"one": True, "two": False}
    monkeypatch.setenv("SOURCES__ONE__AUTOMATION", "schedule")
    monkeypatch.setenv("ANALYTICS_SYNC__AUTOMATION", "conditions")
    repository = build_definitions(sources).get_repository_def()
    assert _schedules_of_loads(repository) == ["daily_one"]
    assert _condition_sensors(repository) == ["conditions_two"]


def _schedules_of_loads(repository: RepositoryDefinition) -> list[str]:
    return [s.name for s in repository.schedule_defs if not s.name.startswith("check_")]


def _condition_sensors(repository: RepositoryDefinition) -> list[str]:
    return [s.name for s in repository.sensor_defs if s.name.startswith("conditions_")]


def test_all_shipped_assets_can_have_a_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__AUTOMATION", "conditions")
    repository = build_definitions(load_catalog(catalog_files())).get_repository_def()
    graph = repository.asset_graph
    keys = [key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition]
    assert len(keys) == 60
    assert not _schedules_of_loads(repository)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("AUTOMATION", "cron", "expected schedule or conditions, found 'cron'"),
        ("RETRIES", "many", "expected a whole number from 0 to 10, found 'many'"),
    ],
)
def test_a_wrong_setting_of_all_sources_is_named(
    variable: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANALYTICS_SYNC__{variable}", value)
    with pytest.raises(ValueError, match=f"^ANALYTICS_SYNC__{variable}: {expected}"):
        build_definitions({})
    monkeypatch.delenv(f"ANALYTICS_SYNC__{variable}")
    with pytest.raises(CatalogError, match=f"^shop.yaml:2: {variable.lower()}: {expected}"):
        load_text(f"\n{variable.lower()}: {value}{SHOP[23:]}", name="shop", file="shop.yaml")


@pytest.mark.slow
def test_the_daemon_starts_the_runs_of_the_conditions(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    days = [str(today - timedelta(days=n)) for n in (2, 1)]
    home = make_dagster_home(tmp_path / "home")
    (tmp_path / "shop.yaml").write_text(f"start_date: {days[0]}\n{SHOP}")
    for name, value in {
        "DAGSTER_HOME": str(home),
        "ANALYTICS_SYNC__CATALOG_DIR": str(tmp_path),
        "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "warehouse.duckdb"),
    }.items():
        monkeypatch.setenv(name, value)
    api.on("/orders", lambda _, query, __: [{"id": query["from"], "at": query["from"]}])
    api.on("/orders/*", [{"id": "1"}])
    api.on("/shops", [{"id": "x"}])
    module = ["-m", "analytics_sync.definitions"]
    command = [sys.executable, "-m", "dagster", "sensor", "start", "conditions_shop", *module]
    subprocess.run(command, check=True, capture_output=True)
    daemon = subprocess.Popen(
        [sys.executable, "-m", "dagster._daemon", "run", *module],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with DagsterInstance.from_config(str(home)) as instance:
            runs = _finished(instance, 3)
            read = instance.get_materialized_partitions(AssetKey(["shop", "lines"]))
    finally:
        daemon.terminate()
        daemon.wait()
    assert {run.status for run in runs} == {DagsterRunStatus.SUCCESS}
    assert {run.tags.get("dagster/partition") for run in runs} == {None, *days}
    assert read == set(days)
    for run in runs:
        assert run.tags["dagster/from_automation_condition"] == "true"
        assert run.tags["analytics_sync/source"] == "shop"
        assert run.tags["analytics_sync/attempt"] == "1"
        assert run.asset_check_selection, "the checks run with the assets"


def _finished(instance: DagsterInstance, number: int) -> list[DagsterRun]:
    """So many runs, once all of them have ended."""
    until = time.monotonic() + MAX_SECONDS
    while time.monotonic() < until:
        runs = list(instance.get_runs())
        if len(runs) >= number and all(run.is_finished for run in runs):
            return runs
        time.sleep(0.5)
    raise AssertionError(f"not finished: {[run.status for run in instance.get_runs()]}")
