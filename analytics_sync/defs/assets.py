"""The assets of a source: one ``@dlt_assets`` with the resources of each step, of which a run takes any
subset.

In: the declaration. Out: assets definitions. A run reads and loads the selected resources and
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
from dlt.extract import DltSource

from analytics_sync.defs.automation.conditions import conditions
from analytics_sync.defs.executors import backfill_policy
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import CatalogTranslator
from analytics_sync.defs.steps.run_config import SyncConfig
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.load.clients.destination import configured_kind


def source_assets(planned: Planned) -> list[AssetsDefinition]:
    """The assets of one source: a definition for each step of a run.

    Raises:
        ValueError: A setting of the catch-up is no number that it can be.
    """
    found = conditions(planned)
    described = dlt_source(planned.source)
    steps = []
    for name, resources in planned.steps.items():
        assets = _assets(planned, name, described.with_resources(*(r.name for r in resources)))
        if found:
            assets = assets.map_asset_specs(
                lambda spec: spec.replace_attributes(automation_condition=found[spec.key])
            )
        steps.append(assets)
    return steps


def _assets(planned: Planned, name: str, described: DltSource) -> AssetsDefinition:
    @dlt_assets(
        dlt_source=described,
        dlt_pipeline=None,  # type: ignore[arg-type]  # each run makes one: runs must not share it
        name=name,
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

    return assets
