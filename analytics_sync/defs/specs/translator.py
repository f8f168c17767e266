"""The translator from a resource to an asset spec: all that the UI shows before the first run.

In: the declaration and the partitions. Out: ``AssetSpec`` objects, through dagster-dlt's
translator.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster import (
    AssetDep,
    AssetKey,
    AssetSpec,
    TableColumn,
    TableColumnConstraints,
    TableConstraints,
    TableSchema,
)
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from analytics_sync.catalog import Field, Resource
from analytics_sync.catalog.code_version import code_version
from analytics_sync.catalog.naming import DELETED_AT, EXTRA, PARENT_KEY, READ_AT
from analytics_sync.catalog.shared_parts import once_for_accounts
from analytics_sync.catalog.tables import OWN_DESCRIPTIONS
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.asset_page import (
    api_key,
    code_references,
    description,
    links,
    page_of,
    repository_url,
    tags,
)


def asset_key(resource: Resource) -> AssetKey:
    """The key ``[source, resource]``, after the prefix of a project that embeds the source."""
    return AssetKey([*(resource.key_prefix or ()), resource.source, resource.name])


def load_command(resource: Resource, options: str = "") -> str:
    """The command that loads an asset. Another project names its module itself.

    Args:
        resource: The resource.
        options: Further options, with a space in front.
    """
    module = " -m analytics_sync.definitions" if resource.key_prefix is None else ""
    key = asset_key(resource).to_user_string()
    return f"dagster asset materialize --select {key}{options}{module}"


class CatalogTranslator(DagsterDltTranslator):
    """The translator that names and describes the assets of one source.

    Args:
        planned: The source with its plan and its partitions.
        destination: dlt's type of the destination, shown as a kind.

    Raises:
        ValueError: ``ANALYTICS_SYNC__REPOSITORY_URL`` is no address.
    """

    def __init__(self, planned: Planned, destination: str) -> None:
        self._planned = planned
        self._source = planned.source
        self._destination = destination
        self._repository = repository_url()

    def get_asset_spec(self, data: DltResourceTranslatorData) -> AssetSpec:
        """The asset spec of one resource."""
        resource = self._source.resources[data.resource.name]
        page = page_of(self._planned, resource)
        partitions = self._planned.partitions if self._source.windowed(resource) else None
        return AssetSpec(
            key=asset_key(resource),
            group_name=self._planned.asset_group,
            description=description(self._source, resource),
            code_version=code_version(self._source, resource),
            deps=self._deps(resource),
            kinds={"dlt", self._destination},
            owners=list(page.owners or ()),
            tags={"read": "by_partition" if partitions else "whole", **tags(self._source, page)},
            partitions_def=partitions,
            metadata={
                **links(page),
                **code_references(self._source, resource, self._repository),
                "dagster/uri": f"{self._destination}://{self._source.dataset}/{resource.table}",
                "dagster/column_schema": _declared_columns(resource),
                "dagster/table_name": f"{resource.source}.{resource.table}",
                "endpoint": resource.path,
                "primary_key": ", ".join(resource.primary_key),
                "window": self._window(resource),
            },
        )

    def _deps(self, resource: Resource) -> list[AssetDep]:
        """The nearest ancestor that is an asset; without one, the API."""
        parent = next((a for a in self._source.ancestors(resource) if a.selected), None)
        return [AssetDep(asset_key(parent) if parent else api_key(self._source))]

    def _window(self, resource: Resource) -> str:
        owner = self._source.window_owner(resource)
        if owner is None or owner.incremental is None:
            return "none: every run reads all of it"
        cursor = owner.incremental.cursor_path
        return cursor if owner is resource else f"{cursor} of {owner.name}"


@once_for_accounts(frozenset({"source"}))
def _declared_columns(resource: Resource) -> TableSchema:
    """The declared columns of a table."""
    return column_schema(resource)


def column_schema(resource: Resource, fields: Sequence[Field] | None = None) -> TableSchema:
    """The columns of a table, in dlt's types.

    Args:
        resource: The declaration.
        fields: The fields of the rows that a run has loaded; None takes the declared ones.
    """
    roles = _roles(resource)
    columns = [
        TableColumn(
            field.column,
            type=field.data_type,
            description=field.description or _inferred_from(resource, field),
            constraints=TableColumnConstraints(
                nullable=not field.required,
                unique=resource.key == (field.column,),
                other=roles.get(field.column),
            ),
        )
        for field in (resource.fields if fields is None else fields)
    ]
    columns += [
        TableColumn(EXTRA, type="json", description=OWN_DESCRIPTIONS[EXTRA]),
        TableColumn(READ_AT, type="timestamp", description=OWN_DESCRIPTIONS[READ_AT]),
    ]
    if resource.keeps_parent_key:
        columns.append(
            TableColumn(PARENT_KEY, type="text", description=OWN_DESCRIPTIONS[PARENT_KEY])
        )
    if resource.soft_deletes:
        columns.append(
            TableColumn(DELETED_AT, type="timestamp", description=OWN_DESCRIPTIONS[DELETED_AT])
        )
    return TableSchema(
        columns, constraints=TableConstraints([f"primary key: {', '.join(resource.key)}"])
    )


def _roles(resource: Resource) -> dict[str, list[str]]:
    """What some columns are to the resource, beyond their values."""
    roles = {column: ["primary key"] for column in resource.key}
    if resource.cursor is not None:
        roles.setdefault(resource.cursor.column, []).append("cursor of the partitions")
    return roles


def _inferred_from(resource: Resource, field: Field) -> str | None:
    """The description of a column whose resource declares none."""
    return None if resource.fields else f"Inferred from the field {field.name}"
