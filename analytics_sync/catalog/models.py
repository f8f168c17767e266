"""The shape of a catalog file: every key it may hold, as typed models.

In: the plain data of a file (``yaml_config`` or ``python_config``). Out: ``CatalogFile``, which still looks
like the file; ``build.py`` turns it into the ``Source`` the rest of the package works with. Keys
and their meaning are those of dlt's ``rest_api``; each key it does not have says so below.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    field_validator,
)

from analytics_sync.catalog.paginators import PaginatorConfig

DataType = Literal["text", "bigint", "double", "bool", "timestamp", "date", "json", "decimal"]
WriteDisposition = Literal["merge", "replace"]
REFERENCE = re.compile(r"""^dlt\.(secrets|config)\[["']([A-Za-z0-9_.]+)["']\]$""")


class Model(BaseModel):
    """Unknown keys are errors; nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Column(Model):
    """One declared field.

    ``format`` (ours): how a number in a timestamp column is to be read; numbers are seconds
    otherwise. ``aliases`` (ours): other places the same field is found at, used when the first is
    absent. ``null_as`` (ours): stands in for null, so that the field can be part of a key.
    """

    data_type: DataType
    description: str | None = None
    format: Literal["epoch_s", "epoch_ms"] | None = None
    aliases: tuple[str, ...] = ()
    null_as: str | None = None


def _column(value: Any) -> Any:
    return {"data_type": value} if isinstance(value, str) else value


ColumnValue = Annotated[Column, BeforeValidator(_column)]


class SettingParam(Model):
    """A value from the settings (ours): ``sources.<source>.<key>``."""

    type: Literal["config", "secret"]
    key: str
    optional: bool = False
    default: str | None = None
    allow_slash: bool = False


class ResolveParam(Model):
    """A value from a parent record, as in dlt.

    ``config`` (ours): a setting that takes the place of the walk. ``match`` (ours): a regular
    expression whose first group is the value. ``allow_slash`` (ours): the API wants the slash of
    this path value as it is.
    """

    type: Literal["resolve"]
    resource: str
    field: str
    config: str | None = None
    match: str | None = None
    allow_slash: bool = False

    @field_validator("match")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        try:
            groups = re.compile(value).groups if value is not None else 1
        except re.error as e:
            raise ValueError(f"expected a regular expression: {e}") from None
        if groups != 1:
            raise ValueError("expected a regular expression with one group")
        return value


class IncrementalParam(Model):
    """dlt's older spelling of ``endpoint.incremental`` inside ``params``."""

    type: Literal["incremental"]
    cursor_path: str
    initial_value: Any = None


def _param_kind(value: Any) -> str:
    if isinstance(value, SettingParam):
        return "config"
    if isinstance(value, ResolveParam | IncrementalParam):
        return value.type
    if isinstance(value, dict):
        kind = value.get("type")
        return "config" if kind == "secret" else str(kind)
    return "list" if isinstance(value, list | tuple) else "literal"


Literals = str | int | float | bool | None
Param = Annotated[
    Annotated[SettingParam, Tag("config")]
    | Annotated[ResolveParam, Tag("resolve")]
    | Annotated[IncrementalParam, Tag("incremental")]
    | Annotated[tuple[Literals, ...], Tag("list")]
    | Annotated[Literals, Tag("literal")],
    Discriminator(_param_kind),
]


class ErrorHandler(Model):
    """Retry policy (ours): ``max_retries`` 3 means 4 attempts, waiting ``backoff_factor`` to the
    power 1, 2, 3 seconds unless the server says how long."""

    retry_on_status_codes: tuple[int, ...] = (429, 500, 502, 503, 504)
    max_retries: NonNegativeInt = 3
    backoff_factor: NonNegativeFloat = 2.0


class RateLimit(Model):
    """At most ``requests`` in ``seconds`` for the whole source (ours)."""

    requests: PositiveInt
    seconds: PositiveFloat


class ResponseAction(Model):
    """What to do with an answer of this status; only dlt's ``ignore`` is known."""

    status_code: int
    action: Literal["ignore"]


class Incremental(Model):
    """The datetime a resource is windowed on.

    ``cursor_path``, ``start_param``, ``end_param``, ``row_order`` and ``initial_value`` (read and
    not used: partitions decide) are dlt's. ``param_format`` (ours) spells the two parameters: one
    of the names below or a strftime pattern. ``step: month`` (ours): ``start_param`` takes the
    first day of a month, and the answer is that month.
    """

    cursor_path: str
    initial_value: Any = None
    start_param: str | None = None
    end_param: str | None = None
    row_order: Literal["asc", "desc"] | None = None
    param_format: str = "iso"
    step: Literal["month"] | None = None

    @field_validator("param_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in {"iso", "iso_ms", "date", "epoch_s", "epoch_ms"} and "%" not in value:
            raise ValueError("expected iso, iso_ms, date, epoch_s, epoch_ms or a strftime pattern")
        return value


class Sensor(Model):
    """Ask this resource now and then whether something new is there (ours).

    ``params`` are added to the first page's request, so that it is small and newest first.
    """

    interval_seconds: PositiveInt = 60
    params: dict[str, Literals] = Field(default_factory=dict)


def _selector(value: Any) -> Any:
    """An empty list is the response root; a list of keys is their path."""
    return ".".join(map(str, value)) or "$" if isinstance(value, list) else value


class Endpoint(Model):
    """Where and how a resource is read.

    ``count_path`` (ours): where an answer tells how many records the whole walk has.
    """

    path: str | None = None
    method: Literal["GET", "get"] | None = None
    params: dict[str, Param] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    data_selector: Annotated[str | None, BeforeValidator(_selector)] = None
    paginator: PaginatorConfig | None = None
    incremental: Incremental | None = None
    count_path: str | None = None
    error_handler: ErrorHandler | None = None
    response_actions: tuple[ResponseAction, ...] | None = None


def _endpoint(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _keys(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _include(value: Any) -> Any:
    """dlt's list form names the column ``_<parent>_<field>``; ``build`` adds the parent."""
    return {f"*{field}": field for field in value} if isinstance(value, list) else value


class ResourceDefaults(Model):
    """Keys a resource may have, and ``resource_defaults`` may set for all.

    ``deletes: soft`` (ours): rows the API does not list any more get ``_deleted_at``.
    """

    description: str | None = None
    endpoint: Annotated[Endpoint, BeforeValidator(_endpoint)] = Field(default_factory=Endpoint)
    primary_key: Annotated[tuple[str, ...], BeforeValidator(_keys)] = ()
    write_disposition: WriteDisposition | None = None
    columns: dict[str, ColumnValue] = Field(default_factory=dict)
    required: tuple[str, ...] = ()
    include_from_parent: Annotated[dict[str, str], BeforeValidator(_include)] = Field(
        default_factory=dict
    )
    skip_parents: dict[str, tuple[Literals, ...]] = Field(default_factory=dict)
    selected: bool = True
    deletes: Literal["soft", "none"] | None = None
    sensor: Sensor | None = None
    max_table_nesting: NonNegativeInt | None = None
    parallelized: bool | None = None

    @field_validator("write_disposition", mode="before")
    @classmethod
    def _no_append(cls, value: Any) -> Any:
        if value == "append":
            raise ValueError(
                "append would double rows when a partition runs again; declare a primary_key and use merge"
            )
        return value


class ResourceConfig(ResourceDefaults):
    """One resource, one table, one asset."""

    name: str


def _resource(value: Any) -> Any:
    return {"name": value, "endpoint": {"path": value}} if isinstance(value, str) else value


class ApiKeyAuth(Model):
    """A key in a header (or the query) of the given name."""

    type: Literal["api_key"]
    name: str = "Authorization"
    api_key: str
    location: Literal["header", "query"] = "header"


class BearerAuth(Model):
    """``Authorization: Bearer <token>``."""

    type: Literal["bearer"] = "bearer"
    token: str


class HttpBasicAuth(Model):
    """HTTP basic authentication."""

    type: Literal["http_basic"]
    username: str
    password: str


Auth = Annotated[ApiKeyAuth | BearerAuth | HttpBasicAuth, Discriminator("type")]


def _auth(value: Any) -> Any:
    return {"type": "bearer", **value} if isinstance(value, dict) and "token" in value else value


def _header_kind(value: Any) -> str:
    return "setting" if isinstance(value, dict | SettingParam) else "text"


Header = Annotated[
    Annotated[str, Tag("text")] | Annotated[SettingParam, Tag("setting")],
    Discriminator(_header_kind),
]


class Client(Model):
    """What all requests of a source share. Times in seconds, sizes in bytes (ours)."""

    base_url: str | None = None
    auth: Annotated[Auth | None, BeforeValidator(_auth)] = None
    headers: dict[str, Header] = Field(default_factory=dict)
    paginator: PaginatorConfig | None = None
    error_handler: ErrorHandler | None = None
    rate_limit: RateLimit | None = None
    connect_timeout: PositiveFloat = 10.0
    read_timeout: PositiveFloat = 60.0
    max_response_bytes: PositiveInt = 256 * 1024 * 1024
    max_expansion: PositiveInt = 500
    max_nesting: int = Field(default=1000, ge=1, le=1000)
    max_connections: PositiveInt = 16
    max_pages: PositiveInt = 100_000
    max_seconds: PositiveFloat = 86_400.0
    resume_within: NonNegativeFloat = 3600.0


class CatalogFile(Model):
    """A whole file."""

    source: str | None = None
    description: str | None = None
    client: Client
    resource_defaults: ResourceDefaults = Field(default_factory=ResourceDefaults)
    resources: tuple[Annotated[ResourceConfig, BeforeValidator(_resource)], ...]
