"""Random histories of records that nobody has declared: after each run, no value is lost or changed.

A run lists some records again, some of them with new values, and some fields come, change and go. A run may fail
by name, and nothing is loaded then. The oracle knows what was sent, and nothing of types.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse
from analytics_sync_tests.support.scripted_api import Api, shop_api
from analytics_sync_tests.support.undeclared import extra, is_same, row, sync

api = shop_api
warehouse = every_warehouse
FIELDS = [f"f{i}" for i in range(12)]
_KINDS: list[list[Any]] = [
    [0, 1, -7, 2**53 + 1, -(2**63)],
    [0.5, 13.75, -2.0, 1e-12, 1e20, 0.1],
    [2**64, -(2**70), 10**29, 10**40],
    [True, False],
    ["", "x", "5", "007", "1.50", "NaN", "true", "[x", "{", "null"],
    ["2026-01-02", "2026-02-28", "0001-01-01"],
    ["2026-01-02T10:00:00Z", "2026-01-02 10:00:00.123456+05:30", "2026-01-02T10:00:00"],
    ["2026-02-30", "2026-01-02T25:00:00Z", "20260102", "2026-01-02T10:00:00.1234567Z"],
    [{}, {"k": [1, None]}, {"a": {"b": 0.5}}],
    [[], [1, "x"], [[{"k": 1}]]],
]


def history(seed: int, runs: int) -> list[list[dict[str, Any]]]:
    """The listings of some runs. A field keeps its kinds of values for some runs."""
    chance = random.Random(seed)
    kinds = {field: [chance.choice(_KINDS)] for field in FIELDS}
    listings = []
    for _ in range(runs):
        for field in FIELDS:
            if chance.random() < 0.3:
                kinds[field] = chance.sample(_KINDS, chance.choice([1, 1, 1, 2]))
        keys = chance.sample(range(8), chance.randrange(0, 6))
        listings.append([{"id": key, **_values(chance, kinds)} for key in keys])
    return listings


def _values(chance: random.Random, kinds: dict[str, list[list[Any]]]) -> dict[str, Any]:
    values = {f: chance.choice(chance.choice(some)) for f, some in kinds.items()}
    nulls = {f: None if chance.random() < 0.2 else v for f, v in values.items()}
    return {f: v for f, v in nulls.items() if chance.random() < 0.9}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 30))
def test_every_value_is_in_its_column_or_in_extra(
    api: Api, warehouse: Warehouse, seed: int
) -> None:
    sent: dict[int, dict[str, Any]] = {}
    for listing in history(seed, runs=6):
        sync(api, *listing)
        sent |= {record["id"]: record for record in listing}
        for key, record in sent.items():
            found, rest = row(warehouse, key), extra(warehouse, key)
            for field in FIELDS:
                value = record.get(field)
                if value is None:
                    assert found.get(field) is None, (key, field)
                else:
                    assert field in rest or is_same(value, found[field]), (key, field, value)
