"""What an answer says of the parameters of its API.

In: a page. Out: the names that stand around its records or in its links, and the values that may be cursors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analytics_sync.extract.rest_client.paginators.sign_names import (
    LINK_STARTS,
    PAGING,
    is_usable,
    name_set,
    plain_name,
)
from analytics_sync.infer.pages import AnsweredPage
from analytics_sync.infer.param_names import in_links, names_in_body

_MAX_DEPTH = 3
_CURSOR_NAMES = name_set(
    "after before cursor next endcursor end marker token continuation scrollid"
)


def known_params(page: AnsweredPage) -> list[str]:
    """The names of parameters that an answer shows, those of its links first."""
    around = _around(page.response.body, {id(record) for record in page.records}, 0)
    links = [*_links(around), page.response.headers.get("link", "").partition(">")[0].lstrip("<")]
    return [*in_links(links), *names_in_body(around)]


def possible_cursors(page: AnsweredPage) -> Iterator[tuple[str, str | int]]:
    """Values in objects that speak of paging, with names that only cursors have there; with their places.

    Such a value is no sign of more: some APIs hand one out after the last page, too.
    """
    around = _around(page.response.body, {id(record) for record in page.records}, 0)
    yield from _possible_cursors(around, "")


def _possible_cursors(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, str | int]]:
    for name, value in values.items():
        place = f"{above}.{name}" if above else name
        if isinstance(value, Mapping):
            yield from _possible_cursors(value, place)
        elif plain_name(name) in _CURSOR_NAMES and _is_in_paging(above) and _is_cursor(value):
            yield place, value


def _is_in_paging(above: str) -> bool:
    return any(plain_name(name) in PAGING for name in above.split("."))


def _is_cursor(value: Any) -> bool:
    is_link = isinstance(value, str) and value.startswith(LINK_STARTS)
    return isinstance(value, str | int) and is_usable(value) and not is_link


def _around(value: Any, records: set[int], depth: int) -> dict[str, Any]:
    """The objects of an answer without its records."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH or id(value) in records:
        return {}
    return {
        name: _around(inner, records, depth + 1) if isinstance(inner, Mapping) else inner
        for name, inner in value.items()
        if not isinstance(inner, list)
    }


def _links(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, Mapping):
            yield from _links(value)
        elif isinstance(value, str) and value.startswith(LINK_STARTS):
            yield value
