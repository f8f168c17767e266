"""The partition law, for the warehouse: after any runs, the tables hold the served records.

In: random histories of several windowed resources, loaded in the same runs into a DuckDB file of
each example. Out: two facts about the tables:

- a run changes the rows that it has read, and no others;
- at the end, the tables equal the model, and a new file after one run of the whole range.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.guarantees.test_partition_law import NO_RECORDS, check_examples
from analytics_sync_tests.support import duckdb_file, server_variants
from analytics_sync_tests.support.histories import History, Run, histories, to_datetime
from analytics_sync_tests.support.history_model import HistoryModel
from analytics_sync_tests.support.windowed_source import windowed_source

SOURCE = windowed_source()
# No two resources of a group share an ancestor, because each has a history of its own.
GROUPS = {
    "filtered": ("by_iso_ms", "by_range", "dates", "kids_of_uncut", "own_cursor_below_ordered"),
    "other": (
        "by_named_month",
        "milliseconds",
        "kids_of_ordered",
        "grandkids",
        "own_cursor_filtered",
    ),
}
FEW, MANY = 2, 15
NUMBERS = count()


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Sandbox]]:
    """Servers of the windowed source, without records."""
    with server_variants.serve([SOURCE], NO_RECORDS) as made:
        yield made


class Warehouse:
    """A DuckDB file that runs load into."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def run(self, sandbox: Sandbox, names: list[str], low: int, high: int) -> None:
        """Load a window of several resources."""
        os.environ.update(sandbox.settings())
        # The servers have the same records: one account, at several addresses.
        os.environ["SOURCES__WINDOWED__ACCEPT_ORIGIN"] = sandbox.base_url(SOURCE.name)
        os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(self.file)
        window = Window(to_datetime(low), to_datetime(high))
        with ReadRun(SOURCE, window, names) as run:
            load(run, f"law{next(NUMBERS)}")
            assert not run.failures()

    def rows(self, name: str) -> dict[int, dict[str, Any]]:
        """Rows by key, without the columns in which each load differs."""
        rows = duckdb_file.table(self.file, f"{SOURCE.name}/{name}")
        for row in rows:
            del row["_dlt_load_id"], row["_read_at"]
            assert row.pop("_deleted_at", None) is None, "the records of a history stay"
            row.pop("_parent_key", None)
        return server_variants.by_id(rows)


def check_law(group: str, history: History, servers: list[Sandbox], folder: Path) -> None:
    """Check the law on one history of a group of resources."""
    names = list(GROUPS[group])
    pair = tuple(servers[i] for i in history.servers)
    distinct = tuple(dict.fromkeys(pair))
    models = [HistoryModel(SOURCE, name, distinct, offset) for offset, name in enumerate(names)]
    number = next(NUMBERS)
    warehouse = Warehouse(folder / f"warehouse_{number}.duckdb")
    new_warehouse = Warehouse(folder / f"new_{number}.duckdb")
    tables: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in names}

    def run(first: int, last: int, server: int) -> None:
        low, high = history.window(first, last)
        warehouse.run(pair[server], names, low, high)
        for model in models:
            model.mark_read(low, high)
            tables[model.name].update(model.expected(model.resource, low, high))
            assert warehouse.rows(model.name) == tables[model.name], model.name

    try:
        for change in history.first:
            for model in models:
                model.apply(change)
        for step in history.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                for model in models:
                    model.apply(step)
        for partition in history.partitions_of(i for model in models for i in model.changed):
            run(partition, partition, partition % 2)
        low, high = history.window(0, history.last_partition)
        new_warehouse.run(pair[0], names, low, high)
        for model in models:
            assert not model.changed
            expected = model.expected(model.resource, low, high)
            assert new_warehouse.rows(model.name) == expected == tables[model.name], model.name
    finally:
        for model in models:
            model.clear()
        for file in folder.glob(f"*_{number}.duckdb*"):
            file.unlink()


def check_law_of(group: str, servers: list[Sandbox], folder: Path, examples: int) -> None:
    """Check the law on random histories of a group of resources."""
    strategy = histories(len(servers), 1000, before_1970=False, min_length=2)
    check_examples(
        examples,
        f"warehouse, {group}",
        strategy,
        lambda history: check_law(group, history, servers, folder),
    )


@pytest.mark.parametrize("group", GROUPS)
def test_a_table_equals_the_sum_of_its_partitions(
    group: str, servers: list[Sandbox], tmp_path: Path
) -> None:
    check_law_of(group, servers, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_a_table_equals_the_sum_of_its_partitions_in_many_examples(
    group: str, servers: list[Sandbox], tmp_path: Path
) -> None:
    check_law_of(group, servers, tmp_path, MANY)
