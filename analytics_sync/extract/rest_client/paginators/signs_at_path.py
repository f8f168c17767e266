"""Signs at the declared path of a cursor or link: elements that lack the last key of the path.

In: the last response of a request series, and the declared path. Out: whether a record lacks the cursor;
a ``Sign`` for each other link or cursor in an element. An element of links may be empty or partial on the
last page, so its missing key alone is no sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.common.json_path import compile_path, elements_without
from analytics_sync.extract.rest_client.paginators.sign_names import (
    LINK_STARTS,
    TOKENS,
    TOKENS_IF_PAGING,
    name_set,
    plain_name,
)
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign, read_token

_LINK_KEYS = name_set("href url uri link target")
_RELATIONS = name_set("rel relation reltype")
_NAMES_OF_LINKS = name_set(
    """
    cursor token after before page offset limit size perpage number start method title total count
    prev previous previouspage previouscursor first last self current hasmore more type
    """
)
_NAMES = _LINK_KEYS | _RELATIONS | _NAMES_OF_LINKS | TOKENS | TOKENS_IF_PAGING


def lacks_cursor(body: Any, path: str, records: Sequence[Any]) -> bool:
    """Whether ``path`` leads to a record without the keys that follow.

    Args:
        body: The decoded body.
        path: The declared path of the cursor.
        records: The records of the page. A filter may have left some records of the list out.
    """
    return any(
        _holds_records(found, records) or not _is_about_links(element)
        for found, element in elements_without(body, path)
    )


def signs_at_path(body: Any, path: str, records: Sequence[Any]) -> Iterator[Sign]:
    """The links and cursors in elements that lack the last key of ``path``.

    Also in elements that lack the field that a filter of ``path`` compares.

    Args:
        body: The decoded body.
        path: The declared path of the cursor or link.
        records: The records of the page.
    """
    tested, absent = compile_path(path).filtered(body)
    elements = elements_without(body, path) + [(tested, element) for element in tested if absent]
    for found, element in elements:
        if _holds_records(found, records):
            continue
        if isinstance(element, str):
            yield from _link(path, "", element)
        elif isinstance(element, Mapping):
            leads_on = _may_lead_on(element)
            for name, value in element.items():
                key = plain_name(name)
                if key in TOKENS or key in TOKENS_IF_PAGING:
                    yield from read_token(f"{name} beside {path}", value)
                elif key in _LINK_KEYS and leads_on:
                    yield from _link(path, name, value)


def _link(path: str, name: str, value: Any) -> Iterator[Sign]:
    place = f"{name} beside {path}" if name else f"the element of {path}"
    if isinstance(value, str) and value.startswith(LINK_STARTS):
        yield Sign("link", place, f"there is a link at {place}", value)


def _may_lead_on(element: Mapping[str, Any]) -> bool:
    """Whether the relation of a link is ``next``, or no relation is named."""
    named = [v for name, v in element.items() if plain_name(name) in _RELATIONS]
    return not named or any(v == "next" or (isinstance(v, list) and "next" in v) for v in named)


def _holds_records(found: Sequence[Any], records: Sequence[Any]) -> bool:
    """Whether a list of the body holds records, or objects around them."""
    own = {id(record) for record in records}
    return any(
        id(element) in own
        or (isinstance(element, Mapping) and any(id(v) in own for v in element.values()))
        for element in found
    )


def _is_about_links(element: Any) -> bool:
    """Whether an element may be a link, also an empty one."""
    if not isinstance(element, Mapping):
        return True
    return not element or any(plain_name(name) in _NAMES for name in element)
