"""Runs at the same time: each waits its turn, and nothing is lost. Also when one is killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from signal import Signals

import psycopg2
import pytest
from filelock import FileLock

from analytics_sync_tests.support.killed_runs import STAGES, Running, Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Ground, Grounds

EVENTS = Work("observability", ("logs", "audit_logs"))
LOGS = Work("observability", ("logs",))
SNAPSHOTS = Work("observability", ("users", "monitors"))
CHAIN = Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs"))
BUILDS = Work("delivery", ("builds", "audit"))
AGENTS = Work("delivery", ("agents",))
WRITING = ["before a merge", "in a merge", "before the commit of a merge", "with the turn to load"]


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with Grounds(tmp_path_factory.mktemp("schedules"), rows=12, rows_per_day=4) as made:
        yield made


def same_partition(grounds: Grounds, count: int) -> list[Work]:
    return [EVENTS.on(*grounds.world.days[1:3])] * count


def partitions(grounds: Grounds, count: int) -> list[Work]:
    days = [*grounds.world.days, grounds.world.end]
    return [EVENTS.on(days[i % 3], days[i % 3 + 1]) for i in range(count)]


def resources(grounds: Grounds, count: int) -> list[Work]:
    day = grounds.world.days[1:3]
    return [(EVENTS.on(*day), LOGS.on(*day), SNAPSHOTS)[i % 3] for i in range(count)]


def sources(grounds: Grounds, count: int) -> list[Work]:
    day = grounds.world.days[1:3]
    several = (EVENTS.on(*day), CHAIN.on(*day), BUILDS.on(*day), AGENTS)
    return [several[i % 4] for i in range(count)]


def anything(grounds: Grounds, count: int) -> list[Work]:
    dice = random.Random(count)
    days = [*grounds.world.days, grounds.world.end]
    spans = [(a, b) for i, a in enumerate(days) for b in days[i + 1 :]]
    several = (EVENTS, LOGS, SNAPSHOTS, CHAIN, BUILDS, AGENTS)
    return [dice.choice(several).on(*dice.choice(spans)) for _ in range(count)]


SCHEDULES: dict[str, Callable[[Grounds, int], list[Work]]] = {
    "same partition": same_partition,
    "partitions": partitions,
    "resources": resources,
    "sources": sources,
    "anything": anything,
}


def all_at_once(ground: Ground, works: list[Work], stage: str = "") -> None:
    """Run all at once; with a stage, the first dies there and runs again at the end."""
    running = [ground.begin(w, stage if i == 0 else "") for i, w in enumerate(works)]
    for number, one in enumerate(running):
        if stage and number == 0:
            assert one.status() == -9, one.output.read_text()[-3000:]
        else:
            one.succeed(240)
    if stage:
        ground.begin(works[0]).succeed()
    ground.assert_right(*works)


@pytest.mark.parametrize("seeded", [False, True], ids=["new", "seeded"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_eight_at_once(grounds: Grounds, destination: str, seeded: bool) -> None:
    works = [*same_partition(grounds, 3), *sources(grounds, 4), SNAPSHOTS]
    ground = grounds.fresh(destination, seeded=seeded)
    all_at_once(ground, works, "in a merge" if seeded else "")


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, 16])
@pytest.mark.parametrize("seeded", [False, True], ids=["new", "seeded"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_schedules(
    grounds: Grounds, destination: str, schedule: str, seeded: bool, count: int
) -> None:
    works = SCHEDULES[schedule](grounds, count)
    all_at_once(grounds.fresh(destination, seeded=seeded), works)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [*WRITING, "in mid-page", "before the staging is dropped"])
@pytest.mark.parametrize("schedule", ["same partition", "resources", "sources"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_one_of_them_is_killed(
    grounds: Grounds, destination: str, schedule: str, stage: str
) -> None:
    assert stage in STAGES
    works = SCHEDULES[schedule](grounds, 8)
    all_at_once(grounds.fresh(destination, seeded=True), works, stage)


HOLDING = [
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
        for s in HOLDING
    ],
)
def test_one_stops_on_its_way_and_the_others_wait(
    grounds: Grounds, destination: str, stage: str
) -> None:
    """Whatever one run is about to do to a table, the next begins when it is done."""
    ground = grounds.fresh(destination, seeded=False)
    work = LOGS.on(*grounds.world.days[1:3])
    first = ground.begin(work, stage, 1, Signals.SIGSTOP)
    first.stopped()
    before = grounds.world.sandbox.counts["observability/logs"]
    others = [ground.begin(w) for w in (work, work, LOGS.on(*grounds.world.days[:2]))]
    until_idle(others)
    assert grounds.world.sandbox.counts["observability/logs"] > before, "reading waits for nobody"
    assert all(one.process.is_alive() for one in others)
    first.go_on()
    for one in (first, *others):
        one.succeed()
    ground.assert_right(work, LOGS.on(*grounds.world.days[:2]))


def until_idle(running: list[Running]) -> None:
    """Wait until none of them uses the processor any more."""
    deadline = time.monotonic() + 120
    while True:
        used = [one.cpu_seconds() for one in running]
        time.sleep(0.7)
        if max(one.cpu_seconds() - u for one, u in zip(running, used, strict=True)) <= 0.02 and (
            min(used) > 0.1  # they have begun
        ):
            return
        assert time.monotonic() < deadline


class Held:
    """The turn to load into a dataset, held by the test."""

    def __init__(self, ground: Ground, dataset: str) -> None:
        if ground.address is None:
            self._lock = FileLock(f"{ground.warehouse}.lock")
            self._lock.acquire()
            self.release = self._lock.release
        else:
            session = psycopg2.connect(ground.address)
            with session.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_lock(hashtextextended(%s, 0))",
                    (f"analytics_sync {dataset}",),
                )
            self.release = session.close


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_waiting_costs_no_processor_and_reading_goes_on(grounds: Grounds, destination: str) -> None:
    ground = grounds.fresh(destination, seeded=True)
    held = Held(ground, "observability")
    work = SNAPSHOTS
    before = grounds.world.sandbox.counts["observability/users"]
    waiting = [ground.begin(work) for _ in range(3)]
    until_idle(waiting)
    assert grounds.world.sandbox.counts["observability/users"] >= before + 3, (
        "reading waits for nobody"
    )
    start, used = time.monotonic(), [one.cpu_seconds() for one in waiting]
    time.sleep(3)
    seconds = time.monotonic() - start
    for one, u in zip(waiting, used, strict=True):
        assert one.process.is_alive()
        assert (one.cpu_seconds() - u) / seconds < 0.05
    held.release()
    for one in waiting:
        one.succeed()
    ground.assert_right(work)


def test_the_servers_last_words_for_a_killed_run_come_first(grounds: Grounds) -> None:
    """PostgreSQL goes on committing what a dead client asked for; the next run waits for that."""
    ground = grounds.fresh("postgres", seeded=True)
    work = LOGS.on(*grounds.world.days[1:3])
    with psycopg2.connect(str(ground.address)) as server, server.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF current_setting('test.slept', true) IS NULL AND
                 (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow') > 0 THEN
                PERFORM set_config('test.slept', 'yes', false), pg_sleep(3);
              END IF;
              RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON observability.logs
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly();
            """
        )
    server.close()
    slow = psycopg2.connect(str(ground.address), application_name="slow")
    watch = psycopg2.connect(str(ground.address))
    watch.autocommit = True
    running = ground.begin(work)
    deadline = time.monotonic() + 30
    with watch.cursor() as cursor:
        while True:  # until the server is in the middle of the commit
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            if cursor.fetchone() == (1,):
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
    running.kill()
    slow.close()
    ground.begin(work).succeed()
    watch.close()
    ground.assert_right(work)


def test_two_merges_that_meet_because_a_turn_was_lost(grounds: Grounds) -> None:
    """The server ends the session that holds the turn, and the load that had it goes on."""
    ground = grounds.fresh("postgres", seeded=False)
    work = LOGS.on(*grounds.world.days[1:3])
    first = ground.begin(work, "with the turn to load", 1, Signals.SIGSTOP)
    first.stopped()
    sessions = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    assert ground.ask(sessions) == [(True,)]
    second = ground.begin(work, "before the commit of a merge", 1, Signals.SIGSTOP)
    second.stopped()
    first.go_on()
    until_idle([first])
    second.go_on()
    assert {first.status(), second.status()} & {0}, "neither came through"
    ground.begin(work).succeed()
    ground.assert_right(work)
