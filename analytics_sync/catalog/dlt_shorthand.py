"""What the odd forms of a configuration mean.

In: parts of a catalog file that are legal but not final: a cursor paginator that names a place in
the response, parameters in dlt's shorter spellings. Out: the same in one plain form. Each function
is one form, with the reading that the facts about real servers support.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from analytics_sync.catalog import models as f
from analytics_sync.catalog.paginators import Cursor, JsonLink, PaginatorConfig

Fail = Callable[..., NoReturn]
_RESOURCE_PLACEHOLDER = re.compile(r"\{resources\.([A-Za-z0-9_]+)\.([^{}]+)\}")
_BOUNDS = {
    "{incremental.start_value}": "start_param",
    "{incremental.end_value}": "end_param",
}


def read_paginator(
    paginator: PaginatorConfig, siblings: Mapping[str, str], fail: Fail
) -> PaginatorConfig:
    """A cursor paginator with only a dotted ``cursor_param`` names a place in the response.

    Ending in ``next``, the place holds the URL of the next page. Otherwise it is the tail of a
    cursor's place, and the parameter is the one a sibling resource uses for that place; such
    servers count on, so an empty page ends the walk.

    Args:
        paginator: As declared.
        siblings: Places of cursors in this source -> their parameter.
        fail: Raises for this resource.
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
    for path, parameter in siblings.items():
        if path == place or path.endswith(f".{place}"):
            return Cursor(
                cursor_path=f"..{place}", cursor_param=parameter, stop_after_empty_page=True
            )
    return fail(
        f"cursor_param {place!r} looks like a place in the response; expected cursor_path there "
        "and a query parameter in cursor_param",
        "endpoint",
        "paginator",
        "cursor_param",
    )


def read_incremental(
    endpoint: f.Endpoint, fail: Fail
) -> tuple[f.Incremental | None, dict[str, f.Param]]:
    """dlt lets parameters say what ``incremental`` says; bring it all to ``incremental``.

    ``since: {type: incremental, cursor_path: ...}`` is ``start_param: since``; so is
    ``since: "{incremental.start_value}"`` beside an ``incremental`` block.
    """
    incremental = endpoint.incremental
    params: dict[str, f.Param] = {}
    for name, value in endpoint.params.items():
        if isinstance(value, f.IncrementalParam):
            incremental = f.Incremental(cursor_path=value.cursor_path, start_param=name)
        elif isinstance(value, str) and value in _BOUNDS:
            if incremental is None:
                fail("expected endpoint.incremental beside this value", "endpoint", "params", name)
            incremental = incremental.model_copy(update={_BOUNDS[value]: name})
        elif isinstance(value, str) and (reference := f.REFERENCE.match(value)):
            kind, key = reference.groups()
            params[name] = f.SettingParam(type="secret" if kind == "secrets" else "config", key=key)
        else:
            params[name] = value
    return incremental, params


def read_placeholders(path: str, params: Mapping[str, f.Param]) -> tuple[str, dict[str, f.Param]]:
    """``{resources.parent.field}`` in a path is a parameter of type resolve."""
    found: dict[str, f.Param] = dict(params)

    def replace(match: re.Match[str]) -> str:
        resource, field = match.groups()
        name = f"{resource}_{field}".replace(".", "_")
        found[name] = f.ResolveParam(type="resolve", resource=resource, field=field)
        return f"{{{name}}}"

    return _RESOURCE_PLACEHOLDER.sub(replace, path), found
