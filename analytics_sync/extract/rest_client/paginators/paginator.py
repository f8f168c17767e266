"""The paginator of each declared type.

In: a declared paginator. Out: a ``Paginator`` for one series of pages. To add a type, declare it in
``catalog/config/paginators.py``, write its class beside the others and enter both in the table below.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from analytics_sync.catalog.config import paginators as p
from analytics_sync.common.errors import Place
from analytics_sync.extract.rest_client.paginators.base_paginator import (
    NextPage,
    PageRequest,
    Paginator,
)
from analytics_sync.extract.rest_client.paginators.cursor_paginators import (
    CursorPaginator,
    HeaderCursorPaginator,
)
from analytics_sync.extract.rest_client.paginators.declared_values import whole_number
from analytics_sync.extract.rest_client.paginators.link_paginators import (
    HeaderLinkPaginator,
    JsonLinkPaginator,
)
from analytics_sync.extract.rest_client.paginators.numbered_paginators import PageNumberPaginator
from analytics_sync.extract.rest_client.paginators.offset_paginator import OffsetPaginator
from analytics_sync.extract.rest_client.paginators.single_page_paginators import (
    SinglePagePaginator,
    UndeclaredPaginator,
)

__all__ = ["NextPage", "PageRequest", "Paginator", "paginator_for", "whole_number"]

_PAGINATORS: dict[type[BaseModel], type[Paginator]] = {
    p.SinglePage: SinglePagePaginator,
    p.Auto: UndeclaredPaginator,
    p.PageNumber: PageNumberPaginator,
    p.Offset: OffsetPaginator,
    p.Cursor: CursorPaginator,
    p.JsonLink: JsonLinkPaginator,
    p.HeaderLink: HeaderLinkPaginator,
    p.HeaderCursor: HeaderCursorPaginator,
}


def paginator_for(
    config: p.PaginatorConfig, place: Place, redact: Callable[[str], str] = str
) -> Paginator:
    """A new paginator for one series of pages, of the declared type.

    Args:
        config: The declared paginator.
        place: For messages.
        redact: Removes secrets from messages.
    """
    return _PAGINATORS[type(config)](config, place, redact)
