"""All sixty shipped resources: the tables equal what the sandbox served.

In: runs by Dagster's command line, or in this process. Out: the judgement of the oracle on each
table, and of the asset checks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterEventType, DagsterInstance

from analytics_sync_tests.support.fault_lab import without_load
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import World


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world after one command over all assets and all days."""
    with World(tmp_path_factory.mktemp("synced")) as made:
        materialize_all(made)
        yield made


def materialize_all(world: World) -> None:
    """Materialize all assets over all days, by one command."""
    world.command(
        "dagster", "asset", "materialize", "--select", "*",
        "--partition-range", f"{world.days[0]}...{world.days[-1]}",
        "-m", "analytics_sync.definitions",
    )  # fmt: skip


def assert_all_same(world: World) -> None:
    """Assert that every table holds what the ledger expects."""
    for source in world.sources.values():
        for resource in source.assets:
            expected = world.expected(str(resource), world.start, world.end)
            assert expected, f"{resource}: the sandbox serves no records"
            assert_same(resource, world.table(str(resource)), expected)


def test_every_table_equals_what_was_served(synced: World) -> None:
    assert len(synced.assets) == 60
    assert_all_same(synced)


def test_all_checks_ran_and_passed(synced: World) -> None:
    with DagsterInstance.from_config(str(synced.home)) as instance:
        run = instance.get_runs(limit=1)[0]
        logs = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = [e.dagster_event.asset_check_evaluation_data for e in logs]
    assert len({(c.asset_key, c.check_name) for c in checks}) == 388
    assert [c for c in checks if not c.passed] == []


def test_no_extra_field_staging_schema_or_pipeline_folder_is_left(synced: World) -> None:
    for asset in synced.assets:
        assert not [row for row in synced.table(asset) if row["_extra"] is not None]
    schemas = {name for (name,) in synced.query("SELECT schema_name FROM duckdb_schemas()")}
    assert not {name for name in schemas if "staging" in name}
    assert not list(synced.folder.glob(".dlt")), "a pipeline directory was left beside the code"


@pytest.mark.slow
def test_a_second_run_changes_no_row_and_loads_every_change(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        materialize_all(world)
        before = {asset: world.table(asset) for asset in world.assets}
        materialize_all(world)
        for asset, rows in before.items():
            assert _without_load(world.table(asset)) == _without_load(rows), asset
        world.sandbox.advance()
        materialize_all(world)
        assert_all_same(world)


def _without_load(rows: list[dict[str, object]]) -> list[str]:
    """The rows in order, without the columns in which each load differs."""
    return sorted(map(str, without_load(rows)))


@pytest.mark.parametrize(
    "source",
    [
        "observability",
        pytest.param("customer_data", marks=pytest.mark.slow),
        pytest.param("ci_pipelines", marks=pytest.mark.slow),
        pytest.param("delivery", marks=pytest.mark.slow),
    ],
)
def test_days_in_any_order_equal_the_range(world: World, source: str) -> None:
    declared = world.sources[source]
    windowed = [str(r) for r in declared.assets if declared.windowed(r)]
    days = list(world.days)
    random.Random(source).shuffle(days)
    for day in [*days, days[0]]:
        assert world.run(windowed, day).success
    for resource in declared.assets:
        if declared.windowed(resource):
            expected = world.expected(str(resource), world.start, world.end)
            assert_same(resource, world.table(str(resource)), expected)


def test_a_partition_touches_no_row_outside_its_day(world: World) -> None:
    assets = ["observability/incidents", "product_guidance/tours", "delivery/audit"]
    assert world.run(assets, world.days[0], world.days[-1]).success
    before = {asset: world.table(asset) for asset in assets}
    world.sandbox.advance()
    assert world.run(assets, world.days[1]).success
    for asset in assets:
        source, name = asset.split("/")
        resource = world.sources[source].resources[name]
        assert resource.cursor is not None
        outside = [r for r in before[asset] if r[resource.cursor.column].date() != world.days[1]]
        after = world.table(asset)
        for row in outside:
            assert row in after, asset
