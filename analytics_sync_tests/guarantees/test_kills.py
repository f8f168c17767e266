"""Killed runs: after a kill at any stage, the next run leaves the right tables and nothing else.

In: runs that kill themselves at a stage. Out: the judgement of the oracle on tables, folders,
staging schemas and locks after the next run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from analytics_sync_tests.support.killed_runs import COPIED, IN_DAGSTER, STAGES
from analytics_sync_tests.support.run_processes import Work
from analytics_sync_tests.support.warehouses import DESTINATIONS, Warehouses

PARTITIONED = Work("observability", ("logs", "audit_logs"))
SNAPSHOTS = Work("observability", ("users", "monitors"))
CHAIN = Work("ci_pipelines", ("pipelines", "workflow", "workflow_jobs"))

# For each stage that a run visits several times, a later visit to kill it at.
LATER = {
    "before a request": 2,
    "in mid-page": 7,
    "after an answer": 2,
    "at the end of a resource": 2,
    "in extract": 2,
    "before a job": 2,
    "after a job": 2,
    "after the rows are copied": 2,
    "before a merge": 2,
    "in a merge": 3,
    "before the commit of a merge": 2,
    "after the commit of a merge": 2,
    "after a merge": 2,
    "before a folder is removed": 2,
}
LATER_IN_DUCKDB = {s: nth for s, nth in LATER.items() if s not in COPIED}
STAGES_OF_A_RUN = [s for s in STAGES if s not in IN_DAGSTER]
# One kill of each kind. All others are slow.
SHORT = [
    ("duckdb", PARTITIONED, "in mid-page", 7),
    ("postgres", PARTITIONED, "after the rows are copied", 2),
    ("duckdb", PARTITIONED, "in a merge", 1),
    ("duckdb", SNAPSHOTS, "before the staging is dropped", 1),
    ("postgres", PARTITIONED, "in a merge", 3),
    ("postgres", SNAPSHOTS, "before a job", 2),
    ("postgres", PARTITIONED, "before the staging is dropped", 1),
]


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouses]:
    with Warehouses(tmp_path_factory.mktemp("kills")) as made:
        yield made


def assert_recovers(
    warehouses: Warehouses, destination: str, work: Work, stage: str, nth: int, *, seeded: bool
) -> None:
    """Kill a run at a stage, run its work again, and assert that the tables are right."""
    warehouse = warehouses.new(destination, seeded=seeded)
    if work is not SNAPSHOTS:
        work = work.on(*warehouses.world.days[1:3])
    warehouse.kill_at(work, stage, nth)
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)


@pytest.mark.parametrize(("destination", "work", "stage", "nth"), SHORT)
def test_the_run_after_a_kill_leaves_the_right_tables(
    warehouses: Warehouses, destination: str, work: Work, stage: str, nth: int
) -> None:
    assert_recovers(warehouses, destination, work, stage, nth, seeded=True)


@pytest.mark.parametrize("stage", ["in a merge", "before the commit of a merge"])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_merge_is_all_or_nothing(warehouses: Warehouses, destination: str, stage: str) -> None:
    warehouse = warehouses.new(destination, seeded=True)
    work = replace(SNAPSHOTS, names=("users",))
    (asset,) = work.assets
    before = warehouse.table(asset)
    warehouse.kill_at(work, stage)
    assert warehouse.table(asset) == before
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)


def test_a_kill_while_the_duckdb_file_is_made_leaves_no_broken_file(
    warehouses: Warehouses,
) -> None:
    """DuckDB refuses an unfinished file for good, so the file is made beside its final place."""
    work = replace(SNAPSHOTS, names=("users",))
    for _ in range(3):
        warehouse = warehouses.new("duckdb", seeded=False)
        file = warehouse.file
        beside = file.with_name(f"{file.name}.new")
        running = warehouse.begin(work)
        while running.process.is_alive() and not file.exists() and not beside.exists():
            pass  # without a sleep, which would miss the file beside
        running.kill()
        warehouse.begin(work).succeed()
        warehouse.assert_right(work)
        assert not beside.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "stage"),
    [(d, s) for d in DESTINATIONS for s in STAGES_OF_A_RUN if d != "duckdb" or s not in COPIED],
)
@pytest.mark.parametrize(
    ("work", "seeded"), [(PARTITIONED, True), (SNAPSHOTS, False)], ids=["partitioned", "snapshots"]
)
def test_the_run_after_a_kill_at_any_stage_leaves_the_right_tables(
    warehouses: Warehouses, destination: str, work: Work, seeded: bool, stage: str
) -> None:
    assert_recovers(warehouses, destination, work, stage, 1, seeded=seeded)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("destination", "work", "stage", "nth"),
    [
        pytest.param(destination, work, stage, nth, id=f"{destination}-{work.source}-{stage}")
        for destination, later in (("duckdb", LATER_IN_DUCKDB), ("postgres", LATER))
        for work in (PARTITIONED, CHAIN)
        for stage, nth in later.items()
    ],
)
def test_the_run_after_a_kill_at_a_later_visit_leaves_the_right_tables(
    warehouses: Warehouses, destination: str, work: Work, stage: str, nth: int
) -> None:
    assert_recovers(warehouses, destination, work, stage, nth, seeded=True)


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
def test_the_run_after_a_kill_in_dagster_leaves_the_right_tables(
    warehouses: Warehouses, destination: str, stage: str, nth: int
) -> None:
    warehouse = warehouses.new(destination, seeded=True)
    work = replace(PARTITIONED.on(*warehouses.world.days[1:3]), dagster=True)
    warehouse.kill_at(work, stage, nth)
    warehouse.begin(work).succeed()
    warehouse.assert_right(work)
