"""Models of a catalog file: every key that a file, a resource and an endpoint may hold.

In: the plain data of a file, from ``yaml_config`` or ``from_python``. Out: ``CatalogFile``, still
in the structure of the file. ``build.py`` turns a ``CatalogFile`` into the ``Source`` that the rest
of the package uses. The client, parameters and paginators have modules of their own. Keys and their
meaning are those of dlt's ``rest_api``. "(ours)" marks each key that dlt lacks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.client import Client, ErrorHandler, StatusCode
from analytics_sync.catalog.config.dispositions import read_contract, read_disposition
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.page_keys import PageKeys
from analytics_sync.catalog.config.paginators import PaginatorConfig
from analytics_sync.catalog.config.params import Header, Literals, Param
from analytics_sync.catalog.config.paths import FieldPath, ResponsePath
from analytics_sync.catalog.config.steps import ProcessingStep
from analytics_sync.catalog.config.team_keys import Instances, TeamKeys
from analytics_sync.common.json_path import compile_field

DataType = Literal["text", "bigint", "double", "bool", "timestamp", "date", "json", "decimal"]
WriteDisposition = Literal["merge", "replace"]
Method = Literal["GET", "POST"]


class Column(Model):
    """One declared field.

    ``format`` (ours): the unit of numbers in a timestamp column, seconds by default. ``aliases``
    (ours): other paths of the same field, used when the field is absent at the first path.
    ``null_as`` (ours): the value that replaces null, so that the field can be part of a key.
    ``nullable: false`` is ``required``, and ``primary_key: true`` is a part of the key, as in dlt. The other
    keys are dlt's, and accepted without effect: no row differs.
    """

    data_type: DataType
    nullable: bool | None = None
    primary_key: bool | None = None
    precision: int | None = None
    scale: int | None = None
    timezone: bool | None = None
    unique: bool | None = None
    sort: bool | None = None
    partition: bool | None = None
    cluster: bool | None = None
    description: str | None = None
    format: Literal["epoch_s", "epoch_ms"] | None = None
    aliases: tuple[FieldPath, ...] = ()
    null_as: str | None = None


def _column(value: Any) -> Any:
    """A plain string is short: ``text`` for a data type, ``text - Name of the user`` for a described one."""
    if not isinstance(value, str):
        return value
    data_type, dash, description = value.partition(" - ")
    if not dash:
        return {"data_type": value}
    return {"data_type": data_type.strip(), "description": description.strip()}


ColumnValue = Annotated[Column, BeforeValidator(_column)]


def _columns(value: Any) -> Any:
    """dlt's list of hints is a mapping from the ``name`` of each."""
    if not isinstance(value, list) or not all(isinstance(c, dict) and "name" in c for c in value):
        return value
    return {str(c["name"]): {n: v for n, v in c.items() if n != "name"} for c in value}


class ResponseAction(Model):
    """The action for a response with this status and this text; the first that matches counts.

    ``ignore`` is dlt's: the response means that there are no records. ``retry``, ``fail`` and
    ``accept`` are ours. ``content`` is a part of the body, as it was sent.
    """

    status_code: StatusCode | None = None
    content: Annotated[str, Field(min_length=1)] | None = None
    action: Literal["ignore", "retry", "fail", "accept"]

    @model_validator(mode="after")
    def _has_condition(self) -> ResponseAction:
        if self.status_code is None and self.content is None:
            raise ValueError("expected status_code, content, or both")
        if self.action == "accept" and (self.status_code or 200) >= 400:
            raise ValueError("accept takes a response for a page: expected a status below 400")
        return self


class Sensor(Model):
    """Look for new records of this resource at an interval (ours).

    ``params`` are added to the request for the first page, so that the page is small and starts
    with the newest record.
    """

    interval_seconds: PositiveInt = 60
    params: dict[str, Literals] = Field(default_factory=dict)


def _selector(value: Any) -> Any:
    """An empty list is the response root. A list of keys is the path that they form."""
    return ".".join(map(str, value)) or "$" if isinstance(value, list) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class Endpoint(Model):
    """Address, parameters and response format of a resource.

    ``json`` or ``data`` (a form) is the body of a POST request. ``count_path`` (ours): the path in a
    response to the total of records in all pages.
    ``key_field`` (ours): the field that takes the key of a record, where ``data_selector`` takes
    the records from an object that holds them by key.
    """

    path: str | None = None
    method: Annotated[Method | None, BeforeValidator(_upper)] = None
    json_: dict[str, Any] | list[Any] | None = Field(default=None, alias="json")
    data: dict[str, Any] | str | None = None
    params: dict[str, Param] = Field(default_factory=dict)
    headers: dict[str, Header] = Field(default_factory=dict)
    data_selector: Annotated[ResponsePath | None, BeforeValidator(_selector)] = None
    key_field: FieldPath | None = None
    paginator: PaginatorConfig | None = None
    incremental: Incremental | None = None
    count_path: ResponsePath | None = None
    error_handler: ErrorHandler | None = None
    response_actions: tuple[ResponseAction, ...] | None = None


def _endpoint(value: Any) -> Any:
    """A plain string is short for ``{path: ...}``."""
    return {"path": value} if isinstance(value, str) else value


def _keys(value: Any) -> Any:
    """A plain string is short for a list of one field."""
    return [value] if isinstance(value, str) else value


def _include(value: Any) -> Any:
    """Turn dlt's list form into a mapping; ``resource_builder`` replaces ``*`` by the parent.

    dlt names the column ``_<parent>_<field>``.
    """
    if not isinstance(value, list):
        return value
    return {f"*{'.'.join(compile_field(str(field)).keys)}": field for field in value}


class ResourceDefaults(PageKeys):
    """Keys that a resource may have and that ``resource_defaults`` may set for all resources.

    ``processing_steps`` (dlt's name, our form): changes of the records as data. ``schema_contract: evolve``:
    ``columns`` are hints. ``deletes`` (ours): set ``_deleted_at`` in rows that the API no longer lists.
    ``window`` does so in each window that was read, ``soft`` in snapshots and children.
    """

    description: str | None = None
    endpoint: Annotated[Endpoint, BeforeValidator(_endpoint)] = Field(default_factory=Endpoint)
    primary_key: Annotated[tuple[FieldPath, ...], BeforeValidator(_keys)] = ()
    write_disposition: Annotated[WriteDisposition | None, BeforeValidator(read_disposition)] = None
    schema_contract: Annotated[Literal["evolve"] | None, BeforeValidator(read_contract)] = None
    columns: Annotated[dict[FieldPath, ColumnValue], BeforeValidator(_columns)] = Field(
        default_factory=dict
    )
    required: tuple[FieldPath, ...] = ()
    include_from_parent: Annotated[dict[FieldPath, ResponsePath], BeforeValidator(_include)] = (
        Field(default_factory=dict)
    )
    processing_steps: tuple[ProcessingStep, ...] = ()
    skip_parents: dict[ResponsePath, tuple[Literals, ...]] = Field(default_factory=dict)
    selected: bool = True
    deletes: Literal["soft", "window", "none"] | None = None
    sensor: Sensor | None = None
    max_table_nesting: NonNegativeInt | None = None
    parallelized: bool | None = None


class ResourceConfig(ResourceDefaults):
    """One resource, one table, one asset. The name is spelled as the file has it."""

    name: str
    table_name: str | None = None


def _resource(value: Any) -> Any:
    """A plain string is both the name and the path of a resource."""
    return {"name": value, "endpoint": {"path": value}} if isinstance(value, str) else value


class CatalogFile(TeamKeys, Instances):
    """A whole catalog file."""

    source: str | None = None
    description: str | None = None
    client: Client
    resource_defaults: ResourceDefaults = Field(default_factory=ResourceDefaults)
    resources: tuple[Annotated[ResourceConfig, BeforeValidator(_resource)], ...]
