"""Next links: the addresses in a body that lead to the next page, at the places where dlt looks.

In: the first page of a listing whose paginator nobody declared. Out: the addresses that lead on.
An address is certain where the envelope speaks of paging, or if its path is that of the page itself.

dlt takes the first name that starts with ``next``, at any depth. Elsewhere and with another path, a name of a
next page is in doubt. Other names may stand for the next step or the next event, and do not count. Records are
never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from analytics_sync.common.json_path import spell
from analytics_sync.extract.rest_client.paginators.sign_names import (
    LINK_STARTS,
    PAGING,
    TOKENS,
    TOKENS_IF_PAGING,
    plain_name,
)
from analytics_sync.extract.rest_client.response import Response

_MAX_DEPTH = 4
_NAMES = {name for name in TOKENS | TOKENS_IF_PAGING if name.startswith("next")}
_NAMES_OF_ADDRESSES = ("url", "uri", "link", "href")
_NAMES_IN_OBJECTS = ("href", "url")
_ABSOLUTE = ("http://", "https://")
_Keys = tuple[str, ...]


@dataclass(frozen=True)
class NextLink:
    """One address in a body.

    Attributes:
        path: The place, as ``next_url_path`` spells it.
        place: The place for messages.
        url: The absolute address.
        is_certain: Whether the address is certain to lead to the next page.
    """

    path: str
    place: str
    url: str
    is_certain: bool = True


def next_links(response: Response, records: Sequence[Any]) -> list[NextLink]:
    """The addresses that lead to the next page, the certain ones if there are any.

    Of several places with one address, the first counts.

    Args:
        response: The response.
        records: Its records.
    """
    in_paging: dict[str, NextLink] = {}
    to_same_path: dict[str, NextLink] = {}
    in_doubt: dict[str, NextLink] = {}
    for envelope, values, is_paging in _envelopes(response.body, records):
        for name, value in values.items():
            key = plain_name(name)
            if not key.startswith("next"):
                continue
            for keys, text in _addresses((*envelope, name), key, value):
                link = _link(keys, text, response.url)
                if link is None:
                    continue
                is_about_page = key in _NAMES or "page" in key
                if is_paging and is_about_page:
                    in_paging.setdefault(link.url, link)
                elif _has_same_path(link.url, response.url):
                    to_same_path.setdefault(link.url, link)
                elif is_about_page:
                    in_doubt.setdefault(link.url, replace(link, is_certain=False))
    return list((in_paging or to_same_path or in_doubt).values())


def is_one_object(response: Response, records: Sequence[Any]) -> bool:
    """Whether the only record is an object of its own, not an element of a list.

    The next link of such a page leads to another thing, not to more of a listing.
    """
    if len(records) != 1 or not isinstance(response.body, Mapping):
        return False
    own = _Records(records)
    holders = [(response.body, 0)]
    for values, depth in holders:
        if own.has(values):
            return True
        if depth <= _MAX_DEPTH:
            holders += [(v, depth + 1) for v in values.values() if isinstance(v, Mapping)]
    return False


class _Records:
    """Recognizes the records of a page. A body with secrets holds others than the masked records."""

    def __init__(self, records: Sequence[Any]) -> None:
        self._ids = {id(record) for record in records}
        self._keys = next((r.keys() for r in records if isinstance(r, Mapping) and r), None)

    def has(self, value: Any) -> bool:
        """Whether a value is a record."""
        if not isinstance(value, Mapping):
            return False
        return id(value) in self._ids or value.keys() == self._keys

    def has_some_of(self, value: Any) -> bool:
        """Whether a value is a list of records."""
        return isinstance(value, list) and bool(value) and self.has(value[0])


def _envelopes(
    body: Any, records: Sequence[Any]
) -> Iterator[tuple[_Keys, Mapping[str, Any], bool]]:
    """The objects around the records, each with its place and whether it speaks of paging."""
    own = _Records(records)
    waiting: list[tuple[_Keys, Any, bool]] = [((), body, True)]
    for keys, values, is_named in waiting:
        is_record = not isinstance(values, Mapping) or own.has(values)
        if is_record or any(map(own.has, values.values())):
            continue  # or an object of records by their keys
        yield keys, values, is_named or any(map(own.has_some_of, values.values()))
        if len(keys) < _MAX_DEPTH:
            waiting += [
                ((*keys, name), value, plain_name(name) in PAGING)
                for name, value in values.items()
                if isinstance(value, Mapping) and not plain_name(name).startswith("next")
            ]


def _addresses(keys: _Keys, key: str, value: Any) -> Iterator[tuple[_Keys, str]]:
    """The addresses at one name, which may hold an object with an address."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if plain_name(name).startswith(_NAMES_IN_OBJECTS) and _is_address(inner):
                yield (*keys, name), inner
    elif _is_address(value) and (
        key in ("next", "nextpage")
        or key not in _NAMES
        or any(word in key for word in _NAMES_OF_ADDRESSES)
        or value.startswith(_ABSOLUTE)  # a cursor may start with a slash
    ):
        yield keys, value


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(LINK_STARTS)


def _link(keys: _Keys, text: str, url: str) -> NextLink | None:
    """The link at a place; None for an address that is none."""
    with suppress(ValueError):
        is_plain = all(name.isidentifier() for name in keys)
        return NextLink(spell(keys, is_exact=not is_plain), ".".join(keys), urljoin(url, text))
    return None


def _has_same_path(link: str, url: str) -> bool:
    """Whether a link leads to another page of the listing at ``url``."""
    with suppress(ValueError):
        one, other = urlsplit(link), urlsplit(url)
        is_same = (one.hostname, one.port, one.path.rstrip("/")) == (
            other.hostname,
            other.port,
            other.path.rstrip("/"),
        )
        return is_same and bool(one.query) and one.query != other.query
    return False
