"""Signs of more: what a response says about further records, wherever it says so.

In: the last response of a request series, and how much the series has read. Out: a ``Sign`` for each
link, cursor, flag or total that speaks of more. The paginator knows one place only. When the API moves
its cursor to another place, the listing seems to end; the other places show that it does not.

Only the envelope is looked at, never a record. Names that also stand for other things (``next``,
``total``) count at the root and in objects whose name speaks of paging.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analytics_sync.extract.rest_client.paginators.link_header import MalformedLinkHeader, find_link
from analytics_sync.extract.rest_client.paginators.sign_names import (
    ANY_TOTALS,
    FILTERED_TOTALS,
    HEADER_TOKENS,
    HEADER_TOTALS,
    LINK_STARTS,
    OFFSETS,
    PAGE_NUMBERS,
    PAGE_TOTALS,
    PAGING,
    TOKEN_KEYS,
    TOKENS,
    TOKENS_IF_PAGING,
    TOTALS,
    is_usable,
    names_in,
    plain_name,
    read_flag,
    whole_number_of,
)
from analytics_sync.extract.rest_client.response import Response

_MAX_DEPTH = 3
_CONTENT_RANGE = re.compile(r"\s*(?:[\w-]+[ =])?(\d+)-(\d+)/(\d+)\s*")


@dataclass(frozen=True)
class Sign:
    """One thing in a response that speaks of more.

    Attributes:
        kind: ``total`` also stands for a number of pages.
        place: A dotted path in the body, or the name of a header.
        text: The sign in words, without a secret.
        value: The link, the cursor, the flag or the number.
        read: What was read, in the unit of a total.
    """

    kind: Literal["link", "cursor", "flag", "total"]
    place: str
    text: str
    value: Any = None
    read: int = 0


@dataclass(frozen=True)
class Progress:
    """How much a request series has read, this response included."""

    records: int
    pages: int


@dataclass(frozen=True)
class _Envelope:
    """One object around the records, with its path and whether its name speaks of paging."""

    path: str
    values: Mapping[str, Any]
    is_paging: bool

    def place(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def signs_of_more(
    response: Response, records: Sequence[Any], progress: Progress, selector: str | None = None
) -> list[Sign]:
    """The signs of more in the last response of a series.

    A flag that denies more (``has_more: false``) cancels cursors: some APIs hand one out for ever.

    Args:
        response: The response.
        records: Its records, as they are in the body.
        progress: How much the series has read.
        selector: The declared place of the records; None without one.
    """
    signs = list(_in_headers(response, progress))
    denied = False
    for envelope in _envelopes(response.body, records, selector):
        for name, value in envelope.values.items():
            key = plain_name(name)
            place = envelope.place(name)
            if (more := read_flag(key, value, is_paging=envelope.is_paging)) is not None:
                denied |= not more
                if more:
                    signs.append(Sign("flag", place, f"{place} is {str(value).lower()}", value))
            elif key in TOKENS or (envelope.is_paging and key in TOKENS_IF_PAGING):
                signs += read_token(place, value)
            elif key in ("links", "link") and isinstance(value, list):
                signs += _listed_link(place, value, records)
        signs += _totals(envelope, progress, len(records))
    return [s for s in signs if not (denied and s.kind == "cursor")]


def says_all_read(
    response: Response, records: Sequence[Any], progress: Progress, selector: str | None = None
) -> bool:
    """Whether a flag or a total of the response says that all was read, and nothing speaks of more."""
    if signs_of_more(response, records, progress, selector):
        return False
    for envelope in _envelopes(response.body, records, selector):
        for name, value in envelope.values.items():
            key, number = plain_name(name), whole_number_of(value)
            if read_flag(key, value, is_paging=envelope.is_paging) is False:
                return True
            if not envelope.is_paging or number is None:
                continue
            # A total of the length of this page may count this page only.
            if key in TOTALS and number == progress.records > len(records):
                return True
            if key in PAGE_TOTALS and number == progress.pages:
                return True
    return False


def denies_more(response: Response, records: Sequence[Any], selector: str | None = None) -> bool:
    """Whether a flag of the response says that there is no more, and no flag says that there is."""
    flags = {
        read_flag(plain_name(name), value, is_paging=envelope.is_paging)
        for envelope in _envelopes(response.body, records, selector)
        for name, value in envelope.values.items()
    }
    return False in flags and True not in flags


def _envelopes(body: Any, records: Sequence[Any], selector: str | None) -> Iterator[_Envelope]:
    """The objects around the records, the body first."""
    if not isinstance(body, Mapping):
        return
    on_way = names_in(selector or "")
    own = {id(record) for record in records}
    waiting = [(_Envelope("", body, True), 0)]
    for envelope, depth in waiting:
        if id(envelope.values) in own or any(id(v) in own for v in envelope.values.values()):
            continue  # a record, or an object of records by their keys
        yield envelope
        if depth == _MAX_DEPTH:
            continue
        for name, value in envelope.values.items():
            if not isinstance(value, Mapping):
                continue
            is_paging = plain_name(name) in PAGING or name in on_way
            # ``next: {href: ...}`` is a link, and no object around records.
            if plain_name(name) not in TOKENS | {"next", "total"} and (is_paging or depth == 0):
                waiting.append((_Envelope(envelope.place(name), value, is_paging), depth + 1))


def read_token(place: str, value: Any) -> list[Sign]:
    """The sign of a value that leads to the next page; none for an empty one."""
    if isinstance(value, Mapping):
        found = [v for name, v in value.items() if plain_name(name) in TOKEN_KEYS]
        value = next((v for v in found if is_usable(v)), None)
    if not is_usable(value):
        return []
    if isinstance(value, str) and value.startswith(LINK_STARTS):
        return [Sign("link", place, f"there is a link at {place}", value)]
    return [Sign("cursor", place, f"there is a cursor at {place}", value)]


def _listed_link(place: str, links: list[Any], records: Sequence[Any]) -> list[Sign]:
    """The sign of ``links: [{rel: next, href: ...}]``."""
    if not records or links is not records:
        for link in links:
            if isinstance(link, Mapping) and "next" in (link.get("rel"), link.get("relation")):
                return read_token(f"{place} (next)", link)
    return []


def _totals(envelope: _Envelope, progress: Progress, page_length: int) -> Iterator[Sign]:
    """The totals in an object that exceed what was read."""
    if not envelope.is_paging:
        return
    if not any(plain_name(name) in ANY_TOTALS for name in envelope.values):
        return
    numbers = {
        plain_name(name): (name, whole_number_of(value)) for name, value in envelope.values.items()
    }
    offset = max((numbers[k][1] or 0 for k in OFFSETS & numbers.keys()), default=0)
    page = max((numbers[k][1] or 0 for k in PAGE_NUMBERS & numbers.keys()), default=0)
    read = max(progress.records, offset + page_length if offset else 0)
    names = numbers.keys() & FILTERED_TOTALS or numbers.keys() & TOTALS
    for key in sorted(names):
        name, total = numbers[key]
        if total is not None and total > read:
            place = envelope.place(name)
            text = f"{place} is {total:,}, and {read:,} records were read"
            yield Sign("total", place, text, total, read)
    for key in sorted(numbers.keys() & PAGE_TOTALS):
        name, total = numbers[key]
        if total is not None and total > max(progress.pages, page):
            place = envelope.place(name)
            text = f"{place} is {total:,}, and {progress.pages:,} pages were read"
            yield Sign("total", place, text, total, progress.pages)


def _in_headers(response: Response, progress: Progress) -> Iterator[Sign]:
    headers = response.headers
    if header := headers.get("link"):
        try:
            link = find_link(header, "next")
        except MalformedLinkHeader:
            link = header if "next" in header.lower() else None
        if link:
            yield Sign("link", "Link", "the header Link holds a next link", link)
    for name, value in headers.items():
        key = plain_name(name) if name.startswith(("x-", "next-")) else ""
        if key in HEADER_TOKENS and is_usable(value):
            yield Sign("cursor", name, f"there is a cursor in the header {name}", value)
        elif key == "xhasmore" and value.lower() == "true":
            yield Sign("flag", name, f"the header {name} is true", value)
        elif key in HEADER_TOTALS or key == "xtotalpages":
            total = whole_number_of(value)
            read, unit = (
                (progress.pages, "pages") if key == "xtotalpages" else (progress.records, "records")
            )
            if total is not None and total > read:
                text = f"the header {name} is {total:,}, and {read:,} {unit} were read"
                yield Sign("total", name, text, total, read)
    if found := _CONTENT_RANGE.fullmatch(headers.get("content-range", "")):
        end, total = int(found[2]), int(found[3])
        if total > max(progress.records, end + 1):
            text = f"the header Content-Range ends in {total:,}"
            yield Sign("total", "content-range", text, total, progress.records)
