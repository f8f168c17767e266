"""MariaDB as the destination of the shipped catalog: every table holds what was served, and all checks pass."""

from __future__ import annotations

import pytest

from analytics_sync_tests.support.mariadb_server import MariaDb, settings, table
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("source", ["observability", "ci_pipelines", "delivery"])
def test_every_resource_equals_what_was_served(
    world: World, mariadb: MariaDb, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = mariadb.empty(source)
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    declared = world.sources[source]
    assets = [str(r) for r in declared.assets]
    result = world.run(assets, world.days[0], world.days[-1])
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert {c.asset_key.to_user_string() for c in checks} == set(assets)
    assert [c.description for c in checks if not c.passed] == []
    world.sandbox.advance()
    assert world.run(assets, world.days[0], world.days[-1]).success
    for resource in declared.assets:
        expected = world.expected(str(resource), world.start, world.end)
        assert assert_same(resource, table(address, str(resource)), expected)
    mariadb.empty(source)
