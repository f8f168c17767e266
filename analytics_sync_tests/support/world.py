"""A world for one test: a sandbox, an empty warehouse and a Dagster instance.

In: a folder, and options of the sandbox. Out: settings that point a run at this world, runs by
command or in this process, the tables, and the rows that the ledger expects in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dagster import ExecuteInProcessResult

from analytics_sync.catalog import Source, load_catalog
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster

ROOT = Path(__file__).parents[2]
SMALL = {"rows": 30, "rows_per_day": 6, "rows_per_parent": 2, "max_page": 10, "max_chain": 60}
_MODULES = {"dagster": "dagster", "analytics-sync": "analytics_sync.cli"}


class World:
    """A sandbox, a DuckDB file and a Dagster instance in one folder; a context manager.

    The sandbox holds the three days before the current UTC day. They are computed once, here: days
    that have ended stay valid partitions when midnight passes during a test.

    Args:
        folder: The folder for the warehouse and Dagster's storage.
        sources: The sources to serve; None serves the shipped catalog.
        options: Options of the sandbox; they replace those of ``SMALL`` and the three days.
    """

    def __init__(
        self, folder: Path, sources: Mapping[str, Source] | None = None, **options: Any
    ) -> None:
        self.folder = folder
        self.sources = dict(sources if sources is not None else load_catalog())
        self.today = datetime.now(UTC).date()
        self.start = self.today - timedelta(days=3)
        self.end = self.today
        chosen = {**SMALL, "start": self.start, "end": self.end, **options}
        self.sandbox = Sandbox(self.sources, Options(**chosen))
        self.warehouse = folder / "warehouse.duckdb"
        self.home = make_dagster_home(folder / "dagster")

    def __enter__(self) -> World:
        self.sandbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.close()

    @property
    def environment(self) -> dict[str, str]:
        """Settings that point every command and run at this world."""
        return {
            **self.sandbox.settings(),
            "DAGSTER_HOME": str(self.home),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "ANALYTICS_SYNC__START_DATE": str(self.start - timedelta(days=2)),
        }

    @property
    def days(self) -> list[date]:
        """The days that hold data."""
        return [self.start + timedelta(days=i) for i in range((self.end - self.start).days)]

    @property
    def assets(self) -> list[str]:
        """``source/resource`` of every asset."""
        return [str(r) for s in self.sources.values() for r in s.assets]

    def command(self, *arguments: str, status: int | None = 0) -> str:
        """Run ``dagster`` or ``analytics-sync`` in a process, as a user does.

        Args:
            arguments: The command and its arguments.
            status: The exit status to assert; None accepts any.

        Returns:
            Standard output and standard error together.
        """
        done = subprocess.run(
            [sys.executable, "-m", _MODULES[arguments[0]], *arguments[1:]],
            env={
                **os.environ,
                **self.environment,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "ignore",
            },
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert status is None or done.returncode == status, done.stdout[-4000:]
        return done.stdout

    def run(
        self,
        assets: Iterable[str],
        first: date | None = None,
        last: date | None = None,
    ) -> ExecuteInProcessResult:
        """Materialize assets in this process, with the environment as fixture ``world`` sets it.

        Args:
            assets: ``source/resource`` of each asset.
            first: The first partition; None runs without partitions.
            last: The last partition; None runs ``first`` only.
        """
        return run_in_dagster(self.home, self.sources, assets, first, last)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query of the warehouse."""
        return duckdb_file.query(self.warehouse, sql)

    def table(self, asset: str) -> list[dict[str, Any]]:
        """All rows of an asset's table."""
        return duckdb_file.table(self.warehouse, asset)

    def expected(
        self, asset: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """The records that the ledger expects in an asset's table, over the days [start, end)."""
        source, resource = asset.split("/")
        return self.sandbox.ledger(source).expected(resource, start, end)
