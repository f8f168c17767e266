"""Warehouse faults: full disks, locked files, and a PostgreSQL server that goes away during a load.

In: runs on the fault lab's sandbox. Out: an error that says what to do, an unchanged table, and
right rows after the next run.
"""

from __future__ import annotations

import contextlib
import json
import resource as limits
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dlt
import pytest

from analytics_sync.catalog import Resource
from analytics_sync.extract import buffer
from analytics_sync.load.clients import postgres_merge_job
from analytics_sync.load.clients.merge_counts import MergeCounts, run_counted
from analytics_sync.sandbox import Fault
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.fault_kinds import KINDS, SOURCES, resource_of
from analytics_sync_tests.support.fault_lab import Lab, Rows, run, table
from analytics_sync_tests.support.file_holder import held
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres

SLOW = pytest.mark.slow
KIND = [pytest.param(k, marks=() if k in {"page_number", "json_link"} else SLOW) for k in KINDS]


def first_lines_of_errors(resource: Resource) -> list[str]:
    """Run a resource and return the first line of each error."""
    failures, _ = run(SOURCES[resource.source], [resource.name])
    return [str(error).splitlines()[0] for error in failures.values()]


def assert_succeeds(resource: Resource) -> None:
    """Run a resource without an error."""
    assert not first_lines_of_errors(resource)


@pytest.fixture
def warehouse(lab: Lab, tmp_path: Path) -> Callable[[Resource], Path]:
    """Copies of the lab's warehouses."""

    def copy(resource: Resource) -> Path:
        file = tmp_path / "w.duckdb"
        shutil.copy(lab.warehouse_before(resource.source), file)
        return file

    return copy


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
    """Fill the disk, but for less than 4 KiB."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb") as filler:
        while True:
            filler.write(b"x" * 4096)
            filler.flush()


@pytest.mark.parametrize("kind", KIND)
def test_a_full_disk_during_the_read_is_an_error_and_changes_nothing(
    lab: Lab,
    warehouse: Callable[[Resource], Path],
    small_disk: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = resource_of(kind)
    file = warehouse(resource)
    before = table(file, resource)
    monkeypatch.setattr(buffer, "_MAX_BYTES_IN_MEMORY", 0)
    with lab.environment(file):
        monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
        fill(small_disk)
        (message,) = first_lines_of_errors(resource)
        (small_disk / "filler").unlink()
        assert table(file, resource) == before
        assert "No space left" in message
        assert message.startswith(resource.source)
        assert "bug in analytics_sync" not in message
        assert_succeeds(resource)
    assert assert_same(resource, table(file, resource), lab.expected(resource))


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, in bytes, as on a full disk."""
    old = limits.getrlimit(limits.RLIMIT_FSIZE)
    # Without a handler, the signal would kill the process instead of failing the write.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        limits.setrlimit(limits.RLIMIT_FSIZE, (size, old[1]))
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [512, 8192])
@pytest.mark.parametrize("kind", KIND)
def test_a_full_disk_during_the_load_changes_all_rows_or_none(
    lab: Lab, warehouse: Callable[[Resource], Path], kind: str, size: int
) -> None:
    """With 512 bytes the merge itself fails. With 8 KiB a later step may fail, after the merge."""
    resource = resource_of(kind)
    file = warehouse(resource)
    before = table(file, resource)
    with lab.environment(file):
        with file_size_limit(size):
            messages = first_lines_of_errors(resource)
        after = table(file, resource)
        assert after == before or size > 512
        if after != before:
            assert assert_same(resource, after, lab.expected(resource))
        assert messages or after != before
        for message in messages:
            assert message.startswith(f"{resource.source}")
            assert "run again" in message
        assert_succeeds(resource)
    assert assert_same(resource, table(file, resource), lab.expected(resource))


@pytest.mark.parametrize("kind", KIND)
def test_a_warehouse_that_another_program_holds_for_long_is_an_error(
    lab: Lab, warehouse: Callable[[Resource], Path], kind: str
) -> None:
    resource = resource_of(kind)
    file = warehouse(resource)
    before = table(file, resource)
    with lab.environment(file, {"ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE": "0.1"}):
        with held(file, read_only=False) as holder:
            (message,) = first_lines_of_errors(resource)
        assert f"in use by {Path(sys.executable).resolve()} (PID {holder.pid})" in message
        assert "run again" in message
        assert table(file, resource) == before
        assert_succeeds(resource)
    assert assert_same(resource, table(file, resource), lab.expected(resource))


# --- PostgreSQL ----------------------------------------------------------------------------------


def load_with(lab: Lab, address: str, resource: Resource, change: f.Change) -> Rows:
    """Load a resource into PostgreSQL, with a change of each response, and return its rows."""
    script = f.at(Fault(change=change))
    unused = lab.folder / "unused.duckdb"
    settings = pg.settings(address)
    with lab.environment(unused, settings), lab.faults({str(resource): script}):
        assert_succeeds(resource)
    return pg.table(address, str(resource))


def test_values_that_postgres_cannot_hold_are_kept_in_extra(lab: Lab, postgres: Postgres) -> None:
    """NUL, lone surrogates and integers beyond 64 bits, in an undeclared field."""
    resource = resource_of("root_list")
    raw = b'{"nul": "a\\u0000b", "half": "\\ud83d", "big": %d}' % (10**30)
    expected = lab.expected(resource)
    rows = load_with(lab, postgres.database(), resource, f.spliced(resource, raw))
    assert assert_same(resource, rows, expected)
    (extra,) = [row["_extra"] for row in rows if row["_extra"]]
    assert "a\\\\u0000b" in extra
    assert "\\\\ud83d" in extra
    assert str(10**30) in extra


def test_declared_texts_with_nul_are_kept_in_extra_of_postgres(
    lab: Lab, postgres: Postgres
) -> None:
    resource = resource_of("root_list")

    def with_nul(records: list[Any]) -> list[Any]:
        return [{**record, "name": f"a\0{record['name']}"} for record in records]

    change = f.records_changed(resource, with_nul)
    rows = load_with(lab, postgres.database(), resource, change)
    assert all(row["name"].startswith("a") for row in rows)
    kept = [json.loads(row["_extra"]).get("name", "") for row in rows if row["_extra"]]
    assert len([name for name in kept if name.startswith("a\\u0000")]) >= 12


@pytest.mark.parametrize(
    "how", [pytest.param("cut", marks=SLOW), "restarted", pytest.param("stopped", marks=SLOW)]
)
@pytest.mark.parametrize("moment", ["before", "within"])
def test_a_postgres_that_goes_away_during_a_load_keeps_the_table(
    lab: Lab, moment: str, how: str
) -> None:
    """At the start of a load, and within its merge.

    Every connection is cut, or the server crashes and starts at once, or it starts after the run.
    """
    resource = resource_of("root_list")
    with Postgres() as server:
        address = server.database()
        settings = pg.settings(address)
        with lab.environment(lab.folder / "unused.duckdb", settings):
            assert_succeeds(resource)
            before = pg.table(address, str(resource))
            with pytest.MonkeyPatch.context() as patch:
                left = call_once(patch, moment, lambda: interrupt(server, how))
                messages = first_lines_of_errors(resource)
                assert not left, "the server was never interrupted"
            if how == "stopped":
                server.start()
                assert messages, "the run cannot succeed without a server"
            # If the server came back, a retry may have succeeded, so there may be no message.
            for message in messages:
                assert message.startswith(f"{resource.source}: the load step failed")
                assert "run again" in message
                assert pg.table(address, str(resource)) == before
            assert_succeeds(resource)
        rows = pg.table(address, str(resource))
        assert assert_same(resource, rows, lab.expected(resource))
        schemas = pg.query(address, "SELECT schema_name FROM information_schema.schemata")
        assert not [name for (name,) in schemas if "staging" in name]


def interrupt(server: Postgres, how: str) -> None:
    """Cut all connections to a server, restart it, or stop it."""
    if how == "cut":
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    elif how == "restarted":
        server.restart()
    else:
        server.stop()


def call_once(
    patch: pytest.MonkeyPatch, moment: str, action: Callable[[], None]
) -> Sequence[Callable[[], None]]:
    """Call an action once: ``before`` a load, or ``within`` its merge, between two statements.

    Returns:
        The actions that are still to be called: the list is empty once the moment has come.
    """
    left = [action]

    def call() -> None:
        if left:
            left.pop()()

    if moment == "before":
        original = dlt.Pipeline.load

        def load_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
            call()
            return original(self, *args, **kwargs)

        patch.setattr(dlt.Pipeline, "load", load_pipeline)
    else:

        def with_call(client: Any, statements: Iterable[str]) -> MergeCounts:
            def one_by_one() -> Iterator[str]:
                for statement in statements:
                    yield statement
                    call()

            return run_counted(client, one_by_one())

        patch.setattr(postgres_merge_job, "run_counted", with_call)
    return left
