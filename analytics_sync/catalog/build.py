"""A catalog file, checked and read -> ``Source``.

In: plain data and the line of every key. Out: the finished declaration, or a ``CatalogError`` that
names file, line, resource and key. This is the one place that merges ``resource_defaults`` and
that gives a meaning to what a file leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from analytics_sync.catalog import dlt_shorthand as dialect
from analytics_sync.catalog import models as f
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.explain import explain
from analytics_sync.catalog.naming import OWN_COLUMNS, column_name, table_name
from analytics_sync.catalog.paginators import Auto, Offset, PaginatorConfig
from analytics_sync.catalog.relations import check_parents
from analytics_sync.catalog.secret_scan import check_secrets
from analytics_sync.catalog.source import Field, Resource, Source
from analytics_sync.catalog.yaml_config import Lines, Path

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def build(data: Mapping[str, Any], lines: Lines, *, name: str, file: str) -> Source:
    """Turn the data of one file into a ``Source``.

    Args:
        data: What the file says.
        lines: The line of each key.
        name: The source's name where the file has no ``source``.
        file: The file's name, for messages.

    Raises:
        CatalogError: The first thing that cannot be meant.
    """
    check_secrets(data, lines, source=name, file=file)
    try:
        declared = f.CatalogFile.model_validate(data)
    except ValidationError as e:
        problem = explain(e, data, lines, file)
    else:
        return _Builder(declared, lines, declared.source or name, file).source()
    # raised here and not there: pydantic's own error quotes the file
    raise problem


class _Builder:
    def __init__(self, declared: f.CatalogFile, lines: Lines, name: str, file: str) -> None:
        self.declared = declared
        self.lines = lines
        self.name = name
        self.file = file

    def fail(self, message: str, *path: str | int, resource: str = "", key: str = "") -> NoReturn:
        at: Path = path
        while at and at not in self.lines:
            at = at[:-1]
        raise CatalogError(
            message, file=self.file, line=self.lines.get(at, 0), resource=resource, key=key
        )

    def source(self) -> Source:
        if not _NAME.match(self.name):
            self.fail(
                f"source name {self.name!r}: expected lower_snake_case", "source", key="source"
            )
        if not self.declared.resources:
            self.fail("expected at least one resource", "resources", key="resources")
        resources: dict[str, Resource] = {}
        lines: dict[str, int] = {}
        for index, declared in enumerate(self.declared.resources):
            if declared.name in resources:
                self.fail(
                    "this resource is declared twice", "resources", index, "name",
                    resource=declared.name, key="name",
                )  # fmt: skip
            resources[declared.name] = self._resource(index, declared)
            lines[declared.name] = self.lines.get(("resources", index), 0)
        check_parents(resources, self.fail)
        return Source(
            self.name, self.declared.description, self.declared.client, resources, self.file, lines
        )

    def _resource(self, index: int, declared: f.ResourceConfig) -> Resource:
        defaults = self.declared.resource_defaults
        endpoint = _merged(defaults.endpoint, declared.endpoint)
        resource = _merged(defaults, declared)
        at: Path = ("resources", index)

        def fail(message: str, *keys: str) -> NoReturn:
            self.fail(message, *at, *keys, resource=declared.name, key=".".join(keys))

        if not _NAME.match(declared.name):
            fail(f"name {declared.name!r}: expected lower_snake_case", "name")
        path = endpoint.path
        if path is None:
            fail("expected endpoint.path", "endpoint")
        if any(part in {".", ".."} for part in path.split("/")) or "?" in path or "#" in path:
            fail("expected a path without '.', '..', '?' and '#'", "endpoint", "path")
        if "://" in path:
            fail("expected a path below base_url, not a whole URL", "endpoint", "path")
        if any(sign in path for sign in ("${", "{{", "}}")):
            fail("expected {placeholder}: there are no templates", "endpoint", "path")
        for header, value in endpoint.headers.items():
            if f.REFERENCE.match(value):
                fail("a setting can stand in client.headers only", "endpoint", "headers", header)
        incremental, params = dialect.read_incremental(endpoint, fail)
        path, params = dialect.read_placeholders(path, params)
        for placeholder in PLACEHOLDER.findall(path):
            params.setdefault(placeholder, f.SettingParam(type="config", key=placeholder))
        parents = {p.resource for p in params.values() if isinstance(p, f.ResolveParam)}
        if len(parents) > 1:
            fail(f"expected one parent, found {sorted(parents)}", "endpoint", "params")
        parent = next(iter(parents), None)
        if parent is None and (resource.include_from_parent or resource.skip_parents):
            fail("expected a parameter of type resolve: there is no parent", "include_from_parent")
        if not resource.primary_key and resource.selected:
            fail("expected primary_key: without it rows cannot be told apart", "primary_key")
        inherited = {
            name.replace("*", f"_{parent}_", 1): field
            for name, field in resource.include_from_parent.items()
        }
        fields = self._fields(index, resource, incremental, inherited, declared.name)
        by_path = {field.name: field for field in fields}
        cursor = by_path.get(incremental.cursor_path) if incremental else None
        if incremental and not fields:
            fail("expected columns: a windowed resource declares at least its cursor", "columns")
        if cursor and cursor.data_type not in {"timestamp", "date"}:
            fail(
                f"expected a field of type timestamp or date, {cursor.name!r} is {cursor.data_type}",
                "endpoint", "incremental", "cursor_path",
            )  # fmt: skip
        if incremental:
            _check_parameters(incremental, fail)
        if resource.sensor and (incremental is None or parent):
            fail(
                "expected endpoint.incremental and no parent: it looks for newer records", "sensor"
            )
        return Resource(
            source=self.name,
            name=declared.name,
            table=table_name(declared.name),
            path=path,
            description=resource.description,
            params=params,
            headers=endpoint.headers,
            selector=endpoint.data_selector,
            paginator=dialect.read_paginator(
                endpoint.paginator or self.declared.client.paginator or Auto(),
                self._sibling_cursors(),
                fail,
            ),
            incremental=incremental,
            cursor=cursor,
            error_handler=endpoint.error_handler
            or self.declared.client.error_handler
            or f.ErrorHandler(),
            ignored_statuses=frozenset(a.status_code for a in endpoint.response_actions or ()),
            primary_key=resource.primary_key,
            write_disposition=resource.write_disposition or "merge",
            fields=fields,
            inherited=inherited,
            parent=parent,
            skip_parents=resource.skip_parents,
            selected=resource.selected,
            sensor=resource.sensor,
            count_path=endpoint.count_path or _total(endpoint.paginator),
            soft_deletes=_soft_deletes(resource, path, incremental, parent, fail),
        )

    def _sibling_cursors(self) -> dict[str, str]:
        """Places of cursors in this source's answers -> the parameter each goes into."""
        cursors: dict[str, str] = {}
        declared: list[f.Client | f.Endpoint] = [
            self.declared.client,
            self.declared.resource_defaults.endpoint,
        ]
        declared += [resource.endpoint for resource in self.declared.resources]
        for paginator in (d.paginator for d in declared):
            path = getattr(paginator, "cursor_path", None)
            if path and (parameter := getattr(paginator, "cursor_param", None)):
                cursors[path] = parameter
        return cursors

    def _fields(
        self,
        index: int,
        resource: f.ResourceDefaults,
        incremental: f.Incremental | None,
        inherited: Mapping[str, str],
        name: str,
    ) -> tuple[Field, ...]:
        columns = dict(resource.columns)
        if not columns:
            return ()
        at: Path = ("resources", index)
        cursor = [incremental.cursor_path] if incremental else []
        for key, paths in (
            ("primary_key", list(resource.primary_key)),
            ("endpoint.incremental.cursor_path", cursor),
            ("required", list(resource.required)),
            ("include_from_parent", list(inherited)),
        ):
            for path in paths:
                if path not in columns:
                    self.fail(
                        f"field {path!r} is not among the columns; known: {', '.join(columns)}",
                        *at, *key.split("."), resource=name, key=key,
                    )  # fmt: skip
        taken: dict[str, str] = {}
        for path in columns:
            other = taken.setdefault(column_name(path), path)
            if column_name(path) in OWN_COLUMNS:
                self.fail(
                    f"the column {column_name(path)!r} has a meaning of its own; leave it to _extra",
                    *at, "columns", path, resource=name, key=f"columns.{path}",
                )  # fmt: skip
            if other != path:
                self.fail(
                    f"fields {other!r} and {path!r} would share the column {column_name(path)!r}; "
                    "make one an alias of the other",
                    *at, "columns", path, resource=name, key=f"columns.{path}",
                )  # fmt: skip
        required = {*resource.required, *resource.primary_key, *cursor}
        return tuple(
            Field(
                path=tuple(path.split(".")),
                column=column_name(path),
                data_type=c.data_type,
                description=c.description,
                format=c.format,
                aliases=tuple(tuple(a.split(".")) for a in c.aliases),
                null_as=c.null_as,
                required=path in required and c.null_as is None,
            )
            for path, c in columns.items()
        )


def _check_parameters(incremental: f.Incremental, fail: dialect.Fail) -> None:
    spelled = incremental.param_format
    if incremental.step == "month":
        if incremental.start_param is None:
            fail("expected start_param: it takes the month", "endpoint", "incremental")
    elif "%" in spelled and not any(day in spelled for day in ("%d", "%e", "%j", "%F", "%D")):
        fail(
            f"expected param_format with a day (%d), found {spelled!r}; or step: month",
            "endpoint", "incremental",
        )  # fmt: skip


def _total(paginator: PaginatorConfig | None) -> str | None:
    """An offset's total counts records; a page number's counts pages."""
    return paginator.total_path if isinstance(paginator, Offset) else None


def _soft_deletes(
    resource: f.ResourceDefaults,
    path: str,
    incremental: f.Incremental | None,
    parent: str | None,
    fail: dialect.Fail,
) -> bool:
    """Whether a complete read knows what is gone.

    By default that is so for a snapshot of everything there is. A placeholder in the path means
    that the listing is of something the settings name: change them, and the rest is not gone.
    """
    snapshot = incremental is None and parent is None and resource.selected
    merged = resource.write_disposition in (None, "merge")
    if resource.deletes == "soft" and not (snapshot and merged):
        fail(
            "expected a snapshot without parent, and merge: only that knows what is gone", "deletes"
        )
    if resource.deletes is None:
        return snapshot and merged and not PLACEHOLDER.search(path)
    return resource.deletes == "soft"


_M = TypeVar("_M", bound=BaseModel)


def _merged(defaults: BaseModel, own: _M) -> _M:
    """The resource's keys over the defaults'; ``params`` are joined name by name."""
    update: dict[str, Any] = {}
    for key in type(defaults).model_fields:
        base = getattr(defaults, key)
        if key in own.model_fields_set:
            if key == "params":
                update[key] = {**base, **getattr(own, key)}
        elif key in defaults.model_fields_set:
            update[key] = base
    return own.model_copy(update=update)
