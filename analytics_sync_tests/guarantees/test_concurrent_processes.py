"""Concurrent processes: loads wait for each other, and no row is lost, even if a run is killed.

In: several runs at the same time, in processes of their own. Out: the judgement of the oracle on
the tables, and the order in which the runs load.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from signal import Signals

import psycopg2
import pytest
from filelock import FileLock

from analytics_sync_tests.support.killed_runs import STAGES
from analytics_sync_tests.support.run_processes import Running, Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Warehouse, Warehouses

EVENTS = Work("observability", ("logs", "audit_logs"))
LOGS = Work("observability", ("logs",))
SNAPSHOTS = Work("observability", ("users", "monitors"))
CHAIN = Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs"))
BUILDS = Work("delivery", ("builds", "audit"))
AGENTS = Work("delivery", ("agents",))
WRITING = ["before a merge", "in a merge", "before the commit of a merge", "with the load lock"]


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouses]:
    with Warehouses(tmp_path_factory.mktemp("concurrent"), rows=12, rows_per_day=4) as made:
        yield made


def same_partition(warehouses: Warehouses, count: int) -> list[Work]:
    return [EVENTS.on(*warehouses.world.days[1:3])] * count


def partitions(warehouses: Warehouses, count: int) -> list[Work]:
    days = [*warehouses.world.days, warehouses.world.end]
    return [EVENTS.on(days[i % 3], days[i % 3 + 1]) for i in range(count)]


def resources(warehouses: Warehouses, count: int) -> list[Work]:
    day = warehouses.world.days[1:3]
    return [(EVENTS.on(*day), LOGS.on(*day), SNAPSHOTS)[i % 3] for i in range(count)]


def sources(warehouses: Warehouses, count: int) -> list[Work]:
    day = warehouses.world.days[1:3]
    works = (EVENTS.on(*day), CHAIN.on(*day), BUILDS.on(*day), AGENTS)
    return [works[i % 4] for i in range(count)]


def anything(warehouses: Warehouses, count: int) -> list[Work]:
    dice = random.Random(count)
    days = [*warehouses.world.days, warehouses.world.end]
    spans = [(a, b) for i, a in enumerate(days) for b in days[i + 1 :]]
    works = (EVENTS, LOGS, SNAPSHOTS, CHAIN, BUILDS, AGENTS)
    return [dice.choice(works).on(*dice.choice(spans)) for _ in range(count)]


SCHEDULES: dict[str, Callable[[Warehouses, int], list[Work]]] = {
    "same partition": same_partition,
    "partitions": partitions,
    "resources": resources,
    "sources": sources,
    "anything": anything,
}


def assert_all_load(warehouse: Warehouse, works: list[Work], stage: str = "") -> None:
    """Run all works at the same time, and assert that the tables are right.

    Args:
        warehouse: The warehouse.
        works: One work for each process.
        stage: The stage at which the first run dies; its work runs again at the end. Empty: none.
    """
    running = [warehouse.begin(w, stage if i == 0 else "") for i, w in enumerate(works)]
    for number, run in enumerate(running):
        if stage and number == 0:
            assert run.status() == -9, run.output.read_text()[-3000:]
        else:
            run.succeed(240)
    if stage:
        warehouse.begin(works[0]).succeed()
    warehouse.assert_right(*works)


@pytest.mark.parametrize("seeded", [False, True], ids=["new", "seeded"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_eight_concurrent_runs_lose_no_row(
    warehouses: Warehouses, destination: str, seeded: bool
) -> None:
    """In a seeded warehouse, one of the runs is killed during its merge."""
    works = [*same_partition(warehouses, 3), *sources(warehouses, 4), SNAPSHOTS]
    warehouse = warehouses.new(destination, seeded=seeded)
    assert_all_load(warehouse, works, "in a merge" if seeded else "")


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, 16])
@pytest.mark.parametrize("seeded", [False, True], ids=["new", "seeded"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_concurrent_runs_of_any_schedule_lose_no_row(
    warehouses: Warehouses, destination: str, schedule: str, seeded: bool, count: int
) -> None:
    works = SCHEDULES[schedule](warehouses, count)
    assert_all_load(warehouses.new(destination, seeded=seeded), works)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [*WRITING, "in mid-page", "before the staging is dropped"])
@pytest.mark.parametrize("schedule", ["same partition", "resources", "sources"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_killed_run_among_concurrent_ones_loses_no_row(
    warehouses: Warehouses, destination: str, schedule: str, stage: str
) -> None:
    assert stage in STAGES
    works = SCHEDULES[schedule](warehouses, 8)
    assert_all_load(warehouses.new(destination, seeded=True), works, stage)


STAGES_WITH_LOAD_LOCK = [
    "before the tables are made",
    "before a merge",
    "in a merge",
    "before the commit of a merge",
    "before the load is noted",
    "before the staging is dropped",
]


@pytest.mark.parametrize(
    ("destination", "stage"),
    [
        pytest.param(d, s, marks=() if "commit" in s else pytest.mark.slow)
        for d in DESTINATIONS
        for s in STAGES_WITH_LOAD_LOCK
    ],
)
def test_loads_wait_for_a_run_that_stops_with_the_load_lock(
    warehouses: Warehouses, destination: str, stage: str
) -> None:
    warehouse = warehouses.new(destination, seeded=False)
    work = LOGS.on(*warehouses.world.days[1:3])
    first = warehouse.begin(work, stage, 1, Signals.SIGSTOP)
    first.wait_until_stopped()
    before = warehouses.world.sandbox.counts["observability/logs"]
    other_works = (work, work, LOGS.on(*warehouses.world.days[:2]))
    others = [warehouse.begin(other) for other in other_works]
    wait_until_idle(others)
    requests = warehouses.world.sandbox.counts["observability/logs"] - before
    assert requests > 0, "reads do not wait for the load lock"
    assert all(run.process.is_alive() for run in others)
    first.resume()
    for run in (first, *others):
        run.succeed()
    warehouse.assert_right(*other_works)


def wait_until_idle(running: list[Running]) -> None:
    """Wait until the processes have begun and all of them sleep.

    A process is idle if all its threads sleep, and if it uses at most 0.02 s of processor time in
    0.7 s. A process that polls without a sleep never becomes idle, and the wait fails.
    """
    deadline = time.monotonic() + 120
    while True:
        before = [run.cpu_seconds() for run in running]
        time.sleep(0.7)
        used = [run.cpu_seconds() - b for run, b in zip(running, before, strict=True)]
        have_begun = min(before) > 0.1
        if have_begun and max(used) <= 0.02 and all(run.is_asleep() for run in running):
            return
        assert time.monotonic() < deadline, "a waiting process uses the processor"


class LoadLock:
    """The load lock of a dataset, held by the test until ``release``."""

    def __init__(self, warehouse: Warehouse, dataset: str) -> None:
        if warehouse.address is None:
            self._lock = FileLock(f"{warehouse.file}.lock")
            self._lock.acquire()
            self.release = self._lock.release
        else:
            session = psycopg2.connect(warehouse.address)
            with session.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_lock(hashtextextended(%s, 0))",
                    (f"analytics_sync {dataset}",),
                )
            self.release = session.close


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_runs_read_and_then_sleep_while_they_wait_for_the_load_lock(
    warehouses: Warehouses, destination: str
) -> None:
    warehouse = warehouses.new(destination, seeded=True)
    lock = LoadLock(warehouse, "observability")
    before = warehouses.world.sandbox.counts["observability/users"]
    waiting = [warehouse.begin(SNAPSHOTS) for _ in range(3)]
    wait_until_idle(waiting)
    requests = warehouses.world.sandbox.counts["observability/users"] - before
    assert requests >= 3, "reads do not wait for the load lock"
    assert all(run.process.is_alive() for run in waiting)
    lock.release()
    for run in waiting:
        run.succeed()
    warehouse.assert_right(SNAPSHOTS)


SLOW_COMMIT = """
CREATE FUNCTION sleep_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('test.slept', true) IS NULL AND
     (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow') > 0 THEN
    PERFORM set_config('test.slept', 'yes', false), pg_sleep(3);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sleep_once AFTER INSERT ON observability.logs
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sleep_once();
"""
"""A trigger that makes a commit last 3 s while a session called ``slow`` is open."""


def test_the_next_run_waits_for_the_commit_of_a_killed_run(warehouses: Warehouses) -> None:
    """PostgreSQL finishes a commit although its client is dead."""
    warehouse = warehouses.new("postgres", seeded=True)
    work = LOGS.on(*warehouses.world.days[1:3])
    with psycopg2.connect(str(warehouse.address)) as server, server.cursor() as cursor:
        cursor.execute(SLOW_COMMIT)
    server.close()
    slow = psycopg2.connect(str(warehouse.address), application_name="slow")
    running = warehouse.begin(work)
    deadline = time.monotonic() + 30
    in_commit = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while warehouse.query(in_commit) != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.kill()
    slow.close()
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)


def test_two_merges_follow_each_other_after_a_lost_load_lock(warehouses: Warehouses) -> None:
    """The server ends the session that holds the load lock, and its run goes on to merge."""
    warehouse = warehouses.new("postgres", seeded=False)
    work = LOGS.on(*warehouses.world.days[1:3])
    first = warehouse.begin(work, "with the load lock", 1, Signals.SIGSTOP)
    first.wait_until_stopped()
    sessions = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    assert warehouse.query(sessions) == [(True,)]
    second = warehouse.begin(work, "before the commit of a merge", 1, Signals.SIGSTOP)
    second.wait_until_stopped()
    first.resume()
    wait_until_idle([first])
    second.resume()
    assert {first.status(), second.status()} & {0}, "neither run succeeded"
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)
