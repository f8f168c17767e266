"""New warehouses for tests that kill runs: DuckDB files and PostgreSQL databases.

In: a destination. Out: a warehouse, the runs that load into it, and the assertion that it holds
what the ledger expects. All warehouses share one sandbox.

A seeded warehouse holds all days from before the sandbox's data changed. A run must then change
some rows, add some, and leave those of other days as they are.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from signal import Signals
from typing import Any

from filelock import FileLock

from analytics_sync_tests.support import each_warehouse
from analytics_sync_tests.support.dagster_runs import make_dagster_home
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.run_processes import Running, Work, begin
from analytics_sync_tests.support.world import World

DESTINATIONS = ("duckdb", "postgres")
SEED = (
    Work("observability", ("logs", "audit_logs", "users", "monitors", "incidents")),
    Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs")),
    Work("delivery", ("builds", "audit", "agents")),
)
_Records = dict[str, list[dict[str, Any]]]


class Warehouse(each_warehouse.Warehouse):
    """One warehouse, and the folder of its runs.

    Args:
        world: The sandbox.
        folder: The folder for everything that the runs write.
        address: The address of a PostgreSQL database; None makes a DuckDB file in the folder.
        seed: The records that the warehouse holds at first, by asset; empty for an empty warehouse.
    """

    def __init__(self, world: World, folder: Path, address: str | None, seed: _Records) -> None:
        self.file = folder / "warehouse.duckdb"
        super().__init__(address or self.file)
        self.world = world
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.address = address
        self._seed = seed
        self.environment = {
            **self.world.environment,
            "DAGSTER_HOME": str(make_dagster_home(folder / "dagster")),
            "TMPDIR": str(self.temporary),
            **self.settings,
        }

    def begin(
        self, work: Work, stage: str = "", nth: int = 1, sent: Signals = Signals.SIGKILL
    ) -> Running:
        """Start a run; see ``run_processes.begin``."""
        return begin(work, self.environment, self.folder, stage, nth, sent)

    def kill_at(self, work: Work, stage: str, nth: int = 1) -> None:
        """Run until the ``nth`` visit to a stage, where the run must die."""
        running = self.begin(work, stage, nth)
        status = running.status()
        assert status == -9, f"{stage}: ended with {status}:\n{running.output.read_text()[-4000:]}"

    def assert_right(self, *works: Work) -> None:
        """Assert that the tables hold what the ledger expects after runs, and nothing else is left.

        Args:
            works: The work of each run that has succeeded.
        """
        works_of: dict[str, list[Work]] = {}
        for work in works:
            for asset in work.assets:
                works_of.setdefault(asset, []).append(work)
        for asset, done in works_of.items():
            source, name = asset.split("/")
            resource = self.world.sources[source].resources[name]
            windowed = self.world.sources[source].windowed(resource)
            # Seeded rows stay, but for those that the windows of the runs replace.
            expected = list(self._seed.get(asset, ())) if windowed else []
            for work in done:
                days = (work.first, work.end) if windowed else ()
                expected += self.world.expected(asset, *(date.fromisoformat(d) for d in days if d))
            assert assert_same(resource, self.table(asset), expected)
        self.assert_clean()

    def assert_clean(self) -> None:
        """Assert that no temporary folder, no staging schema and no lock is left."""
        folders = [str(path) for path in self.temporary.rglob("*")]
        assert not folders, f"left in the temporary folder: {folders}"
        known = {"tmp", "dagster", "warehouse.duckdb", "warehouse.duckdb.lock"}
        left = {p.name for p in self.folder.iterdir() if not p.name.startswith("run-")}
        assert not left - known, f"left: {left - known}"
        schemas = self.query("SELECT schema_name FROM information_schema.schemata")
        staging = {name for (name,) in schemas if "staging" in name}
        assert not staging, f"left in the warehouse: {staging}"
        if self.address is None:
            with FileLock(f"{self.file}.lock", timeout=0):
                return
        locks = (
            "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        deadline = time.monotonic() + 10  # the server ends a session some time after its client
        while self.query(locks) != [(0,)]:
            assert time.monotonic() < deadline, "an advisory lock is still held"
            time.sleep(0.05)


class Warehouses:
    """The sandbox, the PostgreSQL server and the seeds; a context manager.

    Args:
        folder: The folder for all files.
        options: Options of the sandbox.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder = folder
        self.world = World(folder, **options)
        self._stack = ExitStack()
        self._count = 0
        self._seed: _Records = {}
        self._seeded: dict[str, Warehouse] = {}

    def __enter__(self) -> Warehouses:
        self._stack.enter_context(self.world)
        self.server = self._stack.enter_context(Postgres())
        self._make_seeds()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def _make_seeds(self) -> None:
        works = [work.on(self.world.start, self.world.end) for work in SEED]
        for destination in DESTINATIONS:
            warehouse = self.new(destination, seeded=False)
            for running in [warehouse.begin(work) for work in works]:
                running.succeed()
            warehouse.assert_right(*works)
            self._seeded[destination] = warehouse
        self._seed = {
            asset: self.world.expected(asset, self.world.start, self.world.end)
            for work in works
            for asset in work.assets
        }
        self.world.sandbox.advance()

    def new(self, destination: str, *, seeded: bool) -> Warehouse:
        """A new warehouse.

        Args:
            destination: ``duckdb`` or ``postgres``.
            seeded: Whether it holds the days from before the sandbox's data changed.
        """
        self._count += 1
        folder = self._folder / f"warehouse{self._count}"
        folder.mkdir()
        template = self._seeded[destination] if seeded else None
        address = None
        if destination == "postgres":
            address = self.server.database(template.address if template else None)
        warehouse = Warehouse(self.world, folder, address, self._seed if seeded else {})
        if template and address is None:
            shutil.copy(template.file, warehouse.file)
        return warehouse
