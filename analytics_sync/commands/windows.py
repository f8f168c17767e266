"""Windows on the command line: the partitions that a command reads or plans.

In: a source with its plan, and ``--days``. Out: a window as a run with these days reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.plan import SourcePlan, plan_of, with_lookback
from analytics_sync.commands.days import Days, keys_of
from analytics_sync.commands.usage import WrongUsage
from analytics_sync.common.window import Window
from analytics_sync.defs.partitions.source_partitions import partitions_of, window_of_keys


@dataclass(frozen=True)
class PlannedDays:
    """A source as its assets read it, and a range of its partitions.

    Attributes:
        source: The source, with the lookback of its plan.
        plan: What its team has set.
        window: The window of the partitions; None if no resource of the command has any.
        first: The first partition; empty without one.
        last: The last partition; empty without one.
        partitions: The number of partitions from the first to the last.
    """

    source: Source
    plan: SourcePlan
    window: Window | None = None
    first: str = ""
    last: str = ""
    partitions: int = 0


def planned_window(
    source: Source, resources: Iterable[Resource], days: str | None, *, must_have: bool = False
) -> PlannedDays:
    """A source, and the partitions that are read of it.

    Args:
        source: The source.
        resources: The resources that the command reads.
        days: The value of ``--days``; None for the newest partition that is over.
        must_have: Whether it is wrong to name days for resources without partitions.

    Raises:
        WrongUsage: No partition is in the days, or there are none.
        CatalogError: The value of a setting is not one.
    """
    plan = plan_of(source)
    source = with_lookback(source, plan)
    named = Days.parse(days) if days else None
    if not any(source.windowed(resource) for resource in resources):
        if named is not None and must_have:
            raise WrongUsage(f"--days {days}: {source.name} has no partitions here: leave it out.")
        return PlannedDays(source, plan)
    partitions = partitions_of(plan)
    first, last = keys_of(partitions, named)
    keys = partitions.get_partition_keys()
    count = keys.index(last) - keys.index(first) + 1
    return PlannedDays(source, plan, window_of_keys(partitions, first, last), first, last, count)
