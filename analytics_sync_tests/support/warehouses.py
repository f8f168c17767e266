"""Warehouses to break things on: any number of fresh ones, DuckDB files or PostgreSQL databases.

All of them know one sandbox. A seeded one holds all days as they were before the sandbox's data
changed, so that a run must change some rows, add some, and leave those of other days alone.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from signal import Signals
from typing import Any

import duckdb
from filelock import FileLock

from analytics_sync_tests.support import postgres_server as postgres
from analytics_sync_tests.support import world
from analytics_sync_tests.support.killed_runs import Running, Work, begin
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import World

DESTINATIONS = ("duckdb", "postgres")
SEEDED = (
    Work("observability", ("logs", "audit_logs", "users", "monitors", "incidents")),
    Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs")),
    Work("delivery", ("builds", "audit", "agents")),
)


class Ground:
    """One warehouse, and the folder in which its runs live.

    Args:
        grounds: What it is one of.
        folder: For everything its runs write.
        address: Of the PostgreSQL database; a DuckDB file when None.
        seeded: Whether it begins with the days as they were.
    """

    def __init__(self, grounds: Grounds, folder: Path, address: str | None, seeded: bool) -> None:
        self._grounds = grounds
        self.world = grounds.world
        self.folder = folder
        self.seeded = seeded
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.warehouse = folder / "warehouse.duckdb"
        self.address = address
        home = folder / "dagster"
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        self.environment = {
            **self.world.environment,
            "DAGSTER_HOME": str(home),
            "TMPDIR": str(self.temporary),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
        }
        if self.address:
            self.environment |= {
                "ANALYTICS_SYNC__DESTINATION": "postgres",
                "DESTINATION__POSTGRES__CREDENTIALS": self.address,
            }

    def begin(
        self, work: Work, stage: str = "", nth: int = 1, sent: Signals = Signals.SIGKILL
    ) -> Running:
        """Start a run; at ``stage`` it dies, or stops."""
        return begin(work, self.environment, self.folder, stage, nth, sent)

    def kill_at(self, work: Work, stage: str, nth: int = 1) -> None:
        """Run until the stage, where it must die."""
        running = self.begin(work, stage, nth)
        status = running.status()
        assert status == -9, f"{stage}: ended with {status}:\n{running.output.read_text()[-4000:]}"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        if self.address is None:
            with duckdb.connect(str(self.warehouse), read_only=True) as file:
                return file.execute(sql).fetchall()
        return postgres.query(self.address, sql)

    def table(self, asset: str) -> list[dict[str, Any]]:
        """All rows of an asset's table."""
        if self.address is None:
            return world.table(self.warehouse, asset)
        return postgres.table(self.address, asset)

    def assert_right(self, *works: Work) -> None:
        """Tables hold what the ledger says for the windows of the runs; nothing else is left."""
        windows: dict[str, list[Work]] = {}
        for work in works:
            for asset in work.assets:
                windows.setdefault(asset, []).append(work)
        for asset, done in windows.items():
            source, name = asset.split("/")
            resource = self.world.sources[source].resources[name]
            windowed = self.world.sources[source].windowed(resource)
            before = self._grounds.before if self.seeded and windowed else {}
            # what was there stays; what was read is as it is now
            expected = list(before.get(asset, ()))
            for work in done:
                ledger = self.world.sandbox.ledger(source)
                days = (work.first, work.end) if windowed else ()
                expected += ledger.expected(name, *(date.fromisoformat(d) for d in days if d))
            assert assert_same(resource, self.table(asset), expected)
        self.assert_clean()

    def assert_clean(self) -> None:
        """No folder, no staging, no lock."""
        folders = [str(path) for path in self.temporary.rglob("*")]
        assert not folders, f"left in the temporary folder: {folders}"
        known = {"tmp", "dagster", "warehouse.duckdb", "warehouse.duckdb.lock"}
        left = {p.name for p in self.folder.iterdir() if not p.name.startswith("run-")}
        assert not left - known, f"left: {left - known}"
        schemas = {
            name for (name,) in self.ask("SELECT schema_name FROM information_schema.schemata")
        }
        staging = {name for name in schemas if "staging" in name}
        assert not staging, f"left in the warehouse: {staging}"
        if self.address is None:
            with FileLock(f"{self.warehouse}.lock", timeout=0):
                return
        locks = (
            "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        deadline = time.monotonic() + 10  # a session ends a moment after its client
        while self.ask(locks) != [(0,)]:
            assert time.monotonic() < deadline, "an advisory lock is still held"
            time.sleep(0.05)


class Grounds:
    """The sandbox, the PostgreSQL server, and the seeds; a context manager.

    Args:
        folder: For all of it.
        options: Of the sandbox.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder = folder
        self.world = World(folder, **options)
        self._stack = ExitStack()
        self._number = 0
        self._seeds: dict[str, str] = {}

    def __enter__(self) -> Grounds:
        self._stack.enter_context(self.world)
        self.server = self._stack.enter_context(Postgres())
        self._seed()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def _seed(self) -> None:
        whole = [w.on(self.world.start, self.world.end) for w in SEEDED]
        for destination in DESTINATIONS:
            ground = self.fresh(destination, seeded=False)
            for running in [ground.begin(work) for work in whole]:
                running.succeed()
            ground.assert_right(*whole)
            self._seeds[destination] = ground.address or str(ground.warehouse)
        self.before: dict[str, list[dict[str, Any]]] = {
            asset: self.world.expected(asset, self.world.start, self.world.end)
            for work in whole
            for asset in work.assets
        }
        self.world.sandbox.advance()

    def fresh(self, destination: str, *, seeded: bool) -> Ground:
        """A warehouse that nothing has happened to."""
        self._number += 1
        folder = self._folder / f"ground{self._number}"
        folder.mkdir()
        address = None
        if destination == "postgres":
            address = self.server.database(self._seeds[destination] if seeded else None)
        ground = Ground(self, folder, address, seeded)
        if seeded and address is None:
            shutil.copy(self._seeds[destination], ground.warehouse)
        return ground
