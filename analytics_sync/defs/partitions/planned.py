"""A source with its plan: what the definitions of a source are made of.

In: a source, and what its team has set. Out: ``Planned``, with the partitions of its windowed resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagster import TimeWindowPartitionsDefinition

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.team_keys import TeamKeys
from analytics_sync.catalog.plan import SourcePlan, plan_of, with_lookback
from analytics_sync.defs.partitions.source_partitions import partitions_of


@dataclass(frozen=True)
class Planned:
    """A source, its plan and its partitions.

    Attributes:
        source: The source.
        plan: What its team has set.
        partitions: The partitions of its windowed resources.
        group: The asset group in a project that embeds the source; None for the name of the source.
    """

    source: Source
    plan: SourcePlan
    partitions: TimeWindowPartitionsDefinition
    group: str | None = None

    @property
    def steps(self) -> Mapping[str, tuple[Resource, ...]]:
        """The resources of each step of a run, by the name of the step."""
        name = self.source.name
        families = self.source.families if self.plan.steps == "families" else ()
        if len(families) < 2:
            return {name: self.source.assets}
        return {f"{name}__{family[0].name}": family for family in families}

    @property
    def asset_group(self) -> str:
        """The asset group of all assets of the source."""
        return self.group or self.source.name

    @property
    def is_windowed(self) -> bool:
        """Whether an asset of the source has partitions."""
        return any(self.source.windowed(resource) for resource in self.source.assets)


def planned(
    source: Source, defaults: TeamKeys | None = None, group: str | None = None
) -> Planned | None:
    """The source with its plan; None if it is switched off.

    Args:
        source: The source.
        defaults: What a project that embeds the source has in place of the defaults.
        group: The asset group in such a project.

    Raises:
        CatalogError: The value of a setting is not one, or the partitions do not suit a cursor.
        ValueError: ``ANALYTICS_SYNC__START_DATE`` is no day.
    """
    plan = plan_of(source, defaults)
    if not plan.is_enabled:
        return None
    return Planned(with_lookback(source, plan), plan, partitions_of(plan), group)
