"""The pooled event log: the same files and events as Dagster's own, with few connections."""

from __future__ import annotations

import inspect
import multiprocessing
import queue
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckResult,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    asset,
    asset_check,
    materialize,
)
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite import sqlite_event_log as dagsters_module
from dagster._core.test_utils import create_run_for_test
from sqlalchemy.exc import IntegrityError

from analytics_sync.event_log import KeptSqliteEventLogStorage
from analytics_sync_tests.support.world import ROOT

OURS = """\
event_log_storage:
  module: analytics_sync.event_log
  class: KeptSqliteEventLogStorage
"""
QUIET = "telemetry:\n  enabled: false\n"


@asset
def thing() -> int:
    return 1


@asset_check(asset=thing)
def sound() -> AssetCheckResult:
    return AssetCheckResult(passed=True, metadata={"rows": 3})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    configure(tmp_path, OURS)
    return tmp_path


def configure(home: Path, storage: str) -> None:
    """Write the ``dagster.yaml`` of an instance."""
    (home / "dagster.yaml").write_text(QUIET + storage, encoding="utf-8")


def run() -> str:
    """Materialize once, and return the id of the run."""
    with DagsterInstance.get() as instance:
        return materialize([thing, sound], instance=instance).run_id


def events(run_id: str) -> list[tuple[Any, ...]]:
    """Step, type and level of each event of a run. They are the same in each run."""
    with DagsterInstance.get() as instance:
        return [
            (entry.step_key, entry.dagster_event_type, entry.level)
            for entry in instance.all_logs(run_id)
        ]


def test_it_has_the_events_of_dagsters_own(home: Path) -> None:
    ours = events(run())
    configure(home, "")
    theirs = events(run())
    assert ours == theirs
    assert len(ours) > 10


@pytest.mark.parametrize("order", [(OURS, ""), ("", OURS)], ids=["from ours", "to ours"])
def test_an_instance_may_change_its_event_log(home: Path, order: tuple[str, str]) -> None:
    configure(home, order[0])
    before = run()
    seen = events(before)
    configure(home, order[1])
    assert events(before) == seen
    after = run()
    with DagsterInstance.get() as instance:
        latest = instance.get_latest_materialization_event(AssetKey("thing"))
        assert latest is not None
        assert latest.run_id == after
        found = instance.event_log_storage.get_asset_check_execution_history(
            AssetCheckKey(AssetKey("thing"), "sound"), limit=10
        )
        assert [record.run_id for record in found] == [after, before]


@pytest.mark.slow
def test_many_processes_write_at_once(home: Path) -> None:
    run()
    command = [sys.executable, "-m", "analytics_sync_tests.defs.test_event_log"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)
    ]
    runs = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    with DagsterInstance.get() as instance:
        keys = AssetKey("thing")
        records = instance.fetch_materializations(keys, limit=100).records
        assert {r.run_id for r in records} >= {i for ids in runs for i in ids}
    for ids in runs:
        assert len(ids) == 3
        assert len({tuple(events(run_id)) for run_id in ids}) == 1


def test_threads_share_the_event_log(home: Path) -> None:
    runs = [run() for _ in range(3)]
    with DagsterInstance.get() as instance, ThreadPoolExecutor(8) as pool:
        before = [len(instance.all_logs(run_id)) for run_id in runs]

        def report(number: int) -> None:
            instance.report_engine_event(str(number), instance.get_run_by_id(runs[number % 3]))

        list(pool.map(report, range(60)))
        assert [len(instance.all_logs(run_id)) for run_id in runs] == [n + 20 for n in before]


def test_connections_are_kept_and_few(home: Path) -> None:
    runs = [run() for _ in range(20)]
    with DagsterInstance.get() as instance:
        for run_id in runs:
            assert instance.all_logs(run_id)
        kept = files_open(home)
        assert 1 < len(kept) <= 16
        assert any(runs[-1] in name for name in kept)
        assert not any(runs[0] in name for name in kept)
        assert instance.all_logs(runs[0])
    assert not files_open(home)


@pytest.mark.parametrize("rows", [1, 30])
def test_dagster_itself_connects_once_for_each_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """It does so by the public methods that we override: however many events a run has."""
    run()
    engines = []
    create = dagsters_module.create_engine

    def counted(address: str, **options: Any) -> Any:
        engines.append(address)
        return create(address, **options)

    monkeypatch.setattr(dagsters_module, "create_engine", counted)
    with DagsterInstance.get() as instance:
        assert materialize([thing, sound], instance=instance).success
        for _ in range(rows):
            instance.report_runless_asset_event(AssetMaterialization("other"))
    # one for each file: all runs, this run, events without a run; and one for each table it seeks
    assert len(engines) <= 6


def test_an_event_is_stored_whole_or_not_in_the_file_of_all_runs(home: Path) -> None:
    run()
    index = home / "history" / "runs" / "index.db"
    count = "SELECT count(*) FROM event_logs"
    with closing(sqlite3.connect(index)) as connection:
        before = connection.execute(count).fetchone()
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON asset_check_executions "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    evaluation = AssetCheckEvaluation(
        asset_key=AssetKey("thing"), check_name="sound", passed=True, metadata={}
    )
    with DagsterInstance.get() as instance, pytest.raises(IntegrityError, match="refused"):
        instance.report_runless_asset_event(evaluation)
    with closing(sqlite3.connect(index)) as connection:
        assert connection.execute(count).fetchone() == before
        connection.execute("DROP TRIGGER refuse")
    with DagsterInstance.get() as instance:
        instance.report_runless_asset_event(evaluation)
    with closing(sqlite3.connect(index)) as connection:
        assert connection.execute(count).fetchone() == (before[0] + 1,)


def test_a_commit_does_not_wait_for_the_disk(home: Path) -> None:
    run()
    with DagsterInstance.get() as instance:
        storage: Any = instance.event_log_storage
        with storage.index_connection() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").fetchone() == (1,)
            assert connection.exec_driver_sql("PRAGMA journal_mode").fetchone() == ("wal",)


def test_dagster_has_the_methods_that_we_override() -> None:
    for name in (
        "store_event",
        "run_connection",
        "index_connection",
        "has_table",
        "wipe",
        "dispose",
    ):
        ours, dagsters = (
            inspect.signature(getattr(c, name)).parameters
            for c in (KeptSqliteEventLogStorage, SqliteEventLogStorage)
        )
        assert list(ours) == list(dagsters), name


def files_open(home: Path) -> set[str]:
    """The database files of runs that this process has open."""
    folder = str(home / "history" / "runs")
    links = []
    for number in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the listing has a handle of its own, which is closed by now
            links.append(str(number.readlink()))
    return {name for name in links if name.startswith(folder) and name.endswith(".db")}


def test_a_forked_process_has_connections_of_its_own(home: Path) -> None:
    run_id = run()
    with DagsterInstance.get() as instance:
        before = len(instance.all_logs(run_id))

        def child() -> None:
            assert len(instance.all_logs(run_id)) == before
            instance.add_run_tags(run_id, {"child": "yes"})
            instance.report_engine_event("from the child", instance.get_run_by_id(run_id))

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join()
        assert process.exitcode == 0
        assert len(instance.all_logs(run_id)) == before + 1


def test_a_page_that_watches_a_run_gets_each_event_while_it_runs(home: Path) -> None:
    """Pages follow a run by changes of its file. A kept connection writes only to the log beside it."""
    with DagsterInstance.get() as writer, DagsterInstance.get() as page:
        run = create_run_for_test(writer)
        writer.report_engine_event("line 0", run)
        seen: queue.Queue[str] = queue.Queue()
        page.watch_event_logs(run.run_id, None, lambda event, _: seen.put(event.message))
        got: list[str] = []
        for number in range(1, 4):
            writer.report_engine_event(f"line {number}", run)
            while not got or got[-1] != f"line {number}":
                got.append(seen.get(timeout=60))
        assert got == ["line 0", "line 1", "line 2", "line 3"]


def test_wiped_events_are_gone_and_new_ones_are_kept(home: Path) -> None:
    run_id = run()
    with DagsterInstance.get() as instance:
        assert instance.all_logs(run_id)
        instance.wipe()
        assert not instance.all_logs(run_id)
        assert materialize([thing, sound], instance=instance).success
        assert instance.get_latest_materialization_event(AssetKey("thing"))


def test_without_a_folder_the_error_names_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(ValueError, match=r"^dagster.yaml, event_log_storage: .*DAGSTER_HOME"):
        KeptSqliteEventLogStorage.from_config_value(None, {})


def main() -> Iterator[str]:
    for _ in range(3):
        yield run()


if __name__ == "__main__":
    print(*main())
