"""A new warehouse for a test, in DuckDB and (in `make test-all`) PostgreSQL, and runs of a source in Dagster.

In: nothing. Out: the destination, its rows, and ways to lose it. A test module takes the fixture by
``warehouse = both_warehouses``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from dagster import (
    AssetSelection,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    define_asset_job,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.build import build_definitions
from analytics_sync.defs.translator import asset_key
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import events, make_dagster_home, run_in_dagster


class Warehouse:
    """The destination of all runs.

    Args:
        place: A DuckDB file, or the address of a PostgreSQL database.
        server: The server of the database.
        monkeypatch: Sets the destination of later runs.
    """

    def __init__(
        self, place: Path | str, server: Postgres | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.place = place
        self._server = server
        self._monkeypatch = monkeypatch

    def configure(self, place: Path | str) -> None:
        """Make a place the destination of later runs."""
        self.place = place
        named = {"DESTINATION__DUCKDB__CREDENTIALS": str(place)}
        for name, value in (named if isinstance(place, Path) else pg.settings(place)).items():
            self._monkeypatch.setenv(name, value)

    def back_up(self) -> Path | str:
        """Copy the warehouse; ``configure`` restores it."""
        if isinstance(self.place, Path):
            return Path(shutil.copy(self.place, self.place.with_suffix(".backup")))
        assert self._server is not None
        return self._server.database(template=self.place)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        if isinstance(self.place, Path):
            return duckdb_file.query(self.place, sql)
        return pg.query(self.place, sql)

    def run(self, *statements: str) -> None:
        """Execute statements, as somebody else may do."""
        if isinstance(self.place, Path):
            with duckdb.connect(str(self.place)) as connection:
                for statement in statements:
                    connection.execute(statement)
            return
        with psycopg2.connect(self.place) as server, server.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def lose(self) -> None:
        """Lose the warehouse: the file, or the dataset."""
        if isinstance(self.place, Path):
            self.place.unlink()
        else:
            self.run("DROP SCHEMA shop CASCADE")

    def tables(self) -> set[str]:
        """The names of the tables of the dataset ``shop``."""
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'"
        return {name for (name,) in self.query(sql)}


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def both_warehouses(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Warehouse:
    """Each of the two kinds."""
    if request.param == "duckdb":
        made = Warehouse(tmp_path / "w.duckdb", None, monkeypatch)
    else:
        server = request.getfixturevalue("postgres")
        made = Warehouse(server.database(), server, monkeypatch)
    made.configure(made.place)
    return made


@dataclass(frozen=True)
class Run:
    """A finished run in Dagster.

    Attributes:
        ok: Whether it succeeded.
        error: The message of the first failed step; empty without one.
        checks: Whether each check passed, its severity and its description, by ``resource.check``.
        metadata: Metadata of the materializations by resource.
    """

    ok: bool
    error: str
    checks: dict[str, tuple[bool, str, str]]
    metadata: dict[str, dict[str, Any]]

    def failed(self) -> dict[str, str]:
        """The severity of each failed check."""
        return {name: severity for name, (ok, severity, _) in self.checks.items() if not ok}


def run_source(
    home: Path,
    source: Source,
    first: str | None = None,
    last: str | None = None,
    *,
    only: Iterable[str] = (),
) -> Run:
    """Materialize a source with its checks in this process.

    Args:
        home: The home of the Dagster instance. It is made if it is missing.
        source: The source.
        first: The first partition; None for a run without partitions.
        last: The last partition; None for ``first`` only.
        only: Names of the resources; all without any.
    """
    make_dagster_home(home)
    names = list(only) or [resource.name for resource in source.assets]
    days = [date.fromisoformat(day) if day else None for day in (first, last)]
    done = run_in_dagster(
        home, {source.name: source}, [f"{source.name}/{name}" for name in names], *days
    )
    return _outcome(done)


def run_checks(home: Path, source: Source) -> Run:
    """Run the checks of a source alone."""
    defs = build_definitions({source.name: source})
    job = define_asset_job(
        "checks", selection=AssetSelection.checks_for_assets(*map(asset_key, source.assets))
    )
    with DagsterInstance.from_config(str(home)) as instance:
        resolved = Definitions.merge(defs, Definitions(jobs=[job])).resolve_job_def("checks")
        return _outcome(resolved.execute_in_process(instance=instance, raise_on_error=False))


def _outcome(done: ExecuteInProcessResult) -> Run:
    found = events(done, DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [event.asset_check_evaluation_data for event in found]
    failures = events(done, DagsterEventType.STEP_FAILURE)
    errors = [event.step_failure_data.error for event in failures]
    materialized = [
        event.step_materialization_data.materialization
        for event in events(done, DagsterEventType.ASSET_MATERIALIZATION)
    ]
    return Run(
        done.success,
        str(errors[0].message) if errors else "",
        {
            f"{c.asset_key.path[-1]}.{c.check_name}": (
                c.passed,
                c.severity.value,
                str(c.description),
            )
            for c in checks
        },
        {m.asset_key.path[-1]: _values(m.metadata) for m in materialized},
    )


def _values(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in metadata.items()}
