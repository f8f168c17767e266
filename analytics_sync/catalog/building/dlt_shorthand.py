"""dlt's shorter spellings -> one plain form.

In: declared paginators, as dlt permits them. Out: the same declaration in the plain form. The meaning of
a spelling follows from the responses of real servers.
"""

from __future__ import annotations

from collections.abc import Mapping

from analytics_sync.catalog.config.paginators import Cursor, JsonLink, PaginatorConfig
from analytics_sync.catalog.errors import Fail


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
    if paginator.cursor_body_path is not None:
        return paginator.model_copy(update={"cursor_path": paginator.cursor_path or "cursors.next"})
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
