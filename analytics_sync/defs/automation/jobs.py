"""The jobs: one for each source, and one for all sources.

In: the declarations. Out: job definitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dagster import AssetSelection, define_asset_job

from analytics_sync.catalog import Source
from analytics_sync.defs.history.run_tags import SOURCE_TAG
from analytics_sync.defs.partitions.planned import Planned


def source_job(source: Source) -> Any:
    """The job ``sync_<source>``: all assets and checks of a source."""
    return define_asset_job(
        f"sync_{source.name}",
        selection=AssetSelection.groups(source.name),
        description=f"All resources of {source.name}, and their checks.",
        run_tags={SOURCE_TAG: source.name},
    )


def everything_job(sources: Sequence[Planned], broken: Iterable[str] = ()) -> Any:
    """The job ``sync_everything``: all assets and checks of all sources.

    A run has one kind of partitions. If sources have different ones, the job has those that most sources
    have, and leaves the other sources to their own jobs.

    Args:
        sources: The sources.
        broken: Names of the files that do not load.
    """
    counts = Counter(p.partitions for p in sources if p.is_windowed)
    common = counts.most_common(1)[0][0] if counts else None
    taken = [p.source.name for p in sources if not p.is_windowed or p.partitions == common]
    left_out = [p.source.name for p in sources if p.source.name not in taken]
    others = f" Not {', '.join(left_out)}: they have other partitions." if left_out else ""
    return define_asset_job(
        "sync_everything",
        selection=AssetSelection.groups(*taken, *broken),
        description=f"All resources of all sources, and their checks.{others}",
    )
