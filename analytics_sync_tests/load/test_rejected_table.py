"""The table ``_rejected`` exists after the first load, and is the table that dlt would make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support.hostile_warehouse import GuardedWarehouse, guarded_warehouse
from analytics_sync_tests.support.scripted_api import item

GOOD = b'[{"id": 1}, {"id": 2}]'
BAD = b'[{"id": 1}, {"id": "x"}]'


def columns(warehouse: GuardedWarehouse) -> list[tuple[Any, ...]]:
    return warehouse.query(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'shop' AND table_name = '_rejected' ORDER BY ordinal_position"
    )


@pytest.mark.parametrize("destination", ["duckdb", "postgres"])
def test_rejected_is_a_table_before_a_record_is_rejected(
    request: pytest.FixtureRequest, tmp_path: Path, destination: str
) -> None:
    made: dict[bytes, GuardedWarehouse] = {}
    for first in (GOOD, BAD):
        (folder := tmp_path / str(len(made))).mkdir()
        made[first] = warehouse = guarded_warehouse(request, folder, destination)
        warehouse.load({"items": first}, item())
        assert len(warehouse.rows("_rejected")) == (first == BAD)
        for _ in range(2):
            warehouse.load({"items": BAD}, item())
        assert [r["resource"] for r in warehouse.rows("_rejected")] == ["items"]
    assert columns(made[GOOD]) == columns(made[BAD])
