"""The request of a resource: its declaration and the values of its parameters, put together.

In: a resource, and a value for each parameter and bound. Out: a ``ResourceRequest``: URL, query, headers and
body, without what a paginator adds. Values go into the path percent-encoded, and into texts as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.texts import Placeholder, Text, texts_in
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.json_path import compile_field, put
from analytics_sync.extract.rest_client.content import GET, Content, post
from analytics_sync.extract.rest_client.urls import (
    check_query_values,
    fill_path,
    join,
    placeholders,
    placeholders_with_slash,
    request_text,
)

_SENDABLE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class ResourceRequest:
    """The request of one series.

    Attributes:
        resource: The resource.
        url: The URL without the query.
        query: The query.
        headers: The headers of the resource, beside those of the client.
        values: The values that stand in texts only, by parameter.
        json: The JSON of a POST request; None without one.
        form: The form of a POST request; None without one.
    """

    resource: Resource
    url: str
    query: Mapping[str, object]
    headers: Mapping[str, str]
    values: Mapping[str, object]
    json: Any = None
    form: Any = None

    @property
    def identity(self) -> Mapping[str, object]:
        """What tells this series from the others of its resource, beside the URL."""
        return {**self.query, **self.values}

    def page_query(self, params: Mapping[str, object]) -> dict[str, object]:
        """The query of a page.

        Args:
            params: The parameters of the paginator; those with a place in the body are left out.
        """
        body_paths = self.resource.paginator.body_paths
        if body_paths:
            params = {name: value for name, value in params.items() if name not in body_paths}
        return {**self.query, **params}

    def content(self, params: Mapping[str, object]) -> Content:
        """Method and body of a page.

        Args:
            params: The parameters of the paginator.
        """
        body_paths = self.resource.paginator.body_paths
        if not body_paths:
            return self._content
        json = {} if self.json is None else self.json
        for path in sorted(body_paths & params.keys()):
            json = put(json, compile_field(path).keys, params[path])
        return post(json, None)

    @cached_property
    def _content(self) -> Content:
        return GET if self.resource.post is None else post(self.json, self.form)


def request_of(
    resource: Resource,
    base_url: str,
    values: Mapping[str, object],
    place: Place,
    redact: Callable[[str], str],
) -> ResourceRequest:
    """The request of a resource.

    Args:
        resource: The declaration.
        base_url: The address of the API.
        values: The value of each parameter, and the bounds of the window.
        place: For messages.
        redact: Removes secrets from messages.

    Raises:
        ExtractError: A value cannot stand in its place, or the request needs a window and has none.
    """
    in_path = set(placeholders(resource.path))
    _check_bounds(resource, in_path, values, place)
    path = fill_path(
        resource.path,
        {n: values[n] for n in in_path},
        placeholders_with_slash(resource),
        place,
        redact,
    )
    given = {
        n: v
        for n, v in values.items()
        if n not in in_path and (n in resource.resolved or n in resource.settings)
    }
    check_query_values(given, place, redact)
    query = {n: v for n, v in values.items() if n not in in_path and n not in resource.hidden}
    query |= {name: _filled(text, values) for name, text in resource.texts.items()}
    headers = {name: _filled(value, values) for name, value in resource.headers.items()}
    body = resource.post
    return ResourceRequest(
        resource,
        join(base_url, path),
        query,
        {name: _sendable(name, v, place, redact) for name, v in headers.items() if v is not None},
        {n: v for n, v in values.items() if n in resource.hidden},
        _filled(body.json, values, keeps_types=True) if body else None,
        _filled(body.form, values) if body else None,
    )


def _check_bounds(
    resource: Resource, in_path: set[str], values: Mapping[str, object], place: Place
) -> None:
    """Refuse a request whose texts need a window, if there is none.

    Raises:
        ExtractError: A bound has no value.
    """
    body = resource.post
    texts = texts_in([*resource.texts.values(), *resource.headers.values()])
    texts += texts_in([body.json, body.form]) if body else []
    needed = in_path.union(*(text.names for text in texts))
    if missing := sorted(needed - values.keys()):
        raise ExtractError(
            place,
            f"the request holds a bound of the window ({', '.join(missing)}), and there is no window.",
            "Run a partition.",
        )


def _filled(template: Any, values: Mapping[str, object], *, keeps_types: bool = False) -> Any:
    """A value with its texts filled in; None for a text whose only slot has no value.

    Args:
        template: The value, with ``Text`` at any depth.
        values: The values of the slots.
        keeps_types: Whether a text that is one slot alone keeps the type of its value.
    """
    if isinstance(template, Text):
        return _text(template, values, keeps_types=keeps_types)
    if isinstance(template, dict):
        return {n: _filled(v, values, keeps_types=keeps_types) for n, v in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(item, values, keeps_types=keeps_types) for item in template]
    return template


def _text(text: Text, values: Mapping[str, object], *, keeps_types: bool) -> object:
    match text.parts:
        case (Placeholder() as only,):
            value = values[only.name]
            if keeps_types and only.is_number and isinstance(value, str):
                return int(value)
            return value if keeps_types or value is None else request_text(value)
    return "".join(
        part if isinstance(part, str) else request_text(values[part.name]) for part in text.parts
    )


def _sendable(name: str, value: str, place: Place, redact: Callable[[str], str]) -> str:
    """The value of a header, if a header can hold it.

    Raises:
        ExtractError: It holds a control character, or one outside ASCII.
    """
    if not _SENDABLE.fullmatch(value) or value != value.strip():
        raise ExtractError(
            place,
            f"the value {redact(value)[:80]!r} cannot be the header {name!r}.",
            "It holds a space at its ends or a character that no header can hold: look at the setting or at "
            "the parent record it comes from.",
        )
    return value
