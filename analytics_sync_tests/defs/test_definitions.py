"""The definitions: keys, groups, columns, partitions, dependencies, jobs, schedules and sensors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    RunRequest,
    build_schedule_context,
    build_sensor_context,
)
from dagster.components.definitions import LazyDefinitions
from dlt.extract.exceptions import ResourceExtractionError

from analytics_sync import definitions as location
from analytics_sync.catalog import load_catalog
from analytics_sync.defs.build import build_definitions
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync_tests.support.dagster_runs import make_dagster_home, table_specs
from analytics_sync_tests.support.world import ROOT, World

WINDOWED = {
    "observability": {"audit_logs", "logs", "incidents"},
    "ci_pipelines": {"pipelines", "workflow", "workflow_jobs", "jobs"},
    "customer_data": {"usage_api_calls_daily", "usage_mtu_daily"},
    "delivery": {"builds", "audit", "analytics_reports"},
}


@pytest.fixture(scope="module")
def defs() -> Definitions:
    return build_definitions(load_catalog())


def test_the_location_loads_with_an_empty_environment(tmp_path: Path) -> None:
    code = (
        "from analytics_sync.definitions import defs; "
        "print(len(defs().resolve_asset_graph().materializable_asset_keys))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "60"), done.stderr[-2000:]
    assert "Warning" not in done.stderr
    assert not list(tmp_path.iterdir()), "loading definitions wrote files"


def test_assets_are_described_before_the_first_run(defs: Definitions) -> None:
    specs = {spec.key: spec for spec in table_specs(defs)}
    assert len(specs) == 60
    for key, spec in specs.items():
        assert len(key.path) == 2
        assert spec.group_name == key.path[0]
        assert spec.description
        assert spec.kinds == {"dlt", "duckdb"}
        columns = spec.metadata["dagster/column_schema"].columns
        assert {"_extra"} < {column.name for column in columns}
    incidents = specs[AssetKey(["observability", "incidents"])].metadata["dagster/column_schema"]
    types = {c.name: (c.type, c.constraints.nullable) for c in incidents.columns}
    assert types["attributes__modified"] == ("timestamp", False)
    assert types["attributes__resolved"] == ("timestamp", True)


def test_windowed_assets_have_daily_partitions_and_the_others_none(defs: Definitions) -> None:
    for spec in table_specs(defs):
        source, resource = spec.key.path
        windowed = source == "product_guidance" or resource in WINDOWED.get(source, set())
        assert (spec.partitions_def is not None) == windowed, spec.key
    graph = defs.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        policy = graph.get(key).backfill_policy
        assert policy is not None
        assert policy.max_partitions_per_run is None, "a range is one run"


def test_children_come_after_their_parents_and_all_others_after_their_api(
    defs: Definitions,
) -> None:
    parents = {
        spec.key.to_user_string(): [dep.asset_key.to_user_string() for dep in spec.deps]
        for spec in table_specs(defs)
    }
    edges = {(parent, child) for child, (parent,) in parents.items() if "/" in parent}
    assert edges == {
        ("ci_pipelines/pipelines", "ci_pipelines/workflow"),
        ("ci_pipelines/workflow", "ci_pipelines/workflow_jobs"),
        ("ci_pipelines/workflow_jobs", "ci_pipelines/jobs"),
        ("product_guidance/surveys", "product_guidance/survey_responses"),
        ("delivery/analytics_metadata", "delivery/analytics_reports"),
    }
    others = {child: parent for child, (parent,) in parents.items() if "/" not in parent}
    assert len(others) == 55
    assert all(parent == f"{child.split('/')[0]}_api" for child, parent in others.items())


def test_each_asset_has_six_checks_and_more_where_it_has_a_time(
    defs: Definitions,
) -> None:
    names = Counter(key.name for key in defs.resolve_asset_graph().asset_check_keys)
    assert names == {
        "required_fields": 60,
        "primary_key_unique": 60,
        "declared_schema": 60,
        "complete": 60,
        "history": 60,
        "freshness": 60,
        "window_bounds": 9,
        "volume": 19,
    }


def test_today_is_a_partition(defs: Definitions) -> None:
    spec = next(s for s in defs.resolve_all_asset_specs() if s.partitions_def is not None)
    assert spec.partitions_def is not None
    before = datetime.now(UTC).date()
    last = spec.partitions_def.get_last_partition_key()
    after = datetime.now(UTC).date()  # the next day, if midnight passed in between
    assert last in {str(before), str(after)}


@pytest.mark.parametrize("day", ["yesterday", "2025-01-01\n", "2025-01-01 x"])
def test_a_wrong_start_date_is_named(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", day)
    with pytest.raises(ValueError, match="ANALYTICS_SYNC__START_DATE is ") as error:
        build_definitions(load_catalog())
    assert repr(day) in str(error.value)


def test_daily_schedules_request_yesterday_and_are_off(defs: Definitions) -> None:
    for name in ("observability", "product_guidance", "ci_pipelines", "customer_data", "delivery"):
        schedule = defs.resolve_schedule_def(f"daily_{name}")
        assert schedule.default_status.value == "STOPPED"
        at = datetime(2026, 3, 1, 2, 15, tzinfo=UTC)
        with DagsterInstance.ephemeral() as instance:
            tick = schedule.evaluate_tick(
                build_schedule_context(
                    instance=instance,
                    scheduled_execution_time=at,
                    repository_def=defs.get_repository_def(),
                )
            )
        assert [r.partition_key for r in tick.run_requests] == ["2026-02-28"]


def test_a_scheduled_run_syncs_the_partition_and_the_snapshots(world: World) -> None:
    defs = build_definitions(world.sources)
    with DagsterInstance.from_config(str(world.home)) as instance:
        result = defs.resolve_job_def("sync_delivery").execute_in_process(
            instance=instance, partition_key=str(world.days[1])
        )
    assert result.success
    assert len({e.asset_key for e in result.get_asset_materialization_events()}) == 13
    windowed = [r for r in world.sources["delivery"].assets if r.cursor]
    assert len(result.get_asset_check_evaluations()) == 6 * 13 + 3 + len(windowed)
    assert {r["created"].date() for r in world.table("delivery/builds")} == {world.days[1]}
    assert len(world.table("delivery/accounts")) == len(world.expected("delivery/accounts"))


def sensor_tick(world: World, cursor: str | None) -> object:
    """The result of one tick of a sensor."""
    defs = build_definitions(world.sources)
    sensor = defs.resolve_sensor_def("new_ci_pipelines_pipelines")
    with DagsterInstance.from_config(str(world.home)) as instance:
        context = build_sensor_context(
            instance=instance, cursor=cursor, repository_def=defs.get_repository_def()
        )
        return sensor.evaluate_tick(context)


def test_the_sensor_requests_the_day_of_a_new_record(world: World) -> None:
    before = world.sandbox.requests
    first = sensor_tick(world, None)
    assert world.sandbox.requests == before + 1, "a tick costs one request"
    (request,) = first.run_requests
    assert isinstance(request, RunRequest)
    assert request.partition_key == str(world.days[-1])
    again = sensor_tick(world, first.cursor)
    assert not again.run_requests
    assert "nothing newer" in again.skip_message
    ledger = world.sandbox.ledger("ci_pipelines")
    newest = {**ledger.records("pipelines")[-1].record, "id": "brand-new"}
    ledger.add("pipelines", {**newest, "created_at": f"{world.today}T00:00:01.000Z"})
    (request,) = sensor_tick(world, first.cursor).run_requests[-1:]
    assert request.partition_key == str(world.today)


def test_the_sensor_catches_up_on_every_day_since_its_cursor(world: World) -> None:
    two_days_ago = datetime.combine(world.days[-3], datetime.min.time(), UTC) + timedelta(hours=5)
    tick = sensor_tick(world, two_days_ago.isoformat())
    assert [r.partition_key for r in tick.run_requests] == [str(d) for d in world.days]


def test_the_sensor_skips_with_a_reason_when_nothing_is_configured(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__CI_PIPELINES__BASE_URL")
    tick = sensor_tick(world, None)
    assert not tick.run_requests
    assert "SOURCES__CI_PIPELINES__BASE_URL" in tick.skip_message


def test_the_sensors_job_reads_the_resource_and_its_children(world: World) -> None:
    defs = build_definitions(world.sources)
    job = defs.resolve_job_def("follow_ci_pipelines_pipelines")
    with DagsterInstance.from_config(str(world.home)) as instance:
        result = job.execute_in_process(instance=instance, partition_key=str(world.days[-1]))
    keys = {e.asset_key.path[-1] for e in result.get_asset_materialization_events()}
    assert keys == {"pipelines", "workflow", "workflow_jobs", "jobs"}


BUILD = "from analytics_sync.definitions import defs; defs()"


def run_python(code: str) -> list[str]:
    """Words that a fresh interpreter prints when it runs the code."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after it runs the code."""
    return set(run_python(f"import sys; {code}; print(*sys.modules)"))


def test_importing_the_module_builds_nothing() -> None:
    modules = modules_after("import analytics_sync.definitions")
    assert not {"dlt", "dagster_dlt", "analytics_sync.catalog", "analytics_sync.defs"} & modules


def test_building_definitions_loads_no_more_than_it_needs() -> None:
    modules = modules_after(BUILD)
    assert {"dagster_dlt", "dlt"} <= modules
    assert not {"pyarrow", "duckdb", "psycopg2", "analytics_sync.extract.run"} & modules


def test_the_dlt_source_of_definitions_cannot_be_read() -> None:
    with pytest.raises(ResourceExtractionError, match="this source only describes"):
        list(dlt_source(load_catalog()["delivery"]))


@pytest.mark.parametrize("before", ["enable", "disable"])
def test_building_definitions_leaves_the_collector_as_it_was(before: str) -> None:
    printed = run_python(f"import gc; gc.{before}(); {BUILD}; print(gc.isenabled())")
    assert printed == [str(before == "enable")]


def test_built_definitions_are_frozen() -> None:
    """The collector skips them."""
    (frozen,) = run_python(f"import gc; {BUILD}; print(gc.get_freeze_count())")
    assert int(frozen) > 100_000


def test_definitions_are_built_once() -> None:
    assert location.defs() is location.defs()


def test_the_function_has_the_attributes_of_the_definitions_object() -> None:
    assert isinstance(location.defs, LazyDefinitions)
    assert location.defs.resolve_job_def("sync_delivery").name == "sync_delivery"
    with pytest.raises(AttributeError, match="nothing"):
        _ = location.defs.nothing


@pytest.mark.parametrize(
    "target", [("-w", str(ROOT / "workspace.yaml")), ("-m", "analytics_sync.definitions")]
)
def test_dagster_finds_the_definitions(tmp_path: Path, target: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", *target],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(make_dagster_home(tmp_path)),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr
