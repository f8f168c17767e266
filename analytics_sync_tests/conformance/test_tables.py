"""Tables whose declaration changes, checks, and what a dataset remembers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync.load.schema_changes import connected, heal_tables, reset_tables
from analytics_sync.load.schema_diff import differences
from analytics_sync_tests.support.conformance import Target
from analytics_sync_tests.support.scripted_api import item, serve

pytestmark = pytest.mark.slow


def declared(type_: str, **columns: str) -> dict[str, Any]:
    """The items with a type of ``v``."""
    return item(columns={"id": "bigint", "v": type_, **columns})


@pytest.mark.parametrize(
    ("type_", "value", "wider", "widened"),
    [
        ("bigint", 501, "text", "501"),
        ("bigint", 9007199254740993, "decimal", Decimal(9007199254740993)),
        ("bigint", -12, "double", -12.0),
        ("double", 0.1, "decimal", Decimal("0.1")),
        ("double", 2.5, "text", "2.5"),
        ("decimal", "100.50", "text", "100.5"),
    ],
)
def test_a_column_is_widened_with_all_its_values(
    target: Target, type_: str, value: Any, wider: str, widened: Any
) -> None:
    old, new = {"id": 1, "v": value}, {"id": 2, "v": None}
    target.api.on("/items", [old], [old, new])
    target.sync(target.source(declared(type_)))
    target.api.on("/items", [new])  # the old row is not read again: too few to mark one
    with ReadRun(target.source({**declared(wider), "deletes": "none"})) as run:
        load(run, "wider")
        assert not run.failures()
    assert target.values() == {1: widened, 2: None}
    assert type(target.values()[1]) is type(widened)


def test_a_column_that_cannot_hold_its_values_fails_alone_and_stays(target: Target) -> None:
    target.api.on("/items", [{"id": 1, "v": "text"}])
    target.api.on("/others", [{"id": 1, "v": 1}], [{"id": 1, "v": 2}])
    others = item(name="others", columns={"id": "bigint", "v": "bigint"})
    target.sync(target.source(declared("text"), others))
    failures = target.failures(target.source(declared("bigint"), others))
    assert list(failures) == ["items"]
    assert "declared as bigint" in failures["items"]
    assert target.values() == {1: "text"}
    assert target.values("others") == {1: 2}


def test_a_new_column_takes_its_values_from_extra(target: Target) -> None:
    records = [{"id": 1, "v": "a", "more": 5}, {"id": 2, "v": "b", "more": "x"}]
    target.api.on("/items", records)
    target.sync(target.source(declared("text")))
    target.api.on("/items", [{"id": 3, "v": "c", "more": 7}])
    target.sync(target.source({**declared("text", more="bigint"), "deletes": "none"}))
    rows = {row["id"]: (row["more"], row["_extra"]) for row in target.rows()}
    assert rows == {1: (5, None), 2: (None, {"more": "x"}), 3: (7, None)}


def test_a_larger_key_tells_old_and_new_rows_apart(target: Target) -> None:
    target.api.on("/items", [{"id": 1, "v": "a"}], [{"id": 1, "v": "a"}, {"id": 1, "v": "b"}])
    target.sync(target.source(declared("text")))
    target.sync(target.source({**declared("text"), "primary_key": ["id", "v"]}))
    assert sorted((row["id"], row["v"]) for row in target.rows()) == [(1, "a"), (1, "b")]


def test_diff_heal_and_reset(target: Target) -> None:
    target.api.on("/items", [{"id": 1, "v": "a", "more": 5}])
    target.sync(target.source(declared("text")))
    source = target.source(declared("text", more="bigint"))
    resources = list(source.assets)

    def differing() -> list[str]:
        with connected(target.name, to_change=False) as client:
            return list(differences(source, resources, client))

    assert any("more" in text for text in differing())
    with connected(target.name, to_change=True) as client:
        assert not any(r.failed for r in heal_tables(resources, client, dry_run=False))
    assert differing() == []
    assert target.values(column="more") == {1: 5}
    with connected(target.name, to_change=True) as client:
        assert not any(r.failed for r in reset_tables(source, resources, client, dry_run=False))
    assert target.rows() == []
    target.sync(source)
    assert target.values(column="more") == {1: 5}


def test_a_table_that_somebody_dropped_is_made_again(target: Target) -> None:
    target.api.on("/items", [{"id": 1, "v": "a"}])
    source = target.source(declared("text"))
    target.sync(source)
    target.execute("DROP TABLE {items}")
    target.sync(source)
    assert target.values() == {1: "a"}


def test_inferred_columns_follow_the_data(target: Target) -> None:
    target.api.on(
        "/items", [{"id": 1, "n": 1, "s": "a"}], [{"id": 2, "n": 1.5, "s": "b", "t": True}]
    )
    source = target.source({"name": "items", "primary_key": "id", "deletes": "none",
                            "endpoint": {"path": "/items", "paginator": "single_page"}})  # fmt: skip
    target.sync(source)
    target.sync(source)
    found = {row["id"]: (row["n"], row["s"], row.get("t")) for row in target.rows()}
    assert found == {1: (1.0, "a", None), 2: (1.5, "b", True)}


def test_checks_pass_on_right_tables_and_find_wrong_ones(target: Target) -> None:
    target.api.on("/items", [{"id": n, "v": "a"} for n in range(6)])
    source = target.source({**declared("text"), "required": ["id", "v"]})
    done = target.run(source)
    assert done.ok, done.error
    assert not done.failed()
    target.execute("INSERT INTO {items} SELECT * FROM {items}")
    target.api.on("/items", [{"id": 7, "v": None, "more": 1}, {"id": "x"}])
    done = target.run(
        target.source({**declared("text"), "required": ["id", "v"], "deletes": "none"})
    )
    failed = {name.removeprefix("items.") for name in done.failed()}
    assert {"primary_key_unique", "required_fields", "declared_schema"} <= failed, done.checks


def test_a_lost_table_fails_the_check_of_its_history(target: Target) -> None:
    target.api.on("/items", [{"id": n, "v": "a"} for n in range(6)])
    source = target.source(declared("text"))
    assert target.run(source).ok
    target.execute("DELETE FROM {_loaded}")
    assert "items.history" in target.run(source).failed()
    assert "items.history" not in target.run(source).failed()


def test_another_address_is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    target.api.on("/items", [{"id": 1, "v": "a"}])
    source = target.source(declared("text"))
    target.sync(source)
    with serve() as other:
        other.on("/items", [{"id": 1, "v": "another"}])
        monkeypatch.setenv(f"SOURCES__{target.name.upper()}__BASE_URL", other.url)
        assert "holds rows of" in target.failures(source)["items"]
    assert target.values() == {1: "a"}
