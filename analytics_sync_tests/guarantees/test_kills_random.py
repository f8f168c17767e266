"""Runs that are killed at random times, again and again, and one that is not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from analytics_sync_tests.support.killed_runs import Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Grounds

WORKS = (
    Work("observability", ("logs", "audit_logs")),
    Work("observability", ("users", "monitors")),
    Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs")),
    Work("delivery", ("builds", "audit", "agents")),
)
CASES = 16
KILLS = 3  # in a case


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with Grounds(tmp_path_factory.mktemp("random")) as made:
        yield made


@pytest.fixture(scope="module")
def seconds(grounds: Grounds) -> dict[str, float]:
    """How long an undisturbed run takes, by destination."""
    took = {}
    for destination in DESTINATIONS:
        ground = grounds.fresh(destination, seeded=True)
        start = time.monotonic()
        ground.begin(WORKS[1]).succeed()
        took[destination] = time.monotonic() - start
    return took


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "case"),
    [pytest.param(d, case) for d in DESTINATIONS for case in range(CASES)],
)
def test_killed_at_random_times(
    grounds: Grounds, seconds: dict[str, float], destination: str, case: int
) -> None:
    dice = random.Random(f"{destination} {case}")
    work = WORKS[case % len(WORKS)].on(*grounds.world.days[1:3])
    ground = grounds.fresh(destination, seeded=bool(case // len(WORKS) % 2))
    for _ in range(KILLS):
        running = ground.begin(work)
        time.sleep(dice.uniform(0.02, seconds[destination]))
        running.kill()
        assert running.status() in {0, -9}
    ground.begin(work).succeed()
    ground.assert_right(work)
