"""One ``@dlt_assets`` per source: all its resources in one step, any subset of them.

In: the declaration. Out: an assets definition. A run reads the selected resources, loads them,
materializes those that succeeded, and then fails if some did not, naming each.
"""
# no ``from __future__ import annotations`` here: Dagster looks at the class that annotates context

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    MaterializeResult,
    PartitionsDefinition,
)
from dagster_dlt import dlt_assets

from analytics_sync.catalog import Source
from analytics_sync.defs.translator import CatalogTranslator
from analytics_sync.extract.dlt_source import dlt_source
from analytics_sync.load.destination import destination_name


def source_assets(source: Source, partitions: PartitionsDefinition[str]) -> AssetsDefinition:
    """The assets of one source.

    Args:
        source: The declaration.
        partitions: Of its windowed resources.
    """

    @dlt_assets(
        dlt_source=dlt_source(source),
        dlt_pipeline=None,  # type: ignore[arg-type]  # made for each run: two runs must not share one
        name=source.name,
        dagster_dlt_translator=CatalogTranslator(source, partitions, destination_name()),
        backfill_policy=BackfillPolicy.single_run(),
    )
    def assets(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        # what it takes to run is a third of the time that loading the definitions would take
        from analytics_sync.defs.materialize import materialize

        yield from materialize(context, source)

    return assets
