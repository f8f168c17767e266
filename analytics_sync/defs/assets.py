"""The assets of a source: one ``@dlt_assets`` with all its resources, of which a run takes any
subset.

In: the declaration. Out: an assets definition. A run reads and loads the selected resources and
materializes each success. If a resource failed, the run then fails and names it.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class that annotates the
# context.

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    MaterializeResult,
)
from dagster_dlt import dlt_assets
from pydantic import Field

from analytics_sync.defs.planned import Planned
from analytics_sync.defs.translator import CatalogTranslator
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.load.clients.destination import configured_kind


class SyncConfig(Config):
    """What somebody may say of one run, in the launchpad or by ``--config``."""

    accept_shrunken: list[str] = Field(
        default=[],
        description=(
            "Resources that may list less than half of the rows that their table has: the rows that are "
            "not listed are then marked as deleted, or removed where the resource replaces rows."
        ),
    )


def source_assets(planned: Planned) -> AssetsDefinition:
    """The assets of one source."""
    source = planned.source

    @dlt_assets(
        dlt_source=dlt_source(source),
        dlt_pipeline=None,  # type: ignore[arg-type]  # each run makes one: runs must not share it
        name=source.name,
        dagster_dlt_translator=CatalogTranslator(source, planned.partitions, configured_kind()),
        backfill_policy=BackfillPolicy.single_run(),
        pool=planned.plan.pool,
    )
    def assets(
        context: AssetExecutionContext, config: SyncConfig
    ) -> Iterator[MaterializeResult[Any] | AssetCheckEvaluation]:
        # Imported by a run only: this import would be a third of the time to load the definitions.
        from analytics_sync.defs.materialize import materialize

        yield from materialize(context, source, planned.partitions, config.accept_shrunken)

    return assets
