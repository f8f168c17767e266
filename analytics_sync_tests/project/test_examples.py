"""Each example of a catalog file, against its own sandbox: all rows arrive, and all checks pass.

In: the files of ``examples/``. Out: the rows of a run through Dagster, and those of the sandbox's ledger.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Field, Resource, load_catalog
from analytics_sync.catalog.naming import ROW_HASH
from analytics_sync.cli import main
from analytics_sync_tests.support.oracle import column_value
from analytics_sync_tests.support.world import ROOT, World

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_examples_are_right_and_have_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(EXAMPLES) > 10
    files = [str(path) for path in EXAMPLES]
    assert main(["check", *files]) == 0
    assert main(["lint", *files]) == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_every_row(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = load_catalog([file])
    with World(tmp_path, sources) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        (source,) = sources.values()
        is_windowed = any(source.windowed(resource) for resource in source.assets)
        days = (world.days[0], world.days[-1]) if is_windowed else (None, None)
        done = world.run(world.assets, *days)
        assert done.success
        failed = [c for c in done.get_asset_check_evaluations() if not c.passed]
        assert {c.check_name for c in failed} <= {"freshness"}, (
            failed
        )  # its sandbox has old days only
        for resource in source.assets:
            records = world.expected(str(resource))
            assert rows(resource, world.table(str(resource))) == expected(resource, records)
            assert len(records) > 3


def rows(resource: Resource, table: list[dict[str, Any]]) -> Counter[str]:
    """The rows of a table, as texts. Two equal rows count twice."""
    return Counter(
        ", ".join(as_text(field, row[field.column]) for field in columns(resource)) for row in table
    )


def expected(resource: Resource, records: list[dict[str, Any]]) -> Counter[str]:
    """The rows that the records must become."""
    return Counter(
        ", ".join(as_text(field, column_value(field, record)) for field in columns(resource))
        for record in records
    )


def columns(resource: Resource) -> list[Field]:
    """The columns whose values the API gives."""
    return [field for field in resource.fields if field.column != ROW_HASH]


def as_text(field: Field, value: Any) -> str:
    """A value in one spelling: of a time, of a decimal, and of JSON."""
    if value is None:
        return f"{field.column}: null"
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    elif field.data_type == "decimal":
        value = Decimal(str(value)).normalize()
    elif field.data_type == "json":
        value = json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
    return f"{field.column}: {value}"
