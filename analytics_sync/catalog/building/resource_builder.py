"""The builder of a resource: a resource of the file and its defaults -> ``Resource``.

In: the models of one resource, of ``resource_defaults`` and of the client. Out: the finished
``Resource``, or a ``CatalogError`` for the first mistake. Parents are checked later, by
``relations.py``, because a child may stand above its parent in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from analytics_sync.catalog.building.bounds_keys import check_bounds
from analytics_sync.catalog.building.deletes import marks_deleted
from analytics_sync.catalog.building.dlt_shorthand import read_paginator
from analytics_sync.catalog.building.fields import (
    build_cursor,
    build_fields,
    build_hints,
    with_key,
)
from analytics_sync.catalog.building.request_texts import RequestTexts
from analytics_sync.catalog.config.client import Client, ErrorHandler
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import ResourceConfig, ResourceDefaults
from analytics_sync.catalog.config.page_keys import page_keys
from analytics_sync.catalog.config.paginators import Auto, Offset, PaginatorConfig
from analytics_sync.catalog.config.params import Param, ResolveParam
from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.naming import is_snake_case, resource_name, table_name
from analytics_sync.catalog.source import Field, Post, Resource
from analytics_sync.common.json_path import compile_path

_JOINED = ("params", "json_", "data")
_DAY_DIRECTIVES = ("%d", "%e", "%j", "%F", "%D")


class ResourceBuilder:
    """The builder of one resource.

    Args:
        source: Name of the source.
        client: The client of the source; its paginator and error handler are fallbacks.
        defaults: ``resource_defaults`` of the file.
        declared: The resource as the file has it.
        cursor_params: Path of a cursor in a response of this source -> its query parameter.
        fail: Raises ``CatalogError`` for this resource.
    """

    def __init__(
        self,
        source: str,
        client: Client,
        defaults: ResourceDefaults,
        declared: ResourceConfig,
        cursor_params: Mapping[str, str],
        fail: Fail,
    ) -> None:
        self.source = source
        self.client = client
        self.name = resource_name(declared.name)
        self.declared = declared
        self.endpoint = _merged(defaults.endpoint, declared.endpoint)
        self.resource = with_key(_merged(defaults, declared))
        self.cursor_params = cursor_params
        self.fail = fail

    def build(self) -> Resource:
        """Check the declaration and build the resource.

        Raises:
            CatalogError: The first mistake that was found.
        """
        if not is_snake_case(self.name):
            self.fail(f"name {self.name!r}: expected lower_snake_case", "name")
        texts = RequestTexts(self.endpoint, self._checked_path(), self.fail)
        incremental = texts.incremental
        parent = self._parent(texts.params)
        if not self.resource.primary_key and self.resource.selected:
            self.fail(
                "expected primary_key: without it rows cannot be told apart. Without a field that is unique, "
                "declare primary_key: row_hash, or write_disposition: replace",
                "primary_key",
            )
        inherited = {
            name.replace("*", f"_{parent}_", 1): field
            for name, field in self.resource.include_from_parent.items()
        }
        fields = build_fields(self.resource, incremental, inherited, self.fail)
        hints = build_hints(self.resource, self.fail)
        cursor = self._cursor(incremental, fields, hints) if incremental else None
        if self.resource.sensor and (incremental is None or parent):
            self.fail(
                "expected endpoint.incremental and no parent: it looks for newer records", "sensor"
            )
        if self.resource.sensor and texts.has_bounds:
            self.fail(
                "a sensor has no window, and a text of the endpoint holds a bound of one", "sensor"
            )
        return self._resource(texts, cursor, parent, inherited, fields, hints)

    def _resource(
        self,
        texts: RequestTexts,
        cursor: Field | None,
        parent: str | None,
        inherited: Mapping[str, str],
        fields: tuple[Field, ...],
        hints: tuple[Field, ...],
    ) -> Resource:
        endpoint, resource = self.endpoint, self.resource
        path, params, incremental = texts.path, texts.params, texts.incremental
        return Resource(
            source=self.source,
            name=self.name,
            table=self._table(),
            path=path,
            description=resource.description,
            params=params,
            texts=texts.query,
            hidden=texts.hidden,
            headers=texts.headers,
            post=self._post(texts),
            selector=endpoint.data_selector,
            key_field=self._key_field(),
            paginator=self._paginator(),
            incremental=incremental,
            cursor=cursor,
            error_handler=endpoint.error_handler or self.client.error_handler or ErrorHandler(),
            response_actions=endpoint.response_actions or (),
            primary_key=resource.primary_key,
            write_disposition=resource.write_disposition or "merge",
            fields=fields,
            hints=hints,
            steps=resource.processing_steps,
            inherited=inherited,
            parent=parent,
            skip_parents=resource.skip_parents,
            selected=resource.selected,
            sensor=resource.sensor,
            count_path=endpoint.count_path or _record_total_path(endpoint.paginator),
            soft_deletes=marks_deleted(resource, path, params, incremental, parent, self.fail),
            page=page_keys(resource),
        )

    def _table(self) -> str:
        """The name of the table, as dlt normalises it.

        The tables of a dataset hold no other table of its name, and none of ours.
        """
        spelled = self.declared.table_name
        if spelled is None:
            return table_name(self.name)
        if not is_snake_case(found := table_name(spelled)):
            self.fail(
                f"table_name {spelled!r}: expected a name that begins with a letter", "table_name"
            )
        return found

    def _checked_path(self) -> str:
        path = self.declared.name if self.endpoint.path is None else self.endpoint.path
        if any(part in {".", ".."} for part in path.split("/")) or "?" in path or "#" in path:
            self.fail("expected a path without '.', '..', '?' and '#'", "endpoint", "path")
        if "://" in path:
            self.fail("expected a path below base_url, not a whole URL", "endpoint", "path")
        if any(sign in path for sign in ("${", "{{", "}}")):
            self.fail("expected {placeholder}: there are no templates", "endpoint", "path")
        return path

    def _post(self, texts: RequestTexts) -> Post | None:
        """The body of a POST request, checked together with the method and the paginator."""
        has_body = texts.json is not None or texts.data is not None
        if self.endpoint.method != "POST":
            if has_body:
                key = "json" if texts.json is not None else "data"
                self.fail(
                    "expected method: POST beside a body: a GET request has none", "endpoint", key
                )
            if body_paths := self._paginator().body_paths:
                self.fail(
                    f"expected method: POST: {', '.join(sorted(body_paths))} is a place in the body",
                    "endpoint", "paginator",
                )  # fmt: skip
            return None
        if texts.json is not None and texts.data is not None:
            self.fail("expected json or data, found both", "endpoint", "data")
        if self._paginator().body_paths and isinstance(texts.json, list):
            self.fail("expected a mapping: the paginator adds keys to it", "endpoint", "json")
        if self._paginator().body_paths and texts.data is not None:
            self.fail("expected json: the paginator adds keys to the JSON body", "endpoint", "data")
        return Post(texts.json, texts.data)

    def _parent(self, params: Mapping[str, Param]) -> str | None:
        """The one resource whose records give parameter values; None without such a parameter."""
        parents = {p.resource for p in params.values() if isinstance(p, ResolveParam)}
        if len(parents) > 1:
            self.fail(f"expected one parent, found {sorted(parents)}", "endpoint", "params")
        if parents:
            return parents.pop()
        if self.resource.include_from_parent or self.resource.skip_parents:
            self.fail(
                "expected a parameter of type resolve: there is no parent", "include_from_parent"
            )
        return None

    def _cursor(
        self, incremental: Incremental, fields: tuple[Field, ...], hints: tuple[Field, ...]
    ) -> Field | None:
        """The field of ``cursor_path``, checked together with the query parameters."""
        cursor = next((f for f in fields if f.name == incremental.cursor_path), None)
        if not fields:
            cursor = build_cursor(incremental, hints)
        if cursor and cursor.data_type not in {"timestamp", "date"}:
            self.fail(
                f"expected a field of type timestamp or date, {cursor.name!r} is {cursor.data_type}",
                "endpoint", "incremental", "cursor_path",
            )  # fmt: skip
        pattern = incremental.param_format
        if incremental.step == "month":
            if incremental.start_param is None:
                self.fail("expected start_param: it takes the month", "endpoint", "incremental")
        elif "%" in pattern and not any(day in pattern for day in _DAY_DIRECTIVES):
            self.fail(
                f"expected param_format with a day (%d), found {pattern!r}; or step: month",
                "endpoint", "incremental",
            )  # fmt: skip
        check_bounds(incremental, self.fail)
        return cursor

    def _paginator(self) -> PaginatorConfig:
        declared = self.endpoint.paginator or self.client.paginator or Auto()
        return read_paginator(declared, self.cursor_params, self.fail)

    def _key_field(self) -> str | None:
        """The field that takes the key of a record, checked together with the selector."""
        name, selector = self.endpoint.key_field, self.endpoint.data_selector
        if name is not None and (selector is None or compile_path(selector).chain is not None):
            self.fail(
                "expected a data_selector such as data.*: only its records have a key",
                "endpoint", "key_field",
            )  # fmt: skip
        return name


def _record_total_path(paginator: PaginatorConfig | None) -> str | None:
    """The path of a total of records: an offset's total counts records, a page number's pages.

    Where empty pages are no end, the API leaves records out of its pages. Its total counts them too.
    """
    if isinstance(paginator, Offset) and paginator.stop_after_empty_page:
        return paginator.total_path
    return None


_M = TypeVar("_M", bound=BaseModel)


def _merged(defaults: BaseModel, declared: _M) -> _M:
    """The declared keys over the defaults. Parameters and bodies are joined name by name."""
    update: dict[str, Any] = {}
    for key in type(defaults).model_fields:
        default = getattr(defaults, key)
        if key in declared.model_fields_set:
            if key in _JOINED and isinstance(getattr(declared, key), dict) and default:
                update[key] = {**default, **getattr(declared, key)}
        elif key in defaults.model_fields_set:
            update[key] = default
    return declared.model_copy(update=update)
