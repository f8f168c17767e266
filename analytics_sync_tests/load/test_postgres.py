"""PostgreSQL as the destination, by settings alone: the same rows as in DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_sync_tests.support.dagster_runs import (
    make_dagster_home,
    run_in_dagster,
    step_failure,
)
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres, query, settings, table
from analytics_sync_tests.support.scripted_api import item, serve, shop
from analytics_sync_tests.support.world import World


@pytest.fixture
def address(postgres: Postgres, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a new PostgreSQL database, which is the destination."""
    database = postgres.database()
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", database)
    return database


@pytest.mark.parametrize(
    "source",
    [
        "observability",
        pytest.param("ci_pipelines", marks=pytest.mark.slow),
        pytest.param("delivery", marks=pytest.mark.slow),
    ],
)
def test_every_resource_equals_what_was_served(world: World, address: str, source: str) -> None:
    declared = world.sources[source]
    assets = [str(r) for r in declared.assets]
    result = world.run(assets, world.days[0], world.days[-1])
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert {c.asset_key.to_user_string() for c in checks} == set(assets)
    assert len(checks) >= 4 * len(assets)
    assert [c.description for c in checks if not c.passed] == []
    world.sandbox.advance()
    assert world.run(assets, world.days[0], world.days[-1]).success
    for resource in declared.assets:
        expected = world.expected(str(resource), world.start, world.end)
        assert assert_same(resource, table(address, str(resource)), expected)
    assert not world.warehouse.exists()


def test_no_staging_schema_is_left(world: World, address: str) -> None:
    assert world.run(["product_guidance/tours"], world.days[0]).success
    schemas = {n for (n,) in query(address, "SELECT schema_name FROM information_schema.schemata")}
    assert "product_guidance" in schemas
    assert not {name for name in schemas if "staging" in name}


def test_an_unreachable_server_is_reported_without_its_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv(
        "DESTINATION__POSTGRES__CREDENTIALS", "postgresql://u:s3cretword@127.0.0.1:9/d"
    )
    result = world.run(["delivery/agents"])
    message = step_failure(result).description
    assert message.startswith("delivery: the load step failed")
    assert "refused" in message.splitlines()[0]
    assert "s3cretword" not in message


def test_a_column_may_have_a_longer_name_than_postgres_takes(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = postgres.database()
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    key, other = (f"{'c' * 64}{end}" for end in "ab")
    columns = {key: "text", other: "text"}
    source = shop(item(primary_key=key, columns=columns, required=[other]))
    with serve() as api:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", api.url)
        for value in ("old", "new"):
            api.on("/items", [{key: "one", other: value}])
            home = make_dagster_home(tmp_path / "dagster")
            result = run_in_dagster(home, {"shop": source}, ["shop/items"])
            assert result.success
            checks = result.get_asset_check_evaluations()
            assert [c.description for c in checks if not c.passed] == []
    (row,) = table(address, "shop/items")
    assert [value for name, value in row.items() if name.startswith("c")] == ["one", "new"]
    assert all(len(name) <= 63 for name in row)
