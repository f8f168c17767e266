"""A sandbox, an empty warehouse and a Dagster instance, and what a test wants to do with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from dagster import AssetKey, DagsterEventType, DagsterInstance, ExecuteInProcessResult
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from analytics_sync.catalog import Source, load_catalog
from analytics_sync.defs.build import build_definitions
from analytics_sync.sandbox import Options, Sandbox

ROOT = Path(__file__).parents[2]
SMALL = {"rows": 30, "rows_per_day": 6, "rows_per_parent": 2, "max_page": 10, "max_chain": 60}


class World:
    """Everything a run needs, in one folder.

    Args:
        folder: For the warehouse and Dagster's storage.
        sources: What to serve; the shipped catalog when None.
        options: Of the sandbox, over small sizes.
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
        self.home = folder / "dagster"
        self.home.mkdir(exist_ok=True)
        (self.home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    def __enter__(self) -> World:
        self.sandbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.close()

    @property
    def environment(self) -> dict[str, str]:
        """Settings that point everything at this world."""
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

    def command(self, *arguments: str, status: int | None = 0) -> str:
        """Run ``dagster`` or ``analytics-sync`` as a user would; its output."""
        modules = {"dagster": "dagster", "analytics-sync": "analytics_sync.cli"}
        done = subprocess.run(
            [sys.executable, "-m", modules[arguments[0]], *arguments[1:]],
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
        """Materialize assets (``source/resource``) in this process, over a range of days.

        The environment must be set (fixture ``world``, or by hand).
        """
        return run_in_dagster(self.home, self.sources, assets, first, last)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def table(self, asset: str) -> list[dict[str, Any]]:
        """All rows of an asset's table."""
        return table(self.warehouse, asset)

    def expected(
        self, asset: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """What the ledger says the table must hold."""
        source, resource = asset.split("/")
        return self.sandbox.ledger(source).expected(resource, start, end)

    @property
    def assets(self) -> list[str]:
        """All assets."""
        return [str(r) for s in self.sources.values() for r in s.assets]


def table(file: Path, asset: str) -> list[dict[str, Any]]:
    """All rows of an asset's table in a DuckDB file."""
    source, resource = asset.split("/")
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f'SELECT * FROM "{source}"."{resource}"')
        names = [d[0] for d in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def run_in_dagster(
    home: Path,
    sources: Mapping[str, Source],
    assets: Iterable[str],
    first: date | None = None,
    last: date | None = None,
) -> ExecuteInProcessResult:
    """Materialize assets in this process, with the environment as it is."""
    defs = build_definitions(sources)
    tags = {}
    if first is not None:
        tags = {
            ASSET_PARTITION_RANGE_START_TAG: str(first),
            ASSET_PARTITION_RANGE_END_TAG: str(last or first),
        }
    with DagsterInstance.from_config(str(home)) as instance:
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[AssetKey(a.split("/")) for a in assets],
            tags=tags,
            raise_on_error=False,
        )


def events(result: ExecuteInProcessResult, kind: DagsterEventType) -> list[Any]:
    """The events of one kind in a run."""
    return [e for e in result.all_events if e.event_type == kind]
