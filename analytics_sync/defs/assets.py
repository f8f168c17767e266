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
    AssetObservation,
    AssetsDefinition,
    MaterializeResult,
)
from dagster_dlt import dlt_assets

from analytics_sync.defs.automation.conditions import conditions
from analytics_sync.defs.executors import backfill_policy
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import CatalogTranslator
from analytics_sync.defs.steps.run_config import SyncConfig
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.load.clients.destination import configured_kind


def source_assets(planned: Planned) -> AssetsDefinition:
    """The assets of one source.

    Raises:
        ValueError: A setting of the catch-up is no number that it can be.
    """
    source = planned.source

    @dlt_assets(
        dlt_source=dlt_source(source),
        dlt_pipeline=None,  # type: ignore[arg-type]  # each run makes one: runs must not share it
        name=source.name,
        dagster_dlt_translator=CatalogTranslator(planned, configured_kind()),
        backfill_policy=backfill_policy(),
        pool=planned.plan.pool,
    )
    def assets(
        context: AssetExecutionContext, config: SyncConfig
    ) -> Iterator[MaterializeResult[Any] | AssetCheckEvaluation | AssetObservation]:
        # Imported by a run only: this import would be a third of the time to load the definitions.
        from analytics_sync.defs.steps.materialize import materialize

        yield from materialize(context, planned, config)

    found = conditions(planned)
    if not found:
        return assets
    return assets.map_asset_specs(
        lambda spec: spec.replace_attributes(automation_condition=found[spec.key])
    )
