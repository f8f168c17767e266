"""``Source``, ``Resource`` and ``Field``: the finished declaration of an API.

In: checked values from ``build.py``. Out: objects that the rest of the package uses. Defaults are
merged, dlt's shorter spellings are resolved, columns are named and parents are found. All objects
are immutable, and hold neither settings nor secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from analytics_sync.catalog.config.client import Client, ErrorHandler
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import (
    DataType,
    ResponseAction,
    Sensor,
    WriteDisposition,
)
from analytics_sync.catalog.config.page_keys import NO_PAGE_KEYS, PageKeys
from analytics_sync.catalog.config.paginators import PaginatorConfig
from analytics_sync.catalog.config.params import Param, ResolveParam, SettingParam
from analytics_sync.catalog.config.steps import ProcessingStep
from analytics_sync.catalog.config.team_keys import Level
from analytics_sync.catalog.config.texts import Text
from analytics_sync.catalog.naming import ROW_HASH, column_name, dataset_name
from analytics_sync.common.json_path import spell


@dataclass(frozen=True)
class Field:
    """One declared field of a record, and the column of its values.

    Attributes:
        path: Keys from the root of the record to the value.
        column: Name of the column.
        data_type: dlt's data type.
        description: Text for the UI.
        format: Unit of a number in a timestamp column: ``epoch_s`` or ``epoch_ms``; None for
            seconds.
        aliases: Other paths, in the order in which they are tried while the value is absent.
        null_as: Value that replaces null; None keeps null.
        required: Whether a valid record always has a value.
        exact: Those of the paths whose keys are quoted. The dots of another path may also belong
            to the keys of a record.
        is_inferred: Whether the data has named the field. A text column then takes numbers, too, and a
            timestamp column takes none.
    """

    path: tuple[str, ...]
    column: str
    data_type: DataType
    description: str | None = None
    format: str | None = None
    aliases: tuple[tuple[str, ...], ...] = ()
    null_as: str | None = None
    required: bool = False
    exact: frozenset[tuple[str, ...]] = frozenset()
    is_inferred: bool = False

    @property
    def name(self) -> str:
        """The path, as a catalog file spells it."""
        return spell(self.path, is_exact=self.path in self.exact)

    @property
    def alias_names(self) -> tuple[str, ...]:
        """The aliases, as a catalog file spells them."""
        return tuple(spell(path, is_exact=path in self.exact) for path in self.aliases)


@dataclass(frozen=True)
class Post:
    """The body of a POST request: values with ``Text`` in place of each text with placeholders.

    Attributes:
        json: A JSON document; None without one.
        form: The fields of a form, or its text; None without one.
    """

    json: Any = None
    form: Any = None


@dataclass(frozen=True)
class Resource:
    """One resource: how to read it, and the columns of its table.

    Attributes:
        source: Name of the source.
        name: Name of the resource; the asset key is ``[source, name]``, after the prefix.
        table: Name of the table.
        path: URL path below the base URL, with ``{placeholders}``.
        description: Text for the UI.
        params: Path and query parameters by name.
        texts: Query parameters that are texts with slots for the values of ``params``, by name.
        hidden: The parameters that stand in texts only: of the query, of headers or of the body.
        headers: Request headers of this resource, beside those of the client.
        post: The body of a POST request; None for a GET request.
        selector: Path of the records in a response; None for the only list in it, or the object.
        key_field: Field that takes the key of a record in an object of records; None drops the key.
        paginator: The declared paginator, in its plain form.
        incremental: Datetime field and parameters of the window; None without a field of its own.
        cursor: Field that windows are cut on; None if the resource has none of its own.
        error_handler: Retry policy.
        response_actions: What responses of a certain status or text mean by declaration.
        primary_key: Dotted fields of the primary key.
        write_disposition: ``merge`` or ``replace``.
        fields: Declared fields; empty if the columns follow the data.
        steps: Changes of the records of a page, in their order.
        hints: Declared fields of a resource whose other columns follow the data.
        inherited: Field name in this resource -> field of the parent that the value is copied from.
        parent: Resource whose records give parameter values; None without a parent.
        skip_parents: Field of the parent -> values for which there is no child.
        selected: Whether the resource has a table and an asset.
        sensor: Interval and parameters of the sensor; None without a sensor.
        count_path: Path in a response to the total of records in all pages.
        soft_deletes: Whether rows that the API no longer lists get ``_deleted_at``.
        page: What the page of the asset shows otherwise than for the source.
        key_prefix: What stands in front of the asset key, in a project that embeds the source; None in
            the code location of this package.
    """

    source: str
    name: str
    table: str
    path: str
    description: str | None
    params: Mapping[str, Param]
    headers: Mapping[str, str | Text]
    selector: str | None
    key_field: str | None
    paginator: PaginatorConfig
    incremental: Incremental | None
    cursor: Field | None
    error_handler: ErrorHandler
    response_actions: tuple[ResponseAction, ...]
    primary_key: tuple[str, ...]
    write_disposition: WriteDisposition
    fields: tuple[Field, ...]
    inherited: Mapping[str, str]
    parent: str | None
    skip_parents: Mapping[str, tuple[object, ...]]
    selected: bool
    sensor: Sensor | None
    count_path: str | None
    soft_deletes: bool
    page: PageKeys = NO_PAGE_KEYS
    texts: Mapping[str, Any] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    hints: tuple[Field, ...] = ()
    steps: tuple[ProcessingStep, ...] = ()
    post: Post | None = None
    key_prefix: tuple[str, ...] | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column_name(path) for path in self.primary_key)

    @property
    def has_row_hash(self) -> bool:
        """Whether the key of a row is the hash of its whole record."""
        return self.primary_key == (ROW_HASH,)

    @property
    def primary_key_is_inherited(self) -> bool:
        """Whether the whole key comes from the parent, so that a record as the API has it holds none of it."""
        return bool(self.primary_key) and set(self.primary_key) <= set(self.inherited)

    @property
    def method(self) -> str:
        """The HTTP method of its requests."""
        return "GET" if self.post is None else "POST"

    @property
    def keeps_parent_key(self) -> bool:
        """Whether each row names the parent that listed it, in ``_parent_key``.

        Then a parent that is read again shows which of its rows it does not list any more. A record
        that does not inherit its parent may be listed under several, and a row names one only.
        """
        removes = self.soft_deletes or self.write_disposition == "replace"
        return self.parent is not None and removes and not self.missing_parent_fields

    @property
    def missing_parent_fields(self) -> tuple[str, ...]:
        """The fields of the parent in the requests that ``include_from_parent`` does not copy."""
        fields = dict.fromkeys(param.field for param in self.resolved.values())
        return tuple(field for field in fields if field not in self.inherited.values())

    @property
    def resolved(self) -> dict[str, ResolveParam]:
        """The parameters whose values come from the parent."""
        return {n: p for n, p in self.params.items() if isinstance(p, ResolveParam)}

    @property
    def settings(self) -> dict[str, SettingParam]:
        """The parameters whose values come from the settings."""
        return {n: p for n, p in self.params.items() if isinstance(p, SettingParam)}

    @property
    def required(self) -> tuple[Field, ...]:
        """The fields that must not be null."""
        return tuple(f for f in (*self.fields, *self.hints) if f.required)

    def __str__(self) -> str:
        return f"{self.source}/{self.name}"


@dataclass(frozen=True)
class Source:
    """One API.

    Attributes:
        name: Name of the source, of its asset group, its dataset and its settings section.
        description: Text for people.
        client: Address, authentication and limits of all requests.
        resources: Resources by name, in the file's order, with helper resources that have no asset.
        file: File of the declaration.
        line: Line of the name of the source in the file.
        lines: Line of each resource in the file.
        settings: Line of each setting that the declaration names.
        levels: The places of the keys that a team sets: those of the source, then those of its base.
        instances: The sources that the file gives in place of this one; none for this one.
        api_lines: Line of each resource in the file that declares the API: the base, if there is one.
        key_prefix: The same for all of its resources.
    """

    name: str
    description: str | None
    client: Client
    resources: Mapping[str, Resource]
    file: str = ""
    line: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)
    levels: tuple[Level, ...] = ()
    instances: tuple[Level, ...] = ()
    api_lines: Mapping[str, int] = field(default_factory=dict)
    key_prefix: tuple[str, ...] | None = None

    @property
    def dataset(self) -> str:
        """The dataset of the source in the warehouse."""
        return dataset_name(self.name)

    @property
    def assets(self) -> tuple[Resource, ...]:
        """The resources that have a table."""
        return tuple(r for r in self.resources.values() if r.selected)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """The parent of the resource, the parent's parent and so on."""
        while resource.parent is not None:
            resource = self.resources[resource.parent]
            yield resource

    @property
    def families(self) -> tuple[tuple[Resource, ...], ...]:
        """The resources that have a table, by the resource that they all come from: a child needs its parent."""
        found: dict[str, list[Resource]] = {}
        for resource in self.assets:
            *_, first = (resource, *self.ancestors(resource))
            found.setdefault(first.name, []).append(resource)
        return tuple(map(tuple, found.values()))

    def window_owner(self, resource: Resource) -> Resource | None:
        """The resource whose cursor cuts the windows of ``resource``; None for a snapshot.

        The owner is the resource itself if it has a cursor, otherwise its nearest ancestor with a
        cursor. Children of a windowed parent belong to the parent's window.
        """
        for candidate in (resource, *self.ancestors(resource)):
            if candidate.incremental is not None:
                return candidate
        return None

    def windowed(self, resource: Resource) -> bool:
        """Whether the resource has partitions."""
        return self.window_owner(resource) is not None
