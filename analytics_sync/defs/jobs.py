"""The jobs: one for each source, and one for all sources.

In: the declarations. Out: job definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagster import AssetSelection, define_asset_job

from analytics_sync.catalog import Source


def source_job(source: Source) -> Any:
    """The job ``sync_<source>``: all assets and checks of a source."""
    return define_asset_job(
        f"sync_{source.name}",
        selection=AssetSelection.groups(source.name),
        description=f"All resources of {source.name}, and their checks.",
    )


def everything_job(sources: Iterable[Source]) -> Any:
    """The job ``sync_everything``: all assets and checks of all sources."""
    return define_asset_job(
        "sync_everything",
        selection=AssetSelection.groups(*(s.name for s in sources)),
        description="All resources of all sources, and their checks.",
    )
