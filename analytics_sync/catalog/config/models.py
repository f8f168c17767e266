"""Models of a catalog file: every key that a file, a resource and an endpoint may hold.

In: the plain data of a file, from ``yaml_config`` or ``from_python``. Out: ``CatalogFile``, still
in the structure of the file. ``build.py`` turns a ``CatalogFile`` into the ``Source`` that the rest
of the package uses. The client, parameters and paginators have modules of their own. Keys and their
meaning are those of dlt's ``rest_api``. "(ours)" marks each key that dlt lacks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.client import Client, ErrorHandler, StatusCode
from analytics_sync.catalog.config.dispositions import (
    DispositionKeys,
    read_contract,
    read_disposition,
)
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
    """One declared field. Keys that are accepted without effect are dlt's: no row differs."""

    data_type: DataType
    """The type of the column."""
    nullable: bool | None = None
    """false: the field is required, as one of the list required."""
    primary_key: bool | None = None
    """true: the field is a part of the primary key."""
    precision: int | None = None
    """Accepted without effect."""
    scale: int | None = None
    """Accepted without effect."""
    timezone: bool | None = None
    """Accepted without effect."""
    unique: bool | None = None
    """Accepted without effect."""
    sort: bool | None = None
    """Accepted without effect."""
    partition: bool | None = None
    """Accepted without effect."""
    cluster: bool | None = None
    """Accepted without effect."""
    description: str | None = None
    """What the column holds; shown in the UI, and as a comment in the warehouse."""
    format: Literal["epoch_s", "epoch_ms"] | None = None
    """The unit of numbers and digits in a timestamp column (ours). Without it, a number counts seconds."""
    aliases: tuple[FieldPath, ...] = ()
    """Other places of the same field, used when it is absent at the first one (ours)."""
    null_as: str | None = None
    """A value in place of null, so that the field can be part of a key (ours)."""


class NamedColumn(Column):
    """One declared field in a list, as dlt has it."""

    name: str
    """The field."""


def _column(value: Any) -> Any:
    """A plain string is short: ``text`` for a data type, ``text - Name of the user`` for a described one."""
    if not isinstance(value, str):
        return value
    data_type, dash, description = value.partition(" - ")
    if not dash:
        return {"data_type": value}
    return {"data_type": data_type.strip(), "description": description.strip()}


_Described = Annotated[str, Field(pattern=rf"^\s*({'|'.join(get_args(DataType))})\s* - ")]
ColumnValue = Annotated[
    Column, BeforeValidator(_column, json_schema_input_type=DataType | _Described | Column)
]


def _columns(value: Any) -> Any:
    """dlt's list of hints is a mapping from the ``name`` of each."""
    if not isinstance(value, list) or not all(isinstance(c, dict) and "name" in c for c in value):
        return value
    return {str(c["name"]): {n: v for n, v in c.items() if n != "name"} for c in value}


class ResponseAction(Model):
    """The action for a response with this status and this text; the first that matches counts."""

    status_code: StatusCode | None = None
    """The status of the response."""
    content: Annotated[str, Field(min_length=1)] | None = None
    """A part of the body, as it was sent."""
    action: Literal["ignore", "retry", "fail", "accept"]
    """ignore: there are no records. retry, fail and accept are ours: request again; an error; a complete page."""

    @model_validator(mode="after")
    def _has_condition(self) -> ResponseAction:
        if self.status_code is None and self.content is None:
            raise ValueError("expected status_code, content, or both")
        if self.action == "accept" and (self.status_code or 200) >= 400:
            raise ValueError("accept takes a response for a page: expected a status below 400")
        return self


class Sensor(Model):
    """Look for new records of this resource at an interval (ours)."""

    interval_seconds: PositiveInt = 60
    """Seconds between two requests."""
    params: dict[str, Literals] = Field(default_factory=dict)
    """Parameters that make the first page small and start it with the newest record."""


def _selector(value: Any) -> Any:
    """An empty list is the response root. A list of keys is the path that they form."""
    return ".".join(map(str, value)) or "$" if isinstance(value, list) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class Endpoint(Model):
    """Address, parameters and response format of a resource."""

    path: str | None = None
    """The path below base_url; by default the name of the resource. {name} is a parameter or a setting."""
    method: Annotated[
        Method | None,
        BeforeValidator(_upper, json_schema_input_type=Method | Literal["get", "post"] | None),
    ] = None
    """The HTTP method. POST is for APIs that search by POST."""
    json_: dict[str, Any] | list[Any] | None = Field(default=None, alias="json")
    """The body of a POST request, as JSON."""
    data: dict[str, Any] | str | None = None
    """The body of a POST request, as a form."""
    params: dict[str, Param] = Field(default_factory=dict)
    """Query parameters and values of the path: literals, settings, or fields of a parent."""
    headers: dict[str, Header] = Field(default_factory=dict)
    """Headers of this resource."""
    data_selector: Annotated[
        ResponsePath | None,
        BeforeValidator(_selector, json_schema_input_type=str | list[str | int] | None),
    ] = None
    """The path to the records in a response: a.b, a.* for the values of a map, $ for the body itself."""
    key_field: FieldPath | None = None
    """The field that takes the key of a record, where data_selector takes records from an object by key (ours)."""
    paginator: PaginatorConfig | None = None
    """How the next page is requested. Without it, only certain links of the first page are followed."""
    incremental: Incremental | None = None
    """Makes the resource windowed: one partition for each day, hour, week or month."""
    count_path: ResponsePath | None = None
    """The path in a response to the total of records in all pages (ours)."""
    error_handler: ErrorHandler | None = None
    """The retry policy of this resource (ours)."""
    response_actions: tuple[ResponseAction, ...] | None = None
    """What certain responses mean. The first that matches counts."""


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
    """Keys that a resource may have and that ``resource_defaults`` may set for all resources."""

    description: str | None = None
    """What a row is; shown in the UI, and as a comment in the warehouse."""
    endpoint: Annotated[
        Endpoint, BeforeValidator(_endpoint, json_schema_input_type=str | Endpoint)
    ] = Field(default_factory=Endpoint)
    """Where the resource is read. A plain string is its path."""
    primary_key: Annotated[
        tuple[FieldPath, ...], BeforeValidator(_keys, json_schema_input_type=str | list[str])
    ] = ()
    """The field or fields that tell records apart; one row per key. row_hash is a hash of the whole record (ours)."""
    write_disposition: Annotated[
        WriteDisposition | None,
        BeforeValidator(
            read_disposition, json_schema_input_type=WriteDisposition | DispositionKeys | None
        ),
    ] = None
    """merge: rows are added and replaced by key. replace: a complete read replaces the table."""
    schema_contract: Annotated[
        Literal["evolve"] | None,
        BeforeValidator(
            read_contract,
            json_schema_input_type=Literal["evolve"] | dict[str, Literal["evolve"]] | None,
        ),
    ] = None
    """evolve: columns are hints, and the other columns follow the data. Without it, other fields go to _extra."""
    columns: Annotated[
        dict[FieldPath, ColumnValue],
        BeforeValidator(
            _columns, json_schema_input_type=dict[FieldPath, ColumnValue] | list[NamedColumn]
        ),
    ] = Field(default_factory=dict)
    """The type of each field, with a description after " - ". Without columns, they follow the data."""
    required: tuple[FieldPath, ...] = ()
    """Fields that must never be null (ours). Key and cursor are always required."""
    include_from_parent: Annotated[
        dict[FieldPath, ResponsePath],
        BeforeValidator(_include, json_schema_input_type=dict[str, str] | list[str]),
    ] = Field(default_factory=dict)
    """Fields copied from the parent: a list, or {name here: field there} (ours)."""
    processing_steps: tuple[ProcessingStep, ...] = ()
    """Changes of the records as data: filters, renames, lists that become records."""
    skip_parents: dict[ResponsePath, tuple[Literals, ...]] = Field(default_factory=dict)
    """A field of the parent, and its values for which there is no child (ours)."""
    selected: bool = True
    """false: a step between two resources, and no asset."""
    deletes: Literal["soft", "window", "none"] | None = None
    """Set _deleted_at in rows that the API no longer lists: in snapshots and children (soft), in each window
    that was read (window), or never (none) (ours)."""
    sensor: Sensor | None = None
    """Look for new records of this resource at an interval (ours)."""
    max_table_nesting: NonNegativeInt | None = None
    """Accepted without effect: no table has child tables."""
    parallelized: bool | None = None
    """Accepted without effect: all resources are read at the same time."""


class ResourceConfig(ResourceDefaults):
    """One resource, one table, one asset. The name is spelled as the file has it."""

    name: str
    """Name of the asset and, normalised, of the table."""
    table_name: str | None = None
    """Name of the table, where it differs from name."""


def _resource(value: Any) -> Any:
    """A plain string is both the name and the path of a resource."""
    return {"name": value, "endpoint": {"path": value}} if isinstance(value, str) else value


class CatalogFile(TeamKeys, Instances):
    """A whole catalog file."""

    source: str | None = None
    """Name of the asset group, the dataset and the section of the settings; the file's name by default (ours)."""
    description: str | None = None
    """A text for people (ours)."""
    client: Client
    """Address, authentication and limits that all requests share."""
    resource_defaults: ResourceDefaults = Field(default_factory=ResourceDefaults)
    """Keys for all resources. params are joined name by name."""
    resources: tuple[
        Annotated[
            ResourceConfig, BeforeValidator(_resource, json_schema_input_type=str | ResourceConfig)
        ],
        ...,
    ]
    """The resources. A plain string is both name and path."""
