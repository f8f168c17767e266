"""The range law in the warehouse: whatever the runs, the tables end up as what is served.

Each example fills a DuckDB file of its own through ``load``: partitions in any order, repeated and
overlapping, with changes between the runs, all kinds of windowed resources in one run. A run changes
the rows it read and no others; at the end the tables equal the model, and a fresh file after one run
of the whole range.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.guarantees.test_partition_law import EMPTY, tell_many
from analytics_sync_tests.support import histories as history
from analytics_sync_tests.support import server_variants as manners
from analytics_sync_tests.support.histories import Chain, Run, Story
from analytics_sync_tests.support.windowed_source import law_source

SOURCE = law_source()
# of each chain of parents one resource: each has a history of its own
KINDS = {
    "filtered": ("by_iso_ms", "by_range", "dates", "kids_of_uncut", "own_cursor_below_ordered"),
    "other": (
        "by_named_month",
        "milliseconds",
        "kids_of_ordered",
        "grandkids",
        "own_cursor_filtered",
    ),
}
QUICK, MANY = 2, 15
RUNS = count()


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Sandbox]]:
    with manners.serve([SOURCE], EMPTY) as made:
        yield made


class Warehouse:
    """A DuckDB file and what its tables hold."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def run(self, sandbox: Sandbox, names: list[str], low: int, high: int) -> None:
        """Load a window, as a run does."""
        os.environ.update(sandbox.settings())
        os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(self.file)
        window = Window(history.moment(low), history.moment(high))
        with ReadRun(SOURCE, window, names) as run:
            load(run, f"law{next(RUNS)}")
            assert not run.failures()

    def rows(self, name: str) -> dict[int, dict[str, Any]]:
        """Rows by key."""
        with duckdb.connect(str(self.file)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(f"SELECT * EXCLUDE (_dlt_load_id, _read_at) FROM law.{name}")
            columns = [d[0] for d in found.description]
            return manners.by_id(dict(zip(columns, row, strict=True)) for row in found.fetchall())


def warehouse_law(group: str, story: Story, servers: list[Sandbox], folder: Path) -> None:
    names = list(KINDS[group])
    pair = tuple(servers[i] for i in story.servers)
    made = tuple(dict.fromkeys(pair))
    chains = [Chain(SOURCE, name, made, turn) for turn, name in enumerate(names)]
    number = next(RUNS)
    warehouse = Warehouse(folder / f"warehouse_{number}.duckdb")
    fresh = Warehouse(folder / f"fresh_{number}.duckdb")
    tables: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in names}

    def run(first: int, last: int, server: int) -> None:
        low, high = story.window(first, last)
        warehouse.run(pair[server], names, low, high)
        for chain in chains:
            chain.dirty -= {at for at in chain.dirty if low <= at < high}
            # rows that were read are as they are served now, all others as they were
            tables[chain.name].update(chain.expected(chain.resource, low, high))
            assert warehouse.rows(chain.name) == tables[chain.name], chain.name

    try:
        for change in story.first:
            for chain in chains:
                chain.apply(change)
        for step in story.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                for chain in chains:
                    chain.apply(step)
        for partition in story.shuffled:
            low, high = story.window(partition, partition)
            if any(low <= at < high for chain in chains for at in chain.dirty):
                run(partition, partition, partition % 2)
        low, high = story.window(0, story.partitions[-1])
        fresh.run(pair[0], names, low, high)
        for chain in chains:
            assert not chain.dirty
            expected = chain.expected(chain.resource, low, high)
            assert fresh.rows(chain.name) == expected == tables[chain.name], chain.name
    finally:
        for chain in chains:
            chain.clear()
        for file in folder.glob(f"*_{number}.duckdb*"):
            file.unlink()


def hold(group: str, servers: list[Sandbox], folder: Path, examples: int) -> None:
    strategy = history.stories(len(servers), 1000, old=False, least=2)
    name = f"warehouse, {group}"
    tell_many(examples, name, strategy, lambda story: warehouse_law(group, story, servers, folder))


@pytest.mark.parametrize("group", KINDS)
def test_a_table_is_the_sum_of_its_partitions(
    group: str, servers: list[Sandbox], tmp_path: Path
) -> None:
    hold(group, servers, tmp_path, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("group", KINDS)
def test_a_table_is_the_sum_of_its_partitions_many_times(
    group: str, servers: list[Sandbox], tmp_path: Path
) -> None:
    hold(group, servers, tmp_path, MANY)
