"""Freshness when no run starts: the sensor ``judge_freshness``, its alerts, and the cadence of a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    SensorEvaluationContext,
)

from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.alert_receivers import web_receiver
from analytics_sync_tests.support.alert_ticks import Alerts
from analytics_sync_tests.support.changing_api import windowed
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
TODAY = datetime.now(UTC).date()
CHECK = AssetCheckKey(AssetKey(["shop", "items"]), "freshness")


def ago(days: int) -> str:
    return str(TODAY - timedelta(days=days))


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", ago(9))
    with DagsterInstance.from_config(str(make_dagster_home(tmp_path / "home"))) as found:
        yield found


def judge(runs: Alerts) -> list[AssetCheckEvaluation]:
    """A tick of the sensor, and what the daemon does with its result."""
    with SensorEvaluationContext(
        instance_ref=runs.instance.get_ref(),
        last_tick_completion_time=1.0,
        cursor=None,
        sensor_name="judge_freshness",
        repository_name="__repository__",
    ) as context:
        result: Any = runs.defs.resolve_sensor_def("judge_freshness").evaluate_tick(context)
    for event in result.asset_events:
        runs.instance.report_runless_asset_event(event)
    assert not result.run_requests
    return list(result.asset_events)


@pytest.mark.slow
def test_what_nobody_loads_turns_red_and_is_told_once(
    api: Api, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("/items", lambda *_: [])
    with web_receiver() as web:
        monkeypatch.setenv("ANALYTICS_SYNC__ALERTS__URLS", f"{web.url}/x")
        runs = Alerts(instance, shop(windowed()))
        runs.tick("checks", is_first=True)
        assert runs.run(ago(8))
        (late,) = judge(runs)
        assert late.asset_check_key == CHECK
        assert (late.passed, late.severity) == (False, AssetCheckSeverity.ERROR)
        assert f"{ago(2)} should be loaded by now" in str(late.description)
        assert judge(runs) == [], "nothing has changed"
        assert runs.tick("checks") == "1 message sent."
        assert runs.tick("checks") == "Nothing to tell."
        assert runs.run(ago(7)), "a backfill of an old day mends nothing"
        assert [e.passed for e in judge(runs)] == [False], "the check of the run only warns"
        assert runs.tick("checks") == "Nothing to tell."
        load_without_checks(runs, ago(2))
        (fresh,) = judge(runs)
        assert fresh.passed
        assert judge(runs) == []
        runs.tick("checks")
        assert web.titles == [
            "Failed: check freshness of shop/items",
            "Well again: check freshness of shop/items",
        ]
        for told in web.documents:
            assert told["url"] == "http://localhost:3000/assets/shop/items?view=checks"


def load_without_checks(runs: Alerts, day: str) -> None:
    job = runs.defs.resolve_implicit_global_asset_job_def()
    done = job.get_subset(
        asset_selection={AssetKey(["shop", "items"])}, asset_check_selection=set()
    )
    assert done.execute_in_process(instance=runs.instance, partition_key=day).success


def test_a_snapshot_that_was_never_loaded_is_late(instance: DagsterInstance) -> None:
    runs = Alerts(instance, shop(item()))
    (late,) = judge(runs)
    assert "shop/items was never loaded." in str(late.description)
    assert judge(runs) == [], "nothing has changed"


@pytest.mark.slow
def test_a_check_that_its_run_did_not_reach_is_judged(api: Api, instance: DagsterInstance) -> None:
    runs = Alerts(instance, shop(item()))
    api.on("/items", (403, {}, {}))
    assert not runs.run()
    assert len(judge(runs)) == 1
    api.on("/items", [{"id": 1}])
    assert runs.run()
    assert judge(runs) == []


@pytest.mark.slow
@pytest.mark.parametrize(("cadence", "passed"), [("daily", False), ("P9D", True), (None, True)])
def test_the_newest_record_is_judged_by_the_cadence(
    api: Api, instance: DagsterInstance, cadence: str | None, passed: bool
) -> None:
    record = {"id": "1", "updated_at": f"{ago(8)}T12:00:00Z"}
    api.on("/items", lambda _, query, __: [record] if query["from"] <= ago(8) else [])
    runs = Alerts(instance, shop(windowed(**({"cadence": cadence} if cadence else {}))))
    assert runs.run(ago(9), ago(2))
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])
    event: Any = latest[CHECK].event
    found = event.dagster_event.event_specific_data
    assert found.passed == passed, found.description
    if not passed:
        assert "the cadence is daily" in found.description
        assert found.metadata["newest_record"].value == f"{ago(8)}T12:00:00+00:00"


def test_a_setting_switches_the_sensor_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def status() -> str:
        defs = build_definitions({"shop": shop(item())})
        return defs.resolve_sensor_def("judge_freshness").default_status.value

    assert status() == "STOPPED"
    monkeypatch.setenv("ANALYTICS_SYNC__JUDGE_FRESHNESS", "true")
    assert status() == "RUNNING"
    monkeypatch.setenv("ANALYTICS_SYNC__JUDGE_FRESHNESS", "yes")
    with pytest.raises(WrongSetting, match="expected true or false"):
        status()
