"""The partition law, for reads: a range of partitions equals its parts.

In: random histories of one resource, and sandboxes that page and filter differently. Out: three
facts about reads over HTTP:

- each read returns exactly the rows of its window;
- the partitions of a range are disjoint, and together they are the range, in any order;
- a table that many runs fill, with changes between them, holds the served records as soon as every
  partition with a change has run again.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from analytics_sync.catalog import load_catalog
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.support import server_variants
from analytics_sync_tests.support.histories import History, Run, histories, to_datetime
from analytics_sync_tests.support.history_model import HistoryModel, with_ancestors
from analytics_sync_tests.support.oracle import actual_rows, expected_rows
from analytics_sync_tests.support.shipped_histories import ShippedRecords
from analytics_sync_tests.support.windowed_source import windowed_source

SOURCE = windowed_source()
KINDS = [r.name for r in SOURCE.assets if SOURCE.windowed(r)]
NO_RECORDS = {"rows": 0, "rows_per_day": 0, "rows_per_parent": 0}
SHIPPED = load_catalog()
SHIPPED_KINDS = [str(r) for s in SHIPPED.values() for r in s.assets if s.windowed(r)]
FEW_RECORDS = {"rows": 3, "rows_per_day": 2, "rows_per_parent": 2, "max_chain": 24}
FEW, FEW_SHIPPED = 5, 3
MANY, MANY_SHIPPED = 115, 40
COMPLETED: Counter[str] = Counter()
"""Completed examples, by the name of the law."""


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Sandbox]]:
    """Servers of the windowed source, without records."""
    with server_variants.serve([SOURCE], NO_RECORDS) as made:
        yield made


@pytest.fixture(scope="module")
def shipped_servers() -> Iterator[list[Sandbox]]:
    """Servers of the shipped catalog, with a few records."""
    with server_variants.serve(SHIPPED.values(), FEW_RECORDS) as made:
        yield made


def check_examples(
    examples: int, name: str, strategy: st.SearchStrategy[Any], law: Callable[[Any], None]
) -> None:
    """Check a law on examples, and assert that all of them were completed.

    Args:
        examples: The number of examples.
        name: The name of the law; with the number, it is the seed.
        strategy: The strategy of the examples.
        law: The law.
    """

    @seed(zlib.crc32(f"{name} {examples}".encode()))
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(example: Any) -> None:
        law(example)
        COMPLETED[name] += 1

    before = COMPLETED[name]
    check()
    completed = COMPLETED[name] - before
    assert completed >= examples, f"{name}: only {completed} examples"


def check_law(name: str, history: History, servers: list[Sandbox]) -> None:
    """Check the law on one history of a resource of the windowed source."""
    pair = tuple(servers[i] for i in history.servers)
    model = HistoryModel(SOURCE, name, tuple(dict.fromkeys(pair)))
    names = [r.name for r in model.levels] if history.reads_ancestors else [name]
    table: dict[int, dict[str, Any]] = {}

    def run(first: int, last: int, server: int) -> dict[int, dict[str, Any]]:
        low, high = history.window(first, last)
        rows = server_variants.read(SOURCE, pair[server], names, low, high)
        found = {name: server_variants.by_id(rows[name]) for name in names}
        for read in names:
            assert found[read] == model.expected(SOURCE.resources[read], low, high), read
        model.assert_ledgers_agree(low, high)
        model.mark_read(low, high)
        table.update(found[name])
        return found[name]

    try:
        for change in history.first:
            model.apply(change)
        whole = run(0, history.last_partition, 0)
        table.clear()
        parts: dict[int, dict[str, Any]] = {}
        for partition in history.partition_order:
            part = run(partition, partition, partition % 2)
            assert not set(parts) & set(part)
            parts.update(part)
        assert parts == table == whole
        for step in history.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                model.apply(step)
        for partition in history.partitions_of(model.changed):
            run(partition, partition, partition % 2)
        assert not model.changed
        final = dict(table)
        assert final == model.expected(model.resource, history.cuts[0], history.cuts[-1])
        assert final == run(0, history.last_partition, 1)
    finally:
        model.clear()


def check_law_of(name: str, servers: list[Sandbox], examples: int) -> None:
    """Check the law on random histories of a resource of the windowed source."""
    is_ordered = any(
        r.incremental and r.incremental.row_order for r in with_ancestors(SOURCE, name)
    )
    # With a declared order, cuts are whole milliseconds, because the sandbox orders by milliseconds.
    # No instant is before 1970, because the sandbox's page cursors hold no negative instant.
    step = 1000 if is_ordered else 1
    strategy = histories(len(servers), step, before_1970=not is_ordered)
    check_examples(examples, name, strategy, lambda history: check_law(name, history, servers))


@pytest.mark.parametrize("name", KINDS)
def test_a_range_equals_its_partitions(name: str, servers: list[Sandbox]) -> None:
    check_law_of(name, servers, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_range_equals_its_partitions_in_many_examples(name: str, servers: list[Sandbox]) -> None:
    check_law_of(name, servers, MANY)


def check_shipped_law(name: str, history: History, servers: list[Sandbox]) -> None:
    """Check the law on one history of a shipped resource, with the ledger as the oracle.

    A child may have several parents here.
    """
    source = SHIPPED[name.split("/")[0]]
    resource = source.resources[name.split("/")[1]]
    pair = tuple(servers[i] for i in history.servers)
    records = ShippedRecords(source, resource.name, tuple(dict.fromkeys(pair)))
    table: dict[Any, Any] = {}

    def expected(low: int, high: int) -> dict[Any, Any]:
        ledger = pair[0].ledger(source.name)
        served = ledger.expected(resource.name, to_datetime(low), to_datetime(high))
        return expected_rows(resource, served)

    def run(first: int, last: int, server: int) -> dict[Any, Any]:
        low, high = history.window(first, last)
        read = server_variants.read(source, pair[server], [resource.name], low, high)
        rows = read[resource.name]
        assert not any(row["_extra"] for row in rows)
        found = actual_rows(resource, rows)
        assert found == expected(low, high)
        records.mark_read(low, high)
        table.update(found)
        return found

    try:
        records.begin(history.first)
        whole = run(0, history.last_partition, 0)
        table.clear()
        for partition in history.partition_order:
            run(partition, partition, partition % 2)
        assert table == whole
        for step in history.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                records.apply(step)
        for partition in history.partitions_of(records.changed):
            run(partition, partition, partition % 2)
        assert table == expected(history.cuts[0], history.cuts[-1])
    finally:
        records.finish()


def check_shipped_law_of(name: str, servers: list[Sandbox], examples: int) -> None:
    """Check the law on random histories of a shipped resource."""
    strategy = histories(len(servers), 1000, before_1970=False)
    check_examples(
        examples, name, strategy, lambda history: check_shipped_law(name, history, servers)
    )


@pytest.mark.parametrize("name", SHIPPED_KINDS)
def test_a_range_of_a_shipped_resource_equals_its_partitions(
    name: str, shipped_servers: list[Sandbox]
) -> None:
    check_shipped_law_of(name, shipped_servers, FEW_SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED_KINDS)
def test_a_range_of_a_shipped_resource_equals_its_partitions_in_many_examples(
    name: str, shipped_servers: list[Sandbox]
) -> None:
    check_shipped_law_of(name, shipped_servers, MANY_SHIPPED)
