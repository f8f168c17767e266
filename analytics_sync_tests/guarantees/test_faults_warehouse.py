"""Disks fill, warehouses are locked or go away in mid-load: named, nothing lost, and right afterwards."""

from __future__ import annotations

import contextlib
import json
import resource as limits
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from analytics_sync.extract import buffer
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Fault
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support.fault_lab import (
    KINDS,
    SOURCES,
    WINDOW,
    Lab,
    resource_of,
    run,
    table,
)
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres, ask
from analytics_sync_tests.support.postgres_server import table as table_of_postgres

SLOW = pytest.mark.slow
KIND = [pytest.param(k, marks=() if k in {"page_number", "json_link"} else SLOW) for k in KINDS]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = Path(tempfile.mkdtemp(prefix="small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def fill(folder: Path) -> None:
    """Leave next to nothing free."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb") as filler:
        while True:
            filler.write(b"x" * 4096)
            filler.flush()


@pytest.mark.parametrize("kind", KIND)
def test_no_room_for_the_spool(
    lab: Lab, small_disk: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = resource_of(kind)
    file = tmp_path / "w.duckdb"
    shutil.copy(lab.before(resource.source), file)
    before = table(file, resource)
    monkeypatch.setattr(buffer, "_IN_MEMORY", 0)
    with lab.environment(file):
        monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
        fill(small_disk)
        failures = _failures(resource.source, resource.name)
        (small_disk / "filler").unlink()
        assert table(file, resource) == before
        (message,) = failures
        assert "No space left" in message
        assert message.startswith(resource.source)
        assert "bug in analytics_sync" not in message
        assert not run(SOURCES[resource.source], [resource.name])[0]
    assert assert_same(resource, table(file, resource), lab.expected(resource))


def _failures(source: str, name: str) -> list[str]:
    """First lines of what a run says, wherever it fails."""
    try:
        with ReadRun(SOURCES[source], WINDOW, [name], sleep=lambda _: None) as read:
            try:
                load(read, "full")
            except LoadError as e:
                return [str(e).splitlines()[0]]
            return [str(e).splitlines()[0] for e in read.failures().values()]
    except LoadError as e:
        return [str(e).splitlines()[0]]


@pytest.mark.parametrize("room", [512, 8192])
@pytest.mark.parametrize("kind", KIND)
def test_no_room_for_the_warehouse(lab: Lab, kind: str, room: int, tmp_path: Path) -> None:
    """The process may not let a file grow: what DuckDB meets on a full disk.

    With little room the merge itself fails; with some, what comes after it: the rows are there then.
    """
    resource = resource_of(kind)
    file = tmp_path / "w.duckdb"
    shutil.copy(lab.before(resource.source), file)
    before = table(file, resource)
    old = limits.getrlimit(limits.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with lab.environment(file):
        try:
            limits.setrlimit(limits.RLIMIT_FSIZE, (room, old[1]))
            failures = _failures(resource.source, resource.name)
        finally:
            limits.setrlimit(limits.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, ignored)
        after = table(file, resource)
        assert after == before or room > 512
        if after != before:
            assert assert_same(resource, after, lab.expected(resource))
        assert failures or after != before
        for message in failures:
            assert message.startswith(f"{resource.source}")
            assert "run again" in message
        assert not run(SOURCES[resource.source], [resource.name])[0]
    assert assert_same(resource, table(file, resource), lab.expected(resource))


@pytest.mark.parametrize("kind", KIND)
def test_a_warehouse_that_another_program_holds(lab: Lab, kind: str, tmp_path: Path) -> None:
    resource = resource_of(kind)
    file = tmp_path / "w.duckdb"
    shutil.copy(lab.before(resource.source), file)
    before = table(file, resource)
    code = f"import duckdb, sys; c = duckdb.connect({str(file)!r}); print(1, flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline()
    with lab.environment(file):
        (message,) = _failures(resource.source, resource.name)
        holder.communicate()
        assert f"{resource.source}: the load step failed" in message
        assert "lock" in message
        assert "run again" in message
        assert table(file, resource) == before
        assert not run(SOURCES[resource.source], [resource.name])[0]
    assert assert_same(resource, table(file, resource), lab.expected(resource))


# --- PostgreSQL ------------------------------------------------------------------------------------


def test_what_postgres_cannot_hold_is_kept(
    lab: Lab, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NUL, lone surrogates and integers beyond 64 bit, in and outside of the declaration."""
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    address = postgres.database()
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    resource = resource_of("root_list")
    raw = b'{"nul": "a\\u0000b", "half": "\\ud83d", "big": %d}' % (10**30)
    expected = lab.expected(resource)

    lab.sandbox.faults = f.Plan({str(resource): f.at(Fault(change=f.spliced(resource, raw)))})
    try:
        with lab.environment(tmp_path / "unused.duckdb"):
            assert not run(SOURCES[resource.source], [resource.name])[0]
    finally:
        lab.sandbox.faults = None
    rows = table_of_postgres(address, str(resource))
    assert assert_same(resource, rows, expected)
    (extra,) = [row["_extra"] for row in rows if row["_extra"]]
    assert "a\\\\u0000b" in extra
    assert "\\\\ud83d" in extra
    assert str(10**30) in extra


def _nul_in_name(records: list[Any]) -> list[Any]:
    return [{**r, "name": f"a\0{r['name']}"} for r in records]


def test_texts_with_nul_in_postgres(
    lab: Lab, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    address = postgres.database()
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    resource = resource_of("root_list")
    change = f.records_changed(resource, _nul_in_name)
    lab.sandbox.faults = f.Plan({str(resource): f.at(Fault(change=change))})
    try:
        with lab.environment(tmp_path / "unused.duckdb"):
            assert not run(SOURCES[resource.source], [resource.name])[0]
    finally:
        lab.sandbox.faults = None
    rows = table_of_postgres(address, str(resource))
    assert all(row["name"].startswith("a") for row in rows)
    kept = [json.loads(row["_extra"]).get("name", "") for row in rows if row["_extra"]]
    assert len([name for name in kept if name.startswith("a\\u0000")]) >= 12


@pytest.mark.parametrize(
    "how", [pytest.param("cut", marks=SLOW), "restarted", pytest.param("stopped", marks=SLOW)]
)
@pytest.mark.parametrize("moment", ["before", "within"])
def test_postgres_goes_away_in_mid_load(
    lab: Lab, moment: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start of a load, and in the middle of its merge: every connection is cut, or the server
    crashes and comes back at once, or only when the run is over."""
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    resource = resource_of("root_list")
    with Postgres() as server, lab.environment(tmp_path / "unused.duckdb"):
        address = server.database()
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
        assert not run(SOURCES[resource.source], [resource.name])[0]
        before = table_of_postgres(address, str(resource))

        def away() -> None:
            if how == "cut":
                server.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            else:
                (server.restart if how == "restarted" else server.stop)()

        with pytest.MonkeyPatch.context() as patch:
            _once(patch, moment, away)
            failures = _failures(resource.source, resource.name)
        if how == "stopped":
            server.start()
            assert failures, "the server was away to the end"
        for message in failures:  # with a server that comes back, trying again may have helped
            assert message.startswith(f"{resource.source}: the load step failed")
            assert "run again" in message
            assert table_of_postgres(address, str(resource)) == before
        assert not run(SOURCES[resource.source], [resource.name])[0]
        assert assert_same(
            resource, table_of_postgres(address, str(resource)), lab.expected(resource)
        )
        assert not [
            name
            for (name,) in ask(address, "SELECT schema_name FROM information_schema.schemata")
            if "staging" in name
        ]


def _once(patch: pytest.MonkeyPatch, moment: str, away: Callable[[], None]) -> None:
    """Have ``away`` happen once: as a load begins, or between the two statements of its merge."""
    left = [away]

    def now() -> None:
        if left:
            left.pop()()

    if moment == "before":
        original = dlt.Pipeline.load

        def load_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
            now()
            return original(self, *args, **kwargs)

        patch.setattr(dlt.Pipeline, "load", load_pipeline)
    else:
        execute = Psycopg2SqlClient.execute_many

        def execute_many(self: Any, statements: Any, *args: Any, **kwargs: Any) -> Any:
            if not any(s.lstrip().startswith("DELETE") for s in statements):
                return execute(self, statements, *args, **kwargs)
            for statement in statements:
                self.execute_sql(statement)
                now()
            return []

        patch.setattr(Psycopg2SqlClient, "execute_many", execute_many)
