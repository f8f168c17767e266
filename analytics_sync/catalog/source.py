"""The finished declaration of an API, as the rest of the package uses it.

In: nothing; ``build.py`` makes these. Out: ``Source`` with its ``Resource`` objects: defaults
merged, dialect read, columns named, parents found. All immutable, and free of settings and secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from analytics_sync.catalog.models import (
    Client,
    DataType,
    ErrorHandler,
    Incremental,
    Param,
    ResolveParam,
    Sensor,
    SettingParam,
    WriteDisposition,
)
from analytics_sync.catalog.naming import column_name
from analytics_sync.catalog.paginators import PaginatorConfig


@dataclass(frozen=True)
class Field:
    """One declared field of a record and the column it lands in.

    Attributes:
        path: Where it stands in the record, as keys from the root.
        column: Name of its column.
        data_type: dlt's data type.
        description: Shown in the UI.
        format: How a number is read in a timestamp column: ``epoch_s`` or ``epoch_ms``.
        aliases: Other paths, used in turn while the value is absent.
        null_as: Stands in for null.
        required: Never null in a sound record.
    """

    path: tuple[str, ...]
    column: str
    data_type: DataType
    description: str | None = None
    format: str | None = None
    aliases: tuple[tuple[str, ...], ...] = ()
    null_as: str | None = None
    required: bool = False

    @property
    def name(self) -> str:
        """The dotted path, as a catalog file spells it."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Resource:
    """One resource: how to read it, and what its table looks like.

    Attributes:
        source: Name of its source.
        name: Its name; asset key is ``[source, name]``.
        table: Name of its table.
        path: URL path below the base URL, with ``{placeholders}``.
        params: Path and query parameters by name.
        primary_key: Dotted fields of the primary key.
        fields: Declared fields; empty when nothing is declared and columns follow the data.
        inherited: Field name in this resource -> field of the parent it is copied from.
        parent: Resource whose records are walked, or None.
        skip_parents: Field of the parent -> values for which there is no child.
        count_path: Where an answer tells how many records the whole walk has.
        soft_deletes: Whether rows that the API does not list any more get ``_deleted_at``.
        ignored_statuses: Answers that mean "nothing here" by declaration.
        cursor: The field that windows are cut on, if this resource has one of its own.
    """

    source: str
    name: str
    table: str
    path: str
    description: str | None
    params: Mapping[str, Param]
    headers: Mapping[str, str]
    selector: str | None
    paginator: PaginatorConfig
    incremental: Incremental | None
    cursor: Field | None
    error_handler: ErrorHandler
    ignored_statuses: frozenset[int]
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

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column_name(path) for path in self.primary_key)

    @property
    def resolved(self) -> dict[str, ResolveParam]:
        """The parameters that come from the parent."""
        return {n: p for n, p in self.params.items() if isinstance(p, ResolveParam)}

    @property
    def settings(self) -> dict[str, SettingParam]:
        """The parameters that come from the settings."""
        return {n: p for n, p in self.params.items() if isinstance(p, SettingParam)}

    @property
    def required(self) -> tuple[Field, ...]:
        """The fields that must never be null."""
        return tuple(f for f in self.fields if f.required)

    def __str__(self) -> str:
        return f"{self.source}/{self.name}"


@dataclass(frozen=True)
class Source:
    """One API.

    Attributes:
        name: Its name: asset group, dataset, settings section.
        client: What all its requests share.
        resources: By name, in the file's order, helpers that are no asset among them.
        file: The file it was read from.
    """

    name: str
    description: str | None
    client: Client
    resources: Mapping[str, Resource]
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def assets(self) -> tuple[Resource, ...]:
        """The resources that have a table."""
        return tuple(r for r in self.resources.values() if r.selected)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Its parent, the parent's parent and so on."""
        while resource.parent is not None:
            resource = self.resources[resource.parent]
            yield resource

    def window_owner(self, resource: Resource) -> Resource | None:
        """The resource whose cursor cuts this one's windows.

        That is itself when it has a cursor, otherwise its nearest ancestor with one: children of a
        windowed parent belong to the parent's window. None for a snapshot.
        """
        for candidate in (resource, *self.ancestors(resource)):
            if candidate.incremental is not None:
                return candidate
        return None

    def windowed(self, resource: Resource) -> bool:
        """Whether the resource has daily partitions."""
        return self.window_owner(resource) is not None
