"""``build_definitions`` and ``RestSource``: sources inside another Dagster project."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.testing import create_defs_folder_sandbox

import analytics_sync
from analytics_sync import RestSource, build_definitions
from analytics_sync.catalog import CatalogError, load_catalog
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.world import World

CATALOG = """\
source: {name}
client: {{base_url: https://api.example.com/v1}}
resources:
  - name: orders
    primary_key: id
    columns: {{id: text, updated_at: timestamp}}
    endpoint:
      path: orders
      data_selector: data
      paginator: {{type: cursor, cursor_param: cursor, cursor_path: meta.next}}
      incremental: {{cursor_path: updated_at, start_param: from, end_param: to}}
    {more}
"""


def catalog(folder: Path, name: str, more: str = "") -> Path:
    """A catalog file of one source."""
    file = folder / f"{name}.yaml"
    file.write_text(CATALOG.format(name=name, more=more))
    return file


def names(defs: dg.Definitions) -> dict[str, list[str]]:
    """The names of all that two definitions could share."""
    repository = defs.get_repository_def()
    return {
        "jobs": sorted(j.name for j in repository.get_all_jobs() if not j.name.startswith("__")),
        "schedules": sorted(s.name for s in repository.schedule_defs),
        "sensors": sorted(s.name for s in repository.sensor_defs),
        "assets": sorted(k.to_user_string() for k in repository.asset_graph.executable_asset_keys),
        "resources": sorted(defs.resources or ()),
    }


def spec(defs: dg.Definitions, key: list[str]) -> dg.AssetSpec:
    return next(s for s in defs.resolve_all_asset_specs() if s.key == dg.AssetKey(key))


def test_two_of_them_merge_with_the_definitions_of_the_project(tmp_path: Path) -> None:
    @dg.asset(deps=[["raw", "shop", "orders"]], group_name="ingest")
    def report() -> None: ...

    @dg.schedule(job=dg.define_asset_job("nightly", [report]), cron_schedule="0 4 * * *")
    def nightly_schedule() -> None: ...

    sensor = "sensor: {interval_seconds: 60}"
    first = build_definitions(
        catalog(tmp_path, "shop", sensor), key_prefix="raw", group="ingest", owners=["team:data"],
        tags={"layer": "raw"}, schedule="0 5 * * *", partitions="weekly", start_date="2026-03-02",
        time_zone="Europe/Berlin", executor="in_process", everything_job="sync_raw",
    )  # fmt: skip
    second = build_definitions([catalog(tmp_path, "billing")], key_prefix=["raw", "money"])
    own = dg.Definitions(assets=[report], schedules=[nightly_schedule], executor=dg.multiprocess_executor)  # fmt: skip
    merged = dg.Definitions.merge(first, second, own)
    assert names(merged) == {
        "jobs": ["check_billing", "check_shop", "follow_shop_orders", "nightly", "sync_billing", "sync_raw", "sync_shop"],
        "schedules": ["check_tables_billing", "check_tables_shop", "daily_billing", "nightly_schedule", "weekly_shop"],
        "sensors": ["new_shop_orders"],
        "assets": ["raw/money/billing/orders", "raw/shop/orders", "report"],
        "resources": [],
    }  # fmt: skip
    orders = spec(merged, ["raw", "shop", "orders"])
    assert (orders.group_name, orders.owners, orders.tags["layer"]) == (
        "ingest",
        ["team:data"],
        "raw",
    )
    assert [dep.asset_key for dep in orders.deps] == [dg.AssetKey(["raw", "shop_api"])]
    partitions: Any = orders.partitions_def
    assert (partitions.timezone, partitions.get_first_partition_key()) == (
        "Europe/Berlin",
        "2026-03-02",
    )
    assert spec(merged, ["raw", "money", "billing", "orders"]).group_name == "billing"
    job = merged.resolve_job_def("sync_shop")
    assert job.executor_def is dg.in_process_executor
    # the group holds an asset of the project, too, and the job of a source takes its own assets only
    assert set(job.asset_layer.executable_asset_keys) == {dg.AssetKey(["raw", "shop", "orders"])}
    assert merged.executor is dg.multiprocess_executor


def test_one_source_cannot_be_there_twice(tmp_path: Path) -> None:
    file = catalog(tmp_path, "shop")
    merged = dg.Definitions.merge(
        build_definitions(file, key_prefix="eu"), build_definitions(file, key_prefix="us")
    )
    with pytest.raises(
        dg.DagsterInvalidDefinitionError, match="Duplicate definition found for check_tables_shop"
    ):
        merged.get_repository_def()


def test_accounts_are_sources_of_their_own(tmp_path: Path) -> None:
    defs = build_definitions(catalog(tmp_path, "shop", "\ninstances: [shop_eu, shop_us]"), key_prefix="raw")  # fmt: skip
    assert names(defs)["assets"] == ["raw/shop_eu/orders", "raw/shop_us/orders"]
    assert names(defs)["jobs"] == ["check_shop_eu", "check_shop_us", "sync_shop_eu", "sync_shop_us"]


def test_files_and_settings_go_before_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__SCHEDULE", "0 6 * * *")
    file = catalog(tmp_path, "shop", "\npartitions: monthly\ntags: {layer: own, kept: a}")
    defs = build_definitions(
        file, schedule="0 5 * * *", partitions="weekly", tags={"layer": "raw", "team": "a"}
    )
    (schedule,) = [s for s in defs.get_repository_def().schedule_defs if s.name == "monthly_shop"]
    assert schedule.cron_schedule == "0 6 * * *"
    tags = spec(defs, ["shop", "orders"]).tags
    assert {key: tags[key] for key in ("layer", "kept", "team")} == {"layer": "own", "kept": "a", "team": "a"}  # fmt: skip


def test_without_schedules_and_sensors(tmp_path: Path) -> None:
    file = catalog(tmp_path, "shop", "sensor: {interval_seconds: 60}\nautomation: conditions")
    defs = build_definitions(file, schedules=False, sensors=False)
    found = names(defs)
    assert (found["schedules"], found["sensors"]) == ([], [])
    assert spec(defs, ["shop", "orders"]).automation_condition is None
    with_both = build_definitions(file)
    assert names(with_both)["sensors"] == ["conditions_shop", "new_shop_orders"]


WRONG = {
    "key_prefix": ("a b", "key_prefix: expected letters, digits and _, found 'a b'"),
    "group": ("a/b", "group: expected letters"),
    "everything_job": ("", "everything_job: expected letters"),
    "owners": (["me"], "owners: expected an email address"),
    "schedule": ("at noon", "schedule: "),
    "partitions": ("dayly", "partitions: expected hourly, daily, weekly or monthly, found 'dayly'"),
    "start_date": ("2026-33-01", "start_date: expected a day"),
    "time_zone": ("Berlin", "time_zone: expected UTC or an IANA time zone"),
    "executor": ("threads", "executor: expected one of in_process"),
}  # fmt: skip


@pytest.mark.parametrize("argument", WRONG)
def test_a_wrong_argument_is_named(argument: str, tmp_path: Path) -> None:
    value, message = WRONG[argument]
    with pytest.raises(ValueError, match=message):
        build_definitions(catalog(tmp_path, "shop"), **{argument: value})  # type: ignore[arg-type]


def test_a_wrong_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    file = catalog(tmp_path, "shop", "primary_kee: id")
    with pytest.raises(CatalogError, match=r"shop.yaml:12: .*primary_kee"):
        build_definitions(file)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CatalogError, match=r"empty.*has no catalog file"):
        build_definitions(empty)


@pytest.mark.slow
def test_rows_of_an_embedded_source_arrive_and_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = catalog(tmp_path, "shop")
    with World(tmp_path, load_catalog([file])) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        defs = build_definitions(file, key_prefix="raw")
        day = str(world.days[0])
        with dg.DagsterInstance.from_config(str(make_dagster_home(tmp_path / "home"))) as instance:
            done = defs.resolve_job_def("sync_shop").execute_in_process(
                instance=instance, partition_key=day
            )
            materialized = instance.get_materialized_partitions(
                dg.AssetKey(["raw", "shop", "orders"])
            )
        assert done.success
        assert materialized == {day}
        checks = done.get_asset_check_evaluations()
        assert {c.check_name for c in checks} >= {"complete", "window_bounds", "primary_key_unique"}
        late = [c for c in checks if not c.passed]  # later days are missing
        assert [c.check_name for c in late] == ["freshness"]
        assert "dagster asset materialize --select raw/shop/orders --partition" in str(
            late[0].description
        )
        assert "analytics_sync.definitions" not in str(late[0].description)
        rows = duckdb_file.table(world.warehouse, "shop/orders")
        expected = world.expected("shop/orders", world.days[0], world.days[0] + timedelta(days=1))
        assert len(rows) == len(expected) > 0


def component(attributes: str) -> dict[str, list[str]]:
    """The names of a project with one component. Attributes begin in line 3 of its ``defs.yaml``."""
    with create_defs_folder_sandbox() as sandbox:
        place = sandbox.scaffold_component(component_cls=RestSource)
        (place / "defs.yaml").write_text(
            f"type: analytics_sync.RestSource\nattributes:\n{attributes}"
        )
        (place / "shop.yaml").write_text(CATALOG.format(name="shop", more=""))
        with sandbox.build_all_defs() as defs:
            return names(defs)


def test_the_component_has_the_definitions_of_its_files() -> None:
    found = component("  catalog: shop.yaml\n  key_prefix: raw\n  start_date: '2026-03-01'\n")
    assert found["assets"] == ["raw/shop/orders"]
    assert found["jobs"] == ["check_shop", "sync_shop"]


ATTRIBUTES = {
    "catalog: other.yaml": "no such file or folder beside defs.yaml",
    "key_prefix: a b": "expected letters, digits and _",
    "partitions: dayly": "expected hourly, daily, weekly or monthly",
    "owners: [me]": "expected an email address",
    "key_prefx: raw": "Extra inputs are not permitted",
}


@pytest.mark.parametrize("line", ATTRIBUTES)
def test_a_wrong_attribute_is_an_error_with_its_line(line: str) -> None:
    key = line.partition(":")[0]
    first = "" if key == "catalog" else "  catalog: shop.yaml\n"
    with pytest.raises(Exception, match=r"defs\.yaml") as raised:
        component(f"{first}  schedules: true\n  {line}\n")
    error: BaseException | None = raised.value
    said = ""
    while error is not None:
        said, error = f"{said}\n{error}", error.__cause__
    assert f"defs.yaml:{4 if key == 'catalog' else 5}" in said
    assert f"attributes.{key}" in said
    assert ATTRIBUTES[line] in said


def test_the_public_names_of_the_package_are_these_two() -> None:
    assert analytics_sync.__all__ == ["RestSource", "build_definitions"]
    assert {"RestSource", "build_definitions"} <= set(dir(analytics_sync))
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        getattr(analytics_sync, "other")  # noqa: B009
