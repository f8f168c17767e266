"""The translator from a resource to an asset spec: all that the UI shows before the first run.

In: the declaration and the partitions. Out: ``AssetSpec`` objects, through dagster-dlt's
translator.
"""

from __future__ import annotations

from dagster import (
    AssetDep,
    AssetKey,
    AssetSpec,
    PartitionsDefinition,
    TableColumn,
    TableColumnConstraints,
    TableConstraints,
    TableSchema,
)
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import DELETED_AT, EXTRA, READ_AT


def asset_key(resource: Resource) -> AssetKey:
    """The key ``[source, resource]``."""
    return AssetKey([resource.source, resource.name])


class CatalogTranslator(DagsterDltTranslator):
    """The translator that names and describes the assets of one source.

    Args:
        source: The declaration.
        partitions: The partitions of its windowed resources.
        destination: dlt's type of the destination, shown as a kind.
    """

    def __init__(
        self, source: Source, partitions: PartitionsDefinition[str], destination: str
    ) -> None:
        self._source = source
        self._partitions = partitions
        self._destination = destination

    def get_asset_spec(self, data: DltResourceTranslatorData) -> AssetSpec:
        """The asset spec of one resource."""
        resource = self._source.resources[data.resource.name]
        return AssetSpec(
            key=asset_key(resource),
            group_name=resource.source,
            description=resource.description,
            deps=self._deps(resource),
            kinds={"dlt", self._destination},
            partitions_def=self._partitions if self._source.windowed(resource) else None,
            metadata={
                "dagster/column_schema": column_schema(resource),
                "dagster/table_name": f"{resource.source}.{resource.table}",
                "endpoint": resource.path,
                "primary_key": ", ".join(resource.primary_key),
                "window": self._window(resource),
            },
        )

    def _deps(self, resource: Resource) -> list[AssetDep]:
        """The nearest ancestor that is an asset, if there is one."""
        parent = next((a for a in self._source.ancestors(resource) if a.selected), None)
        return [AssetDep(asset_key(parent))] if parent else []

    def _window(self, resource: Resource) -> str:
        owner = self._source.window_owner(resource)
        if owner is None or owner.incremental is None:
            return "none: every run reads all of it"
        cursor = owner.incremental.cursor_path
        return cursor if owner is resource else f"{cursor} of {owner.name}"


def column_schema(resource: Resource) -> TableSchema:
    """The declared columns, in dlt's types."""
    required = {field.column for field in resource.required}
    columns = [
        TableColumn(
            field.column,
            type=field.data_type,
            description=field.description,
            constraints=TableColumnConstraints(
                nullable=field.column not in required,
                unique=resource.key == (field.column,),
            ),
        )
        for field in resource.fields
    ]
    columns += [
        TableColumn(EXTRA, type="json", description="What was not declared"),
        TableColumn(READ_AT, type="timestamp", description="When the API answered with this row"),
    ]
    if resource.soft_deletes:
        columns.append(
            TableColumn(DELETED_AT, type="timestamp", description="Not listed any more since")
        )
    return TableSchema(
        columns, constraints=TableConstraints([f"unique: {', '.join(resource.key)}"])
    )
