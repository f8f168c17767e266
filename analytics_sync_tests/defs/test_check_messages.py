"""Messages of checks about hostile rows: each check fails for itself, in few words, without markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import AssetCheckEvaluation, AssetCheckSeverity, DagsterInstance
from dagster_shared.serdes import serialize_value

from analytics_sync.catalog import load_text
from analytics_sync.sandbox import Fault, ServedResponse
from analytics_sync_tests.defs.test_checks import SHOP, fill, verdicts
from analytics_sync_tests.support.world import World


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    with World(tmp_path, {"shop": source}) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def fill_extra(world: World, *extras: dict[str, Any]) -> None:
    """A sound table with these objects in ``_extra``, a row each."""
    fill(world)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.executemany(
            "INSERT INTO shop.orders VALUES (?, 1, 'Ann', 'x', true, ?, '1')",
            [(f"a{n}", json.dumps(extra)) for n, extra in enumerate(extras)],
        )


def texts(evaluation: AssetCheckEvaluation) -> list[str]:
    """Every text that Dagster stores about a check."""
    found = [evaluation.description or ""]
    for name, value in evaluation.metadata.items():
        found += [name, *(value.value if isinstance(value.value, dict) else [str(value.value)])]
    return found


def test_records_with_many_long_names_write_few_events(shop: World) -> None:
    names = [f"{n:02}{'x' * 1000}" for n in range(40)]

    def changed(response: ServedResponse) -> ServedResponse:
        body = json.loads(response.body)
        for n, record in enumerate(body["data"]):
            record.update({f"{n}{name}": 1 for name in names})
        return replace(response, body=json.dumps(body).encode())

    shop.sandbox.faults = lambda request: Fault(change=changed)
    result = shop.run(["shop/orders"])
    assert result.success
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert (
        found["declared_schema"].metadata["number_of_fields_in_extra"].value == 10 * 40
    )  # of the 10 records of a page
    with DagsterInstance.from_config(str(shop.home)) as instance:
        logs = instance.all_logs(result.run_id)
    assert max(len(serialize_value(entry)) for entry in logs) < 30_000
    assert sum(len(serialize_value(entry)) for entry in logs) < 300_000


@pytest.mark.parametrize("depth", [300, 990])
def test_a_record_nested_deeply_stops_no_check(shop: World, depth: int) -> None:
    fill(shop, f"('a', 1, 'Ann', 'x', true, '{{\"deep\": {'[' * depth}{']' * depth}}}', '1')")
    found = verdicts(shop)
    assert found["declared_schema"].metadata["fields_in_extra"].value == {"deep": 1}
    assert found["declared_schema"].severity is AssetCheckSeverity.WARN
    assert {n for n, e in found.items() if e.passed} == {"required_fields", "primary_key_unique"}


def test_a_check_that_cannot_be_computed_fails_alone_and_by_name(shop: World) -> None:
    fill(
        shop,
        "('a', 1, 'Ann', 'x', true, 'no JSON', '1')",
        columns=(
            "id VARCHAR, line BIGINT, buyer__name VARCHAR, note VARCHAR, paid BOOLEAN, "
            "_extra VARCHAR, _dlt_load_id VARCHAR"
        ),
    )
    found = verdicts(shop)
    failed = found.pop("declared_schema")
    assert not failed.passed
    assert failed.severity is AssetCheckSeverity.ERROR
    assert "shop/orders: the check declared_schema cannot be computed" in failed.description
    assert "shop.orders" in failed.description
    assert all(evaluation.passed for evaluation in found.values())


def test_messages_hold_few_and_short_names_of_a_table(shop: World) -> None:
    fill_extra(shop, *({f"{n:03}{'x' * 5000}{i}": 1 for i in range(3)} for n in range(100)))
    found = verdicts(shop)["declared_schema"]
    named = found.metadata["fields_in_extra"].value
    assert 1 <= len(named) <= 20
    assert all(len(name) <= 80 for name in named)
    assert found.metadata["number_of_fields_in_extra"].value == 300
    assert "and 280 more" in found.description
    assert max(map(len, texts(found))) < 2500


def test_messages_hold_short_keys_of_a_table(shop: World) -> None:
    key = "k" * 100_000
    fill(shop, *[f"('{key}', 1, NULL, 'x', true, NULL, '1')"] * 2)
    found = verdicts(shop)
    assert "kkk" in found["primary_key_unique"].metadata["examples"].value
    assert "kkk" in found["required_fields"].metadata["without buyer.name"].value
    assert max(len(text) for e in found.values() for text in texts(e)) < 2500


@pytest.mark.parametrize(
    "name",
    [
        "![x](http://evil.example/pixel)",
        "[click](javascript:alert(1))",
        "<img src=//evil.example/pixel>",
        "https://evil.example",
        "&#104;ttps&colon;//evil.example",
        "http:\\//evil.example",
        "www.evil.example",
        "you@evil.example",
        "`<img src=//evil.example/pixel>",
        "a\n\n[x]: //evil.example",
    ],
)
def test_a_name_with_markup_is_code_in_a_description(shop: World, name: str) -> None:
    fill_extra(shop, {name: 1})
    description = verdicts(shop)["declared_schema"].description
    assert "evil.example" in description or "alert" in description
    assert description[0] == description[-1] == "`", "Markdown shows a span of code as it is"
    assert "`" not in description[1:-1]
    assert description.isprintable()


def test_a_name_without_markup_stays_as_it_is(shop: World) -> None:
    fill_extra(shop, {"colour_of [x] *y*": 1})
    description = verdicts(shop)["declared_schema"].description
    assert description == (
        "Undeclared or misfitting fields in 1 rows: colour_of [x] *y*. Declare them, or correct their types."
    )
