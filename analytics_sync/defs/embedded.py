"""The definitions of sources inside another Dagster project.

In: sources, and what the project says of them. Out: one ``Definitions`` that merges with others: it has no
executor, no resource and no logger, and all of its names come from the names of its sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dagster import Definitions

from analytics_sync.catalog import Source
from analytics_sync.catalog.config.team_keys import TeamKeys
from analytics_sync.catalog.names import check_lengths
from analytics_sync.defs.automation.jobs import everything_job
from analytics_sync.defs.build import check_settings, definitions_of_source
from analytics_sync.defs.partitions.planned import Planned, planned
from analytics_sync.defs.specs.asset_page import api_spec, repository_url
from analytics_sync.load.clients.destination import configured_kind


@dataclass(frozen=True)
class Embedding:
    """What a project says of the sources that it embeds.

    Attributes:
        key_prefix: What stands in front of each asset key.
        group: The asset group; None for the name of each source.
        defaults: What holds where neither a catalog file nor a setting says otherwise.
        everything_job: The name of a job of all these sources; None for no such job.
        schedules: Whether the sources have their schedules.
        sensors: Whether the sources have their sensors and automation conditions.
    """

    key_prefix: tuple[str, ...] = ()
    group: str | None = None
    defaults: TeamKeys = field(default_factory=TeamKeys)
    everything_job: str | None = None
    schedules: bool = True
    sensors: bool = True


def embedded_definitions(sources: Sequence[Source], embedding: Embedding) -> Definitions:
    """Assets, checks, jobs, schedules and sensors of the sources that are switched on.

    Raises:
        CatalogError: The definitions of a source cannot be built.
        LoadError: The configured destination is not tested.
        ValueError: A setting is wrong.
    """
    check_settings()
    plans = [plan for source in sources if (plan := _planned(source, embedding)) is not None]
    if configured_kind() == "postgres":
        check_lengths([plan.source for plan in plans])
    built = [definitions_of_source(plan) for plan in plans]
    repository = repository_url()
    name = embedding.everything_job
    return Definitions(
        assets=[
            *(a for part in built for a in part.assets),
            *(api_spec(p, repository) for p in plans),
        ],
        asset_checks=[check for part in built for check in part.checks],
        jobs=[
            *(job for part in built for job in part.jobs),
            *([everything_job(plans, name=name)] if name else []),
        ],
        schedules=[s for part in built for s in part.schedules] if embedding.schedules else [],
        sensors=[s for part in built for s in part.sensors] if embedding.sensors else [],
    )


def _planned(source: Source, embedding: Embedding) -> Planned | None:
    """The source with the prefix of its keys, and its plan; None if it is switched off."""
    prefix = embedding.key_prefix
    resources = {n: replace(r, key_prefix=prefix) for n, r in source.resources.items()}
    source = replace(source, key_prefix=prefix, resources=resources)
    found = planned(source, embedding.defaults, embedding.group or source.name)
    if found is None or embedding.sensors:
        return found
    # conditions without their sensor would be evaluated by a sensor of the project, which cannot read them
    return replace(found, plan=replace(found.plan, automation="schedule"))
