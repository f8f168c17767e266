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
from functools import lru_cache
from typing import Any, Literal

from analytics_sync.extract.rest_client.link_header import MalformedLinkHeader, find_link
from analytics_sync.extract.rest_client.response import Response

_MAX_DEPTH = 3
_NO_LETTER = re.compile(r"[^a-z0-9]")
_LINK_STARTS = ("http://", "https://", "/", "?")
_CONTENT_RANGE = re.compile(r"\s*[\w-]+[ =](\d+)-(\d+)/(\d+)\s*")


def _names(text: str) -> frozenset[str]:
    """Names in lower case, without separators."""
    return frozenset(text.split())


_PAGING = _names(
    """
    meta metadata links link pages paging pagination paginator pager page pageinfo cursor
    cursors info resultinfo responsemetadata responsemeta additionaldata hits nextpage
    searchmetadata
    """
)
_MORE = _names(
    """
    hasmore hasnext hasnextpage hasmoreitems hasmorepages hasmoreresults hasmorerecords
    hasmoredata morerecords moreitems moredata morepages moreresults moreitemsincollection
    moreavailable moreresultsavailable istruncated incompleteresults nextpageexists
    """
)
_MORE_IF_PAGING = frozenset({"more", "truncated"})
_LAST = _names("islast islastpage endofrecords nomore nomorepages nomoreresults")
_LAST_IF_PAGING = frozenset({"last", "lastpage", "done"})
_TOKENS = _names(
    """
    nextcursor nextpagetoken nexttoken nextpage nexturl nexturi nextlink nexthref nextpageurl
    nextpageuri nextpagelink nextpagecursor nextpageid nextoffset nextstart nextkey nextmarker
    nextcontinuationtoken continuationtoken nextrecordsurl nextpagekey nextpagenumber
    odatanextlink nextpagestate nextscrollid
    """
)
_TOKENS_IF_PAGING = frozenset({"next"})
_TOKEN_KEYS = _names("href url uri link cursor token after page offset start number id")
_FILTERED_TOTALS = _names("totalfilteredcount filteredcount recordsfiltered totalfiltered")
_TOTALS = _FILTERED_TOTALS | _names(
    """
    total totalcount totalrecords totalresults totalitems totalentries totalelements totalrows
    totalhits totalobjects totalsize recordstotal odatacount count recordcount
    """
)
_PAGE_TOTALS = _names("totalpages pagecount pagestotal pages numpages lastpage pagetotal")
_ANY_TOTALS = _TOTALS | _PAGE_TOTALS
_PAGE_NUMBERS = _names("page currentpage pagenumber pageno")
_OFFSETS = _names("offset start skip startat startindex from")
_HEADER_TOKENS = _names(
    "xnextpage xnextcursor xnexttoken xnextpagetoken xcontinuationtoken xmscontinuation"
)
_HEADER_TOTALS = _names("xtotalcount xtotal xpaginationtotalcount")


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
            key = _plain(name)
            place = envelope.place(name)
            if (more := _flag(key, value, is_paging=envelope.is_paging)) is not None:
                denied |= not more
                if more:
                    signs.append(Sign("flag", place, f"{place} is {str(value).lower()}", value))
            elif key in _TOKENS or (envelope.is_paging and key in _TOKENS_IF_PAGING):
                signs += _token(place, value)
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
            key, number = _plain(name), _number(value)
            if _flag(key, value, is_paging=envelope.is_paging) is False:
                return True
            if not envelope.is_paging or number is None:
                continue
            # A total of the length of this page may count this page only.
            if key in _TOTALS and number == progress.records > len(records):
                return True
            if key in _PAGE_TOTALS and number == progress.pages:
                return True
    return False


@lru_cache(1024)
def _names_in(selector: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", selector))


def _envelopes(body: Any, records: Sequence[Any], selector: str | None) -> Iterator[_Envelope]:
    """The objects around the records, the body first."""
    if not isinstance(body, Mapping):
        return
    on_way = _names_in(selector or "")
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
            is_paging = _plain(name) in _PAGING or name in on_way
            # ``next: {href: ...}`` is a link, and no object around records.
            if _plain(name) not in _TOKENS | {"next", "total"} and (is_paging or depth == 0):
                waiting.append((_Envelope(envelope.place(name), value, is_paging), depth + 1))


def _flag(key: str, value: Any, *, is_paging: bool) -> bool | None:
    """Whether a flag says that there is more; None if it is no flag."""
    said = value.lower() if isinstance(value, str) else value
    if key in _MORE or (is_paging and key in _MORE_IF_PAGING):
        if said in (True, "true", "yes", "1") or (isinstance(said, int) and said > 0):
            return True
        return False if said in (False, "false", "no", "0") else None
    if key in _LAST or (is_paging and key in _LAST_IF_PAGING):
        if isinstance(said, bool):
            return not said
        return {"true": False, "false": True}.get(said) if isinstance(said, str) else None
    return True if key == "next" and is_paging and value is True else None


def _token(place: str, value: Any) -> list[Sign]:
    """The sign of a value that leads to the next page; none for an empty one."""
    if isinstance(value, Mapping):
        found = [v for name, v in value.items() if _plain(name) in _TOKEN_KEYS]
        value = next((v for v in found if _is_usable(v)), None)
    if not _is_usable(value):
        return []
    if isinstance(value, str) and value.startswith(_LINK_STARTS):
        return [Sign("link", place, f"there is a link at {place}", value)]
    return [Sign("cursor", place, f"there is a cursor at {place}", value)]


def _is_usable(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return value > 0
    return isinstance(value, str) and value.strip().lower() not in (
        "",
        "0",
        "null",
        "none",
        "false",
    )


def _listed_link(place: str, links: list[Any], records: Sequence[Any]) -> list[Sign]:
    """The sign of ``links: [{rel: next, href: ...}]``."""
    if not records or links is not records:
        for link in links:
            if isinstance(link, Mapping) and "next" in (link.get("rel"), link.get("relation")):
                return _token(f"{place} (next)", link)
    return []


def _totals(envelope: _Envelope, progress: Progress, page_length: int) -> Iterator[Sign]:
    """The totals in an object that exceed what was read."""
    if not envelope.is_paging:
        return
    if not any(_plain(name) in _ANY_TOTALS for name in envelope.values):
        return
    numbers = {_plain(name): (name, _number(value)) for name, value in envelope.values.items()}
    offset = max((numbers[k][1] or 0 for k in _OFFSETS & numbers.keys()), default=0)
    page = max((numbers[k][1] or 0 for k in _PAGE_NUMBERS & numbers.keys()), default=0)
    read = max(progress.records, offset + page_length if offset else 0)
    names = numbers.keys() & _FILTERED_TOTALS or numbers.keys() & _TOTALS
    for key in sorted(names):
        name, total = numbers[key]
        if total is not None and total > read:
            place = envelope.place(name)
            text = f"{place} is {total:,}, and {read:,} records were read"
            yield Sign("total", place, text, total, read)
    for key in sorted(numbers.keys() & _PAGE_TOTALS):
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
        key = _plain(name) if name.startswith("x-") else ""
        if key in _HEADER_TOKENS and _is_usable(value):
            yield Sign("cursor", name, f"there is a cursor in the header {name}", value)
        elif key == "xhasmore" and value.lower() == "true":
            yield Sign("flag", name, f"the header {name} is true", value)
        elif key in _HEADER_TOTALS or key == "xtotalpages":
            total = _number(value)
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


def _number(value: Any) -> int | None:
    """A whole number, as a number, as digits, or as the ``value`` of an object."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@lru_cache(4096)  # the names are the same in every response
def _plain(name: Any) -> str:
    return _NO_LETTER.sub("", str(name).lower())
