"""Partitions as few short texts: ``2025-01-01...2025-01-30`` for neighbours.

In: keys of partitions. Out: ranges, and the other way round. The state of a sensor keeps ranges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dagster import DagsterError, PartitionKeyRange, TimeWindowPartitionsDefinition

BETWEEN = "..."
"""Between the first and the last key of a range."""


def keys_of(ranges: Iterable[str], definition: TimeWindowPartitionsDefinition) -> set[str]:
    """The keys of some ranges. An end that is no key any more stands for itself."""
    found: set[str] = set()
    for text in ranges:
        first, _, last = text.partition(BETWEEN)
        found.update(_between(first, last or first, definition))
    return found


def ranges_of(keys: Collection[str], definition: TimeWindowPartitionsDefinition) -> list[str]:
    """The ranges of some keys, from old to new."""
    if not keys:
        return []
    known = _between(min(keys), max(keys), definition)
    if not set(keys) <= set(known):
        return sorted(keys)
    return list(_runs(known, keys))


def _between(first: str, last: str, definition: TimeWindowPartitionsDefinition) -> Sequence[str]:
    try:
        return definition.get_partition_keys_in_range(PartitionKeyRange(first, last))
    except (DagsterError, ValueError):  # the partitions of the source have changed since
        return [first, last]


def _runs(known: Iterable[str], keys: Collection[str]) -> Iterator[str]:
    wanted, run = set(keys), []
    for key in [*known, ""]:
        if key in wanted:
            run.append(key)
        elif run:
            yield run[0] if len(run) == 1 else f"{run[0]}{BETWEEN}{run[-1]}"
            run = []
