"""Hostile bodies: each response body becomes right rows, or an error that names its resource.

In: the bodies of ``support/hostile_bodies.py``. Out: rows or an error for each, and nothing else
written.
"""

from __future__ import annotations

import pytest

from analytics_sync.common.errors import ExtractError
from analytics_sync_tests.support.hostile_bodies import bodies
from analytics_sync_tests.support.hostile_oracle import difference, parse, without_spaces
from analytics_sync_tests.support.hostile_warehouse import GuardedWarehouse, guarded_warehouse
from analytics_sync_tests.support.scripted_api import item

BODIES = bodies()
BODY_NAMES = {name: f"b{number:03}" for number, name in enumerate(BODIES)}
LoadedBodies = tuple[GuardedWarehouse, set[str]]


@pytest.fixture(scope="module")
def loaded_bodies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LoadedBodies:
    """A warehouse after one load with a resource for each body, and its tables."""
    made = guarded_warehouse(request, tmp_path_factory.mktemp("bodies"), "duckdb")
    columns = {"id": "bigint", "t": "text"}
    made.load(
        {BODY_NAMES[name]: body for name, (body, _) in BODIES.items()},
        *(item(name=resource, columns=columns) for resource in BODY_NAMES.values()),
    )
    return made, {table for schema, table in made.tables() if schema == "shop"}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_becomes_right_rows_or_an_error_that_names_the_resource(
    loaded_bodies: LoadedBodies, name: str
) -> None:
    warehouse, tables = loaded_bodies
    resource, (body, ids) = BODY_NAMES[name], BODIES[name]
    assert (resource in tables) == (ids is not None) == (resource not in warehouse.failures)
    if ids is not None:
        rows = sorted(warehouse.rows(resource), key=lambda row: row["id"])
        assert [row["id"] for row in rows] == ids
        if "deep" in name:
            depth = without_spaces(rows[0]["_extra"]).count("[")
            assert depth == body.count(b"[") - 1, "no level is cut off"
        elif len(ids) == 2 and "some" not in name:
            for sent, row in zip(parse(body.decode("utf-8-sig")), rows, strict=True):
                assert not difference({"id": "bigint", "t": "text"}, sent, row)
        return
    error = warehouse.failures[resource]
    assert isinstance(error, ExtractError)
    assert str(error).startswith(f"shop/{resource}: ")
    assert str(error).isprintable(), "the message has one line and no control characters"
    assert len(str(error)) < 700
    assert "this is a bug" not in str(error).lower()


def test_bodies_touch_nothing_else(loaded_bodies: LoadedBodies) -> None:
    warehouse, _ = loaded_bodies
    warehouse.assert_untouched(
        *(BODY_NAMES[name] for name, (_, ids) in BODIES.items() if ids is not None)
    )
