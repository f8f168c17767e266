"""dlt's shorter spellings -> one plain form.

In: declared paginators, parameters and paths, as dlt permits them. Out: the same declaration in the
plain form. An example is a bound inside ``params``, which becomes a key of ``incremental``. Each
function reads one spelling. The meaning of a spelling follows from the responses of real servers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from analytics_sync.catalog.config.models import Endpoint, Incremental
from analytics_sync.catalog.config.paginators import Cursor, JsonLink, PaginatorConfig
from analytics_sync.catalog.config.params import (
    REFERENCE,
    IncrementalParam,
    Param,
    ResolveParam,
    SettingParam,
)
from analytics_sync.catalog.errors import Fail

_RESOURCE_PLACEHOLDER = re.compile(r"\{resources\.([A-Za-z0-9_]+)\.([^{}]+)\}")
_BOUNDS = {
    "{incremental.start_value}": "start_param",
    "{incremental.end_value}": "end_param",
}


def read_paginator(
    paginator: PaginatorConfig, cursor_params: Mapping[str, str], fail: Fail
) -> PaginatorConfig:
    """Give a cursor paginator its path in the response and its query parameter.

    A paginator with only a dotted ``cursor_param`` names a path in the response. A path that ends
    in ``next`` holds the URL of the next page. Any other path is the tail of a cursor's path. Its
    query parameter is then the one that another resource of the source declares for that cursor.
    Servers of this kind send a cursor after the last page too, so an empty page is the end.

    Args:
        paginator: The paginator as declared.
        cursor_params: Path of a cursor in a response of this source -> its query parameter.
        fail: Raises ``CatalogError`` for this resource.

    Raises:
        CatalogError: No resource of the source declares a query parameter for the path.
    """
    if not isinstance(paginator, Cursor):
        return paginator
    place = paginator.cursor_param
    if paginator.cursor_path is not None or place is None or "." not in place:
        return Cursor(
            cursor_path=paginator.cursor_path or "cursors.next",
            cursor_param=place or "cursor",
            has_more_path=paginator.has_more_path,
            stop_after_empty_page=paginator.stop_after_empty_page,
        )
    if place.endswith(".next"):
        return JsonLink(next_url_path=place)
    for path, parameter in cursor_params.items():
        if path == place or path.endswith(f".{place}"):
            return Cursor(
                cursor_path=f"..{place}", cursor_param=parameter, stop_after_empty_page=True
            )
    return fail(
        f"cursor_param {place!r} looks like a place in the response; expected cursor_path there "
        "and a query parameter in cursor_param",
        "endpoint", "paginator", "cursor_param",
    )  # fmt: skip


def read_incremental(endpoint: Endpoint, fail: Fail) -> tuple[Incremental | None, dict[str, Param]]:
    """Move all that ``params`` declare about the window to ``incremental``.

    ``since: {type: incremental, cursor_path: ...}`` is ``start_param: since``; so is
    ``since: "{incremental.start_value}"`` beside an ``incremental`` block.

    Args:
        endpoint: The endpoint, defaults merged.
        fail: Raises ``CatalogError`` for this resource.

    Returns:
        The complete ``incremental``, or None for a snapshot, and the remaining parameters.

    Raises:
        CatalogError: A parameter is a bound, but there is no ``incremental`` block.
    """
    incremental = endpoint.incremental
    params: dict[str, Param] = {}
    for name, value in endpoint.params.items():
        if isinstance(value, IncrementalParam):
            incremental = Incremental(cursor_path=value.cursor_path, start_param=name)
        elif isinstance(value, str) and value in _BOUNDS:
            if incremental is None:
                fail("expected endpoint.incremental beside this value", "endpoint", "params", name)
            incremental = incremental.model_copy(update={_BOUNDS[value]: name})
        elif isinstance(value, str) and (reference := REFERENCE.match(value)):
            kind, key = reference.groups()
            params[name] = SettingParam(type="secret" if kind == "secrets" else "config", key=key)
        else:
            params[name] = value
    return incremental, params


def read_placeholders(path: str, params: Mapping[str, Param]) -> tuple[str, dict[str, Param]]:
    """Turn each ``{resources.parent.field}`` of a path into a parameter of type resolve.

    Returns:
        The path with plain placeholders, and all parameters.
    """
    found: dict[str, Param] = dict(params)

    def replace(match: re.Match[str]) -> str:
        resource, field = match.groups()
        name = f"{resource}_{field}".replace(".", "_")
        found[name] = ResolveParam(type="resolve", resource=resource, field=field)
        return f"{{{name}}}"

    return _RESOURCE_PLACEHOLDER.sub(replace, path), found
