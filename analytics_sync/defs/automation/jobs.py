"""The jobs: two for each source, and one for all sources.

In: the declarations. Out: job definitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dagster import AssetCheckKey, AssetSelection, define_asset_job

from analytics_sync.catalog import Source
from analytics_sync.defs.checks.asset_checks import OF_TABLES
from analytics_sync.defs.executors import executor_of
from analytics_sync.defs.history.run_tags import SOURCE_TAG
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import asset_key


def assets_of(planned: Planned) -> AssetSelection:
    """All assets of a source. In another project, its group may hold other assets, too."""
    if planned.group is None:
        return AssetSelection.groups(planned.source.name)
    return AssetSelection.assets(*(asset_key(resource) for resource in planned.source.assets))


def source_job(planned: Planned) -> Any:
    """The job ``sync_<source>``: all assets and checks of a source.

    Raises:
        WrongSetting: The executor of the source cannot be used.
    """
    source, executor = planned.source, planned.plan.executor
    return define_asset_job(
        f"sync_{source.name}",
        selection=assets_of(planned),
        description=f"All resources of {source.name}, and their checks.",
        run_tags={SOURCE_TAG: source.name},
        executor_def=executor and executor_of(executor, planned.plan.origins["executor"]),
    )


def tables_job(source: Source) -> Any:
    """The job ``check_<source>``: the checks that look at whole tables, without a load."""
    keys = [
        AssetCheckKey(asset_key(resource), name)
        for resource in source.assets
        for name in sorted(OF_TABLES)
    ]
    return define_asset_job(
        f"check_{source.name}",
        selection=AssetSelection.checks(*keys),
        description=(
            f"Looks at the whole tables of {source.name}. A run that loads looks at the rows that it loads."
        ),
        run_tags={SOURCE_TAG: source.name},
    )


def everything_job(
    sources: Sequence[Planned], broken: Iterable[str] = (), name: str = "sync_everything"
) -> Any:
    """The job of all assets and checks of all sources.

    A run has one kind of partitions. If sources have different ones, the job has those that most sources
    have, and leaves the other sources to their own jobs.

    Args:
        sources: The sources.
        broken: Names of the files that do not load.
        name: The name of the job.
    """
    counts = Counter(p.partitions for p in sources if p.is_windowed)
    common = counts.most_common(1)[0][0] if counts else None
    taken = [p for p in sources if not p.is_windowed or p.partitions == common]
    left_out = [p.source.name for p in sources if p not in taken]
    others = f" Not {', '.join(left_out)}: they have other partitions." if left_out else ""
    return define_asset_job(
        name,
        selection=_all_assets(taken, broken),
        description=f"All resources of all sources, and their checks.{others}",
    )


def _all_assets(plans: Sequence[Planned], broken: Iterable[str]) -> AssetSelection:
    if all(p.group is None for p in plans):
        return AssetSelection.groups(*(p.source.name for p in plans), *broken)
    return AssetSelection.assets(*(asset_key(r) for p in plans for r in p.source.assets))
