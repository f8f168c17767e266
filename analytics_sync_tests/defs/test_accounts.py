"""Accounts: one file that is used several times. Their rows, keys and limits never mix.

Two accounts of a scripted API have records with the same ids. The runs go through the definitions.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance

from analytics_sync.catalog import Source, load_catalog
from analytics_sync.cli import main
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support import duckdb_file, postgres_server
from analytics_sync_tests.support.dagster_runs import (
    make_dagster_home,
    run_in_dagster,
    table_specs,
)
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, other_api, shop_api
from analytics_sync_tests.support.world import ROOT, World

api, elsewhere = shop_api, other_api

SHOP = """\
source: shop
description: Orders of a shop.
client:
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  headers: {X-Second: {type: secret, key: second_key, optional: true}}
resources:
  - name: items
    primary_key: id
    columns: {id: bigint, owner: text}
    endpoint:
      path: items
      data_selector: $
      paginator: single_page
      params: {org: {type: config, key: org, optional: true}}
instances: [shop_eu, shop_us]
"""
EU, US = "key-of-eu", "key-of-us"
DISABLED = ("CI_PIPELINES", "CUSTOMER_DATA", "DELIVERY", "OBSERVABILITY", "PRODUCT_GUIDANCE")


def two_accounts(folder: Path, text: str = SHOP) -> dict[str, Source]:
    """The sources of a file with instances."""
    file = folder / "shop.yaml"
    file.write_text(text)
    return load_catalog([file])


def items_of(path: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    """The same ids for each account, and the account that they belong to."""
    owner = {EU: "eu", US: "us"}.get(headers.get("x-key", ""))
    return [{"id": n, "owner": owner} for n in range(3)] if owner else (401, {}, {"error": "key"})


def keys(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"SOURCES__{name}".upper(), value)


def run(sources: Mapping[str, Source], *assets: str) -> Any:
    return run_in_dagster(make_dagster_home(Path("dagster")), sources, assets)


def owners(asset: str) -> list[str]:
    return [r["owner"] for r in duckdb_file.table(Path("warehouse.duckdb"), asset, ["id"])]


def test_the_rows_of_two_accounts_never_mix(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = two_accounts(tmp_path)
    api.on("/items", items_of)
    keys(monkeypatch, shop_eu__api_key=EU, shop_us__api_key=US)
    assert run(sources, "shop_eu/items", "shop_us/items").success
    assert owners("shop_eu/items") == ["eu"] * 3
    assert owners("shop_us/items") == ["us"] * 3
    assert sorted(seen.headers["x-key"] for seen in api.seen) == [EU, US]


@pytest.mark.slow
def test_the_rows_of_two_accounts_never_mix_in_postgres(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    address = postgres.database()
    for name, value in postgres_server.settings(address).items():
        monkeypatch.setenv(name, value)
    sources = two_accounts(tmp_path)
    api.on("/items", items_of)
    keys(monkeypatch, shop_eu__api_key=EU, shop_us__api_key=US)
    for _ in range(2):
        assert run(sources, "shop_eu/items", "shop_us/items").success
    for account in ("eu", "us"):
        rows = postgres_server.table(address, f"shop_{account}/items")
        assert [row["owner"] for row in rows] == [account] * 3


def test_an_account_without_a_key_gets_none_of_its_base_or_of_another_account(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = two_accounts(tmp_path)
    api.on("/items", items_of)
    keys(monkeypatch, shop__api_key=EU, shop__second_key=EU, shop_eu__api_key=EU, shop__org="eu")
    result = run(sources, "shop_eu/items", "shop_us/items")
    assert not result.success
    message = str(result.failure_data_for_node("shop_us").error)
    assert "SOURCES__SHOP_US__API_KEY" in message
    assert [seen.headers["x-key"] for seen in api.seen] == [EU]
    assert not any("x-second" in seen.headers or seen.query for seen in api.seen)
    assert owners("shop_eu/items") == ["eu"] * 3


@pytest.mark.slow
def test_the_name_of_a_header_and_the_address_are_shared(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = two_accounts(tmp_path)
    api.on("/items", [{"id": 1, "owner": "eu"}])
    keys(monkeypatch, shop__api_key_name="X-Our-Key", shop_eu__api_key=EU)
    assert run(sources, "shop_eu/items").success
    assert [seen.headers["x-our-key"] for seen in api.seen] == [EU]


@pytest.mark.slow
def test_an_address_of_an_account_is_for_this_account_only(
    api: Api, elsewhere: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting of the base does not send an account's key elsewhere."""
    text = SHOP.replace(
        "[shop_eu, shop_us]", f"{{shop_eu: {{base_url: '{elsewhere.url}'}}, shop_us: }}"
    )
    sources = two_accounts(tmp_path, text)
    for server in (api, elsewhere):
        server.on("/items", items_of)
    keys(monkeypatch, shop_eu__api_key=EU, shop_us__api_key=US)
    assert run(sources, "shop_eu/items", "shop_us/items").success
    assert [seen.headers["x-key"] for seen in elsewhere.seen] == [EU]
    assert [seen.headers["x-key"] for seen in api.seen] == [US]


def test_each_account_has_its_own_jobs_schedule_and_sensor_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SHOP.replace(
        "[shop_eu, shop_us]",
        "{shop_eu: {schedule: 0 4 * * *, time_zone: Europe/Berlin, pool: eu}, shop_us: {partitions: weekly}}",
    )
    monkeypatch.setenv("SOURCES__SHOP_US__SCHEDULE", "30 5 * * 1")
    defs = build_definitions(two_accounts(tmp_path, text))
    assert {spec.key.to_user_string() for spec in table_specs(defs)} == {
        "shop_eu/items",
        "shop_us/items",
    }
    eu, us = (defs.resolve_schedule_def(n) for n in ("daily_shop_eu", "weekly_shop_us"))
    assert (eu.cron_schedule, eu.execution_timezone, eu.job_name) == (
        "0 4 * * *",
        "Europe/Berlin",
        "sync_shop_eu",
    )
    assert (us.cron_schedule, us.execution_timezone) == ("30 5 * * 1", "UTC")
    node = defs.resolve_job_def("sync_shop_eu").all_node_defs
    assert {n.name: n.pool for n in node} == {"shop_eu": "eu", "shop_eu_checks": None}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_each_account_has_a_rate_limit_of_its_own(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account uses up its minute, and the other one waits for nobody."""
    text = SHOP.replace("client:\n", "client:\n  rate_limit: {requests: 1, seconds: 60}\n")
    text = text.replace("[shop_eu,", "{shop_eu: {rate_limit: {requests: 2, seconds: 60}},")
    sources = two_accounts(tmp_path, text.replace("shop_us]", "shop_us: }"))
    api.on("/items", items_of)
    keys(monkeypatch, shop_eu__api_key=EU, shop_us__api_key=US)
    limits = [source.client.rate_limit for source in sources.values()]
    assert [limit and limit.requests for limit in limits] == [2, 1]
    result = run(sources, "shop_eu/items", "shop_us/items")
    assert result.success
    waited = [
        event.step_materialization_data.materialization.metadata["seconds_waited"].value
        for event in result.get_asset_materialization_events()
    ]
    assert waited == [0, 0]


@pytest.mark.slow
def test_a_source_that_ships_can_be_used_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "delivery_eu.yaml").write_text("base: delivery\nstart_date: 2026-01-01\n")
    sources = load_catalog([tmp_path / "delivery_eu.yaml"])
    assert [*sources] == ["delivery_eu"]
    with World(tmp_path, sources) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        result = world.run(["delivery_eu/builds", "delivery_eu/accounts"], world.days[0])
        assert result.success
        with DagsterInstance.from_config(str(world.home)) as instance:
            key = AssetKey(["delivery_eu", "builds"])
            assert instance.get_materialized_partitions(key) == {str(world.days[0])}
        assert len(world.table("delivery_eu/accounts")) == len(
            world.expected("delivery_eu/accounts")
        )


def analytics_sync(folder: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """The exit status and the output of the command in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder), **settings},
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_commands_know_accounts_and_disabled_sources(tmp_path: Path) -> None:
    """Settings come from dlt's file, which a team keeps with its catalog."""
    folder = tmp_path / "apis"
    folder.mkdir()
    (folder / "shop.yaml").write_text(SHOP)
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        "[sources.delivery]\nenabled = false\n[sources.shop]\nstart_date = 2026-03-01\nlookback = 7\n"
        '[sources.shop_us]\npartitions = "weekly"\ntime_zone = "America/New_York"\n'
    )
    configured = {"ANALYTICS_SYNC__CATALOG_DIR": str(folder)}
    status, printed = analytics_sync(tmp_path, "sources", **configured)
    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert status == 0, printed
    assert lines["delivery"].split()[1] == "off"
    assert lines["shop_us"].endswith("apis/shop.yaml:15, base shop in apis/shop.yaml:1")
    status, printed = analytics_sync(tmp_path, "sources", "shop_us", **configured)
    assert "partitions   weekly                     SOURCES__SHOP_US__PARTITIONS" in printed
    assert "start_date   2026-03-01                 SOURCES__SHOP__START_DATE" in printed
    assert "lookback     7 days                     SOURCES__SHOP__LOOKBACK" in printed


def test_check_and_settings_of_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    (tmp_path / "shop_uk.yaml").write_text("base: shop\npartitions: monthly\n")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(tmp_path))
    monkeypatch.setenv("SOURCES__SHOP_US__ENABLED", "off")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "not-for-accounts")
    assert main(["check", str(file), str(tmp_path / "shop_uk.yaml")]) == 0
    assert capsys.readouterr().out == (
        "shop.yaml: shop_eu: 1 assets, 0 partitioned\n"
        "shop.yaml: shop_us: 1 assets, 0 partitioned, off (SOURCES__SHOP_US__ENABLED)\n"
        "shop_uk.yaml: shop_uk: 1 assets, 0 partitioned (monthly UTC)\n"
    )
    assert main(["settings", "shop_eu"]) == 1, "its key is missing"
    printed = capsys.readouterr().out
    assert "SOURCES__SHOP_EU__API_KEY                        MISSING" in printed
    assert "not-for-accounts" not in printed
    monkeypatch.setenv("SOURCES__SHOP_EU__PARTITIONS", "dayly")
    assert main(["check", str(file)]) == 2
    assert capsys.readouterr().err == (
        "the setting SOURCES__SHOP_EU__PARTITIONS: expected hourly, daily, weekly or monthly, "
        "found 'dayly'. Correct the setting, or remove it.\n"
    )


def test_a_disabled_source_that_ships_has_no_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CI_PIPELINES__ENABLED", "false")
    defs = build_definitions(load_catalog())
    groups = {spec.group_name for spec in defs.resolve_all_asset_specs()}
    assert groups == {"customer_data", "delivery", "observability", "product_guidance"}
    names = names_of(defs)
    assert not [name for name in names if "ci_pipelines" in name]
    assert {"sync_everything", "sync_delivery", "daily_delivery"} <= names


def test_a_wrong_setting_takes_its_own_source_down_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__DELIVERY__TIME_ZONE", "Berlin")
    monkeypatch.setenv("SOURCES__DELIVERY__PARTITIONS", "weekly")
    defs = build_definitions(load_catalog())
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert "SOURCES__DELIVERY__TIME_ZONE: expected UTC" in str(
        specs["delivery/catalog_file"].description
    )
    assert "observability/incidents" in specs
    assert defs.resolve_schedule_def("weekly_delivery").job_name == "sync_delivery"


def test_one_job_for_everything_has_one_kind_of_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster refuses a job whose assets have several kinds, and with it the code location."""
    monkeypatch.setenv("SOURCES__DELIVERY__PARTITIONS", "hourly")
    monkeypatch.setenv("SOURCES__OBSERVABILITY__START_DATE", "2026-01-01")
    defs = build_definitions(load_catalog())
    job = defs.resolve_job_def("sync_everything")
    assert {"ci_pipelines", "customer_data", "product_guidance"} == job_groups(job)
    assert "Not delivery, observability" in str(job.description)
    hourly = defs.resolve_job_def("sync_delivery").partitions_def
    assert hourly is not None
    assert hourly.get_partition_keys()[0] == "2025-01-01-00:00"


def names_of(defs: Any) -> set[str]:
    repository = defs.get_repository_def()
    jobs = {job.name for job in repository.get_all_jobs()}
    return jobs | {s.name for s in (*repository.schedule_defs, *repository.sensor_defs)}


def job_groups(job: Any) -> Iterable[str]:
    return {key.path[0] for key in job.asset_layer.selected_asset_keys}


@pytest.mark.slow
def test_the_demo_serves_accounts_and_leaves_out_disabled_sources(tmp_path: Path) -> None:
    """Whatever partitions a team has set, one run of the demo takes its days of all sources."""
    folder = tmp_path / "apis"
    folder.mkdir()
    (folder / "shop.yaml").write_text(SHOP)
    (folder / "guidance.yaml").write_text(
        "base: product_guidance\npartitions: hourly\ntime_zone: Europe/Berlin\n"
    )
    status, printed = analytics_sync(
        tmp_path,
        "demo",
        "--days",
        "2",
        ANALYTICS_SYNC__CATALOG_DIR=str(folder),
        SOURCES__SHOP_EU__BASE_URL="https://must-not-be-asked.invalid",
        **{f"SOURCES__{name}__ENABLED": "false" for name in DISABLED},
    )
    assert status == 0, printed
    assets = re.findall(r"^(\w+)/\w+ +[\d,]+ .* (\d+)/\2$", printed, re.MULTILINE)
    assert {source for source, _ in assets} == {"guidance", "shop_eu", "shop_us"}
    assert " assets of guidance, shop_eu, shop_us, " in printed, "one run, with one kind of days"
