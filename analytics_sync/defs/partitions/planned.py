"""A source with its plan: what the definitions of a source are made of.

In: a source, and what its team has set. Out: ``Planned``, with the partitions of its windowed resources.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster import TimeWindowPartitionsDefinition

from analytics_sync.catalog import Source
from analytics_sync.catalog.plan import SourcePlan, plan_of, with_lookback
from analytics_sync.defs.partitions.source_partitions import partitions_of


@dataclass(frozen=True)
class Planned:
    """A source, its plan and its partitions."""

    source: Source
    plan: SourcePlan
    partitions: TimeWindowPartitionsDefinition

    @property
    def is_windowed(self) -> bool:
        """Whether an asset of the source has partitions."""
        return any(self.source.windowed(resource) for resource in self.source.assets)


def planned(source: Source) -> Planned | None:
    """The source with its plan; None if it is switched off.

    Raises:
        CatalogError: The value of a setting is not one, or the partitions do not suit a cursor.
        ValueError: ``ANALYTICS_SYNC__START_DATE`` is no day.
    """
    plan = plan_of(source)
    if not plan.is_enabled:
        return None
    return Planned(with_lookback(source, plan), plan, partitions_of(plan))
