"""A run that is killed, at every stage, and the run after it: as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analytics_sync_tests.support.killed_runs import IN_DAGSTER, STAGED, STAGES, Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Grounds

PARTITIONED = Work("observability", ("logs", "audit_logs"))
SNAPSHOTS = Work("observability", ("users", "monitors"))
CHAIN = Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs"))

# stages that come more than once in a run: also later than the first time
LATER = {
    "before a request": 2,
    "in mid-page": 7,
    "after an answer": 2,
    "at the end of a resource": 2,
    "in extract": 2,
    "before the tables are made": 2,
    "after the tables are made": 2,
    "before a job": 3,
    "after a job": 3,
    "as a merge is written": 2,
    "before a merge": 2,
    "in a merge": 3,
    "before the commit of a merge": 2,
    "after the commit of a merge": 2,
    "after a merge": 2,
    "before a folder is removed": 2,
}
# without a staging, tables are made once and each has one job
LATER_IN_DUCKDB = {
    **{s: nth for s, nth in LATER.items() if s not in STAGED and "tables are made" not in s},
    "before a job": 2,
    "after a job": 2,
}
STAGES_OF_A_RUN = [s for s in STAGES if s not in IN_DAGSTER]
# one kill of each kind; the rest is slow
SHORT = [
    ("duckdb", PARTITIONED, "in mid-page", 7),
    ("postgres", PARTITIONED, "as a merge is written", 2),
    ("duckdb", PARTITIONED, "in a merge", 1),
    ("duckdb", SNAPSHOTS, "before the staging is dropped", 1),
    ("postgres", PARTITIONED, "in a merge", 3),
    ("postgres", SNAPSHOTS, "before a job", 3),
    ("postgres", PARTITIONED, "before the staging is dropped", 1),
]


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with Grounds(tmp_path_factory.mktemp("kills")) as made:
        yield made


def killed_and_run_again(
    grounds: Grounds, destination: str, work: Work, stage: str, nth: int, *, seeded: bool
) -> None:
    ground = grounds.fresh(destination, seeded=seeded)
    if work is not SNAPSHOTS:
        work = work.on(*grounds.world.days[1:3])
    ground.kill_at(work, stage, nth)
    ground.begin(work).succeed()
    ground.assert_right(work)


@pytest.mark.parametrize(("destination", "work", "stage", "nth"), SHORT)
def test_killed_and_run_again(
    grounds: Grounds, destination: str, work: Work, stage: str, nth: int
) -> None:
    killed_and_run_again(grounds, destination, work, stage, nth, seeded=True)


@pytest.mark.parametrize("stage", ["in a merge", "before the commit of a merge"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_merge_is_all_or_nothing(grounds: Grounds, destination: str, stage: str) -> None:
    ground = grounds.fresh(destination, seeded=True)
    work = replace(SNAPSHOTS, names=("users",))
    (asset,) = work.assets
    before = ground.table(asset)
    ground.kill_at(work, stage)
    assert ground.table(asset) == before
    ground.begin(work).succeed()
    ground.assert_right(work)


def test_killed_as_the_duckdb_file_is_made(grounds: Grounds) -> None:
    """What DuckDB has begun to make is no database, and is refused for good."""
    work = replace(SNAPSHOTS, names=("users",))
    for _ in range(3):
        ground = grounds.fresh("duckdb", seeded=False)
        file = ground.warehouse
        running = ground.begin(work)
        while running.process.is_alive() and not file.exists() and not file_beside(file).exists():
            pass
        running.kill()
        ground.begin(work).succeed()
        ground.assert_right(work)
        assert not file_beside(file).exists()


def file_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "stage"),
    [(d, s) for d in DESTINATIONS for s in STAGES_OF_A_RUN if d != "duckdb" or s not in STAGED],
)
@pytest.mark.parametrize(
    ("work", "seeded"), [(PARTITIONED, True), (SNAPSHOTS, False)], ids=["partitioned", "snapshots"]
)
def test_killed_at_every_stage(
    grounds: Grounds, destination: str, work: Work, seeded: bool, stage: str
) -> None:
    killed_and_run_again(grounds, destination, work, stage, 1, seeded=seeded)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "work", "stage", "nth"),
    [
        pytest.param(destination, work, stage, nth, id=f"{destination}-{work.source}-{stage}")
        for destination, later in (("duckdb", LATER_IN_DUCKDB), ("postgres", LATER))
        for work in (PARTITIONED, CHAIN)
        for stage, nth in later.items()
        # the seed has the chain's tables: only those of the staging are made, once
        if work is PARTITIONED or "tables are made" not in stage
    ],
)
def test_killed_later_in_a_stage(
    grounds: Grounds, destination: str, work: Work, stage: str, nth: int
) -> None:
    killed_and_run_again(grounds, destination, work, stage, nth, seeded=True)


@pytest.mark.parametrize(
    ("destination", "stage", "nth"),
    [
        pytest.param(
            d, s, n, marks=() if (d, s, n) == ("duckdb", "in a check", 2) else pytest.mark.slow
        )
        for d in DESTINATIONS
        for s in sorted(IN_DAGSTER)
        for n in (1, 2)
    ],
)
@pytest.mark.parametrize("work", [PARTITIONED], ids=["partitioned"])
def test_killed_in_dagster(
    grounds: Grounds, destination: str, work: Work, stage: str, nth: int
) -> None:
    ground = grounds.fresh(destination, seeded=True)
    work = replace(work.on(*grounds.world.days[1:3]), dagster=True)
    ground.kill_at(work, stage, nth)
    ground.begin(work).succeed()
    ground.assert_right(work)
