"""The range law, by reading: a range is its parts, in any order, repeated, overlapping, any pages.

Every test tells random stories (``history``) of one resource and reads it over HTTP from sandboxes
of several manners. After each reading the rows are those of its window, exactly; the parts of the
range are disjoint and make the range; and a table filled run by run, with changes between the runs,
ends up as what is served once each touched partition has run again.
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
from analytics_sync_tests.support import histories as history
from analytics_sync_tests.support import server_variants as manners
from analytics_sync_tests.support.histories import Chain, Run, Story
from analytics_sync_tests.support.oracle import actual_rows, expected_rows
from analytics_sync_tests.support.shipped_histories import Shipped
from analytics_sync_tests.support.windowed_source import law_source

SOURCE = law_source()
KINDS = [r.name for r in SOURCE.assets if SOURCE.windowed(r)]
EMPTY = {"rows": 0, "rows_per_day": 0, "rows_per_parent": 0}
SHIPPED = load_catalog()
SHIPPED_KINDS = [str(r) for s in SHIPPED.values() for r in s.assets if s.windowed(r)]
SMALL = {"rows": 3, "rows_per_day": 2, "rows_per_parent": 2, "max_chain": 24}
QUICK, QUICK_SHIPPED = 5, 3
MANY, MANY_SHIPPED = 115, 40
TOLD: Counter[str] = Counter()
"""Examples that ran to their end, by test."""


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Sandbox]]:
    with manners.serve([SOURCE], EMPTY) as made:
        yield made


def tell_many(
    examples: int, name: str, strategy: st.SearchStrategy[Any], law: Callable[[Any], None]
) -> None:
    """Hold a law against so many examples, and make sure that there were as many."""

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
    def told(example: Any) -> None:
        law(example)
        TOLD[name] += 1

    before = TOLD[name]
    told()
    assert TOLD[name] - before >= examples, f"{name}: only {TOLD[name] - before} examples"


def range_law(name: str, story: Story, servers: list[Sandbox]) -> None:
    pair = tuple(servers[i] for i in story.servers)
    chain = Chain(SOURCE, name, tuple(dict.fromkeys(pair)))
    names = [r.name for r in chain.levels] if story.together else [name]
    table: dict[int, dict[str, Any]] = {}

    def run(first: int, last: int, server: int) -> dict[int, dict[str, Any]]:
        low, high = story.window(first, last)
        rows = manners.read(SOURCE, pair[server], names, low, high)
        found = {name: manners.by_id(rows[name]) for name in names}
        for read in names:
            assert found[read] == chain.expected(SOURCE.resources[read], low, high), read
        chain.agrees_with_ledgers(low, high)
        chain.dirty -= {at for at in chain.dirty if low <= at < high}
        table.update(found[name])
        return found[name]

    try:
        for change in story.first:
            chain.apply(change)
        last = story.partitions[-1]
        whole = run(0, last, 0)
        table.clear()
        parts: dict[int, dict[str, Any]] = {}
        for partition in story.shuffled:
            part = run(partition, partition, partition % 2)
            assert not set(parts) & set(part)
            parts.update(part)
        assert parts == table == whole
        for step in story.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                chain.apply(step)
        for partition in story.shuffled:
            low, high = story.window(partition, partition)
            if any(low <= at < high for at in chain.dirty):
                run(partition, partition, partition % 2)
        assert not chain.dirty
        caught_up = dict(table)
        assert caught_up == chain.expected(chain.resource, story.cuts[0], story.cuts[-1])
        assert caught_up == run(0, last, 1)
    finally:
        chain.clear()


def hold(name: str, servers: list[Sandbox], examples: int) -> None:
    ordered = any(r.incremental and r.incremental.row_order for r in history.chain_of(SOURCE, name))
    # where an order is promised cuts are whole milliseconds: the sandbox orders no finer; and the
    # cursor that it makes of an instant has no sign
    strategy = history.stories(len(servers), 1000 if ordered else 1, old=not ordered)
    tell_many(examples, name, strategy, lambda story: range_law(name, story, servers))


@pytest.mark.parametrize("name", KINDS)
def test_a_range_is_its_parts(name: str, servers: list[Sandbox]) -> None:
    hold(name, servers, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_range_is_its_parts_many_times(name: str, servers: list[Sandbox]) -> None:
    hold(name, servers, MANY)


@pytest.fixture(scope="module")
def apis() -> Iterator[list[Sandbox]]:
    with manners.serve(SHIPPED.values(), SMALL) as made:
        yield made


def shipped_law(name: str, story: Story, apis: list[Sandbox]) -> None:
    """The same law, with the ledger alone as the truth; children may have several parents."""
    source = SHIPPED[name.split("/")[0]]
    resource = source.resources[name.split("/")[1]]
    pair = tuple(apis[i] for i in story.servers)
    told = Shipped(source, resource.name, tuple(dict.fromkeys(pair)))
    table: dict[Any, Any] = {}

    def expected(low: int, high: int) -> dict[Any, Any]:
        ledger = pair[0].ledger(source.name)
        records = ledger.expected(resource.name, history.moment(low), history.moment(high))
        return expected_rows(resource, records)

    def run(first: int, last: int, server: int) -> dict[Any, Any]:
        low, high = story.window(first, last)
        rows = manners.read(source, pair[server], [resource.name], low, high)[resource.name]
        assert not any(row["_extra"] for row in rows)
        found = actual_rows(resource, rows)
        assert found == expected(low, high)
        told.dirty -= {at for at in told.dirty if low <= at < high}
        table.update(found)
        return found

    try:
        told.begin(story.first)
        last = story.partitions[-1]
        whole = run(0, last, 0)
        table.clear()
        for partition in story.shuffled:
            run(partition, partition, partition % 2)
        assert table == whole
        for step in story.steps:
            if isinstance(step, Run):
                run(step.first, step.last, step.server)
            else:
                told.apply(step)
        for partition in story.shuffled:
            low, high = story.window(partition, partition)
            if any(low <= at < high for at in told.dirty):
                run(partition, partition, partition % 2)
        assert table == expected(story.cuts[0], story.cuts[-1])
    finally:
        told.finish()


def hold_shipped(name: str, apis: list[Sandbox], examples: int) -> None:
    strategy = history.stories(len(apis), 1000, old=False)
    tell_many(examples, name, strategy, lambda story: shipped_law(name, story, apis))


@pytest.mark.parametrize("name", SHIPPED_KINDS)
def test_a_range_of_a_shipped_resource_is_its_parts(name: str, apis: list[Sandbox]) -> None:
    hold_shipped(name, apis, QUICK_SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED_KINDS)
def test_a_range_of_a_shipped_resource_is_its_parts_many_times(
    name: str, apis: list[Sandbox]
) -> None:
    hold_shipped(name, apis, MANY_SHIPPED)
