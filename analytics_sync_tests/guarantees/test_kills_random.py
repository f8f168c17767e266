"""Kills at random times: after several killed runs and one success, the tables are right.

In: a seed for each case. Out: the judgement of the oracle on tables, folders, staging schemas and
locks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from analytics_sync_tests.support.run_processes import Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Warehouses

WORKS = (
    Work("observability", ("logs", "audit_logs")),
    Work("observability", ("users", "monitors")),
    Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs")),
    Work("delivery", ("builds", "audit", "agents")),
)
CASES = 16
KILLS_PER_CASE = 3


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouses]:
    with Warehouses(tmp_path_factory.mktemp("random")) as made:
        yield made


@pytest.fixture(scope="module")
def run_seconds(warehouses: Warehouses) -> dict[str, float]:
    """The duration of a run that is not killed, by destination: kills fall into this time."""
    durations = {}
    for destination in DESTINATIONS:
        warehouse = warehouses.new(destination, seeded=True)
        start = time.monotonic()
        warehouse.begin(WORKS[1]).succeed()
        durations[destination] = time.monotonic() - start
    return durations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "case"),
    [pytest.param(d, case) for d in DESTINATIONS for case in range(CASES)],
)
def test_the_run_after_kills_at_random_times_leaves_the_right_tables(
    warehouses: Warehouses, run_seconds: dict[str, float], destination: str, case: int
) -> None:
    dice = random.Random(f"{destination} {case}")
    work = WORKS[case % len(WORKS)].on(*warehouses.world.days[1:3])
    warehouse = warehouses.new(destination, seeded=bool(case // len(WORKS) % 2))
    for _ in range(KILLS_PER_CASE):
        running = warehouse.begin(work)
        time.sleep(dice.uniform(0.02, run_seconds[destination]))
        running.kill()
        assert running.status() in {0, -9}
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)
