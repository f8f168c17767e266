"""From one page to the next, for every declared paginator.

In: the paginator and each page as it arrives. Out: the next request's parameters or link, whether
the page counts, and an error when paging does not move on. A walk ends on what proves its end: an
empty page, an absent cursor or link, a declared total; a page that is merely short proves nothing,
because servers cap page sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from requests.utils import parse_header_links

from analytics_sync.catalog import paginators as p
from analytics_sync.common.errors import InvalidResponse, PaginationStuck, Place
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.response import Response

_MOST_EMPTY = 100  # servers that filter after paging send empty pages, but not without end
_SAMPLE = 50
_EMPTY = "an empty page"
_SAID = "the API's word that there is no more"


@dataclass(frozen=True)
class PageRequest:
    """The next request: parameters to add, or a whole link in place of URL and parameters."""

    params: dict[str, object] = field(default_factory=dict)
    link: str | None = None


@dataclass(frozen=True)
class NextPage:
    """What to do with a page, and where to go on.

    Attributes:
        request: The next request; None ends the walk.
        end: What ended it, in words.
        keep: Whether the page's records count.
        whole: Whether the end proves that nothing was left out.
    """

    request: PageRequest | None
    end: str = ""
    keep: bool = True
    proven_complete: bool = True


def paginator_for(
    config: p.PaginatorConfig, place: Place, redact: Callable[[str], str] = str
) -> Paginator:
    """A new paginator for one series of pages, of the declared type."""
    return Paginator(config, place, redact)


class Paginator:
    """One walk over the pages of an endpoint. Make a new one for each walk.

    Args:
        paginator: As declared.
        place: For messages.
        redact: For messages.

    Raises:
        PaginationStuck: From ``advance``, when a cursor or page comes again.
        InvalidResponse: From ``advance``, when a cursor or link is not one.
    """

    def __init__(
        self, paginator: p.PaginatorConfig, place: Place, redact: Callable[[str], str] = str
    ) -> None:
        self._paginator = paginator
        self._place = place
        self._redact = redact
        self._seen: set[object] = set()
        self._previous: tuple[int, list[Any]] | None = None
        self._count = 0
        self._empty = 0
        self._page: int | None = None
        self._first_page = 0
        self._turns: dict[type, Callable[[Any, Response, list[Any]], NextPage]] = {
            p.SinglePage: lambda *_: NextPage(None, "one page"),
            p.Auto: self._auto,
            p.PageNumber: self._page_number,
            p.Offset: self._offset,
            p.Cursor: self._cursor,
            p.JsonLink: self._json_link,
            p.HeaderLink: self._header_link,
            p.HeaderCursor: self._header_cursor,
        }

    def first_request(self) -> PageRequest:
        """The first request's parameters."""
        paginator = self._paginator
        params: dict[str, object] = {}
        if isinstance(paginator, p.PageNumber | p.Offset) and paginator.limit_param:
            params[paginator.limit_param] = paginator.limit
        if isinstance(paginator, p.PageNumber) and paginator.base_page is not None:
            self._page = self._first_page = paginator.base_page
            params[paginator.page_param] = paginator.base_page
        if isinstance(paginator, p.Offset):
            params[paginator.offset_param] = paginator.offset
        return PageRequest(params)

    def predict(
        self, request: PageRequest, answer: Response, records: list[Any], reported_total: int | None
    ) -> Iterator[PageRequest]:
        """The steps from ``request`` on that will come if all pages are as long as this one.

        Args:
            request: What ``advance`` said of this page.
            answer: The page; its total tells how many there are.
            records: The page's records.
            told: How many records the API said there are; in place of a total of the paginator.
        """
        paginator, size = self._paginator, len(records)
        if not size or request.link is not None or self._seen:
            return
        if isinstance(paginator, p.PageNumber) and self._page is not None:
            total = _number(paginator.total_path, answer)
            if total is None and reported_total is not None:
                total = -(-reported_total // size)
            if total is None or (paginator.base_page is None and self._page == 1):
                return  # it is not known yet whether this server counts from 1
            end = self._first_page + total + (paginator.total_path is None)
            for page in range(self._page, end):
                yield PageRequest({**request.params, paginator.page_param: page})
        elif isinstance(paginator, p.Offset):
            total = _number(paginator.total_path, answer)
            end = reported_total + 1 if total is None and reported_total is not None else total or 0
            start = request.params.get(paginator.offset_param)
            if isinstance(start, int):
                for offset in range(start, max(end, start), size):
                    yield PageRequest({**request.params, paginator.offset_param: offset})

    def advance(self, answer: Response, records: list[Any]) -> NextPage:
        """Judge a page and say where the walk goes on."""
        advance = self._turns[type(self._paginator)](self._paginator, answer, records)
        self._empty = 0 if records else self._empty + 1
        if advance.request is not None and self._empty > _MOST_EMPTY:
            raise PaginationStuck(
                self._place,
                f"{self._empty} pages in a row were empty, each with a new cursor or link.",
                "Set stop_after_empty_page if an empty page is the end.",
            )
        self._count += len(records)
        self._previous = _sample(records)
        return advance

    def _auto(self, _: p.Auto, answer: Response, records: list[Any]) -> NextPage:
        link = _header_link(answer, "next")
        if link is None and isinstance(answer.body, dict):
            for path in ("next", "links.next", "paging.next", "_links.next.href"):
                found = lookup(answer.body, path)
                if isinstance(found, str) and found.startswith(("http://", "https://", "/", "?")):
                    link = found
        if link is not None:
            raise PaginationStuck(
                self._place,
                "the answer links to a next page, but no paginator is declared.",
                "Declare paginator: json_link, header_link or another type, or single_page if one "
                "page is enough.",
            )
        return NextPage(None, "one page")

    def _page_number(
        self, paginator: p.PageNumber, answer: Response, records: list[Any]
    ) -> NextPage:
        if not records or _says_no_more(paginator.has_more_path, answer):
            return NextPage(None, _EMPTY if not records else _SAID)
        keep = True
        if self._repeats(records):
            # the first request had no page parameter: this server counts from 1
            if self._page != 1 or paginator.base_page is not None:
                raise self._same_page(paginator.page_param)
            keep = False
            self._first_page = 1
        page = 1 if self._page is None else self._page + 1
        total = _number(paginator.total_path, answer)
        if total is not None and page - self._first_page >= total:
            return NextPage(None, "the last page of the total", keep)
        if paginator.maximum_page is not None and page > paginator.maximum_page:
            return NextPage(None, "maximum_page", keep, proven_complete=False)
        self._page = page
        params: dict[str, object] = {paginator.page_param: page}
        if paginator.limit_param:
            params[paginator.limit_param] = paginator.limit
        return NextPage(PageRequest(params), keep=keep)

    def _offset(self, paginator: p.Offset, answer: Response, records: list[Any]) -> NextPage:
        if paginator.cursor_path is not None:
            cursor = lookup(answer.body, paginator.cursor_path)
            holder = paginator.cursor_path.rpartition(".")[0]
            handed_out = cursor is not MISSING or (
                holder and isinstance(lookup(answer.body, holder), dict)
            )
            if handed_out or self._seen:
                limit: dict[str, object] = {}
                if paginator.limit_param:
                    limit[paginator.limit_param] = paginator.limit
                return self._on_cursor(cursor, paginator.cursor_param, records, limit, empty=True)
        if not records or _says_no_more(paginator.has_more_path, answer):
            return NextPage(None, _EMPTY if not records else _SAID)
        total = _number(paginator.total_path, answer)
        if self._repeats(records):
            all_there_is = total is None or paginator.offset + self._count >= total
            if len(records) < paginator.limit and self._count == len(records) and all_there_is:
                # all fitted into the first page, and the server ignores the offset; or it caps its
                # pages besides: what is missing from such an answer is not gone
                return NextPage(
                    None, "the one page, again", keep=False, proven_complete=total is not None
                )
            raise self._same_page(paginator.offset_param)
        offset = paginator.offset + self._count + len(records)
        if total is not None and offset >= total:
            return NextPage(None, "the total")
        if paginator.maximum_offset is not None and offset >= paginator.maximum_offset:
            return NextPage(None, "maximum_offset", proven_complete=False)
        params: dict[str, object] = {paginator.offset_param: offset}
        if paginator.limit_param:
            params[paginator.limit_param] = paginator.limit
        return NextPage(PageRequest(params))

    def _cursor(self, paginator: p.Cursor, answer: Response, records: list[Any]) -> NextPage:
        if _says_no_more(paginator.has_more_path, answer):
            return NextPage(None, _SAID)
        cursor = lookup(answer.body, paginator.cursor_path or "")
        promised = paginator.has_more_path and (
            lookup(answer.body, paginator.has_more_path) is not MISSING
        )
        if promised and cursor in (MISSING, None, ""):
            raise PaginationStuck(
                self._place,
                f"the API says that there is more, but hands out no cursor at "
                f"{paginator.cursor_path!r}.",
                "Correct cursor_path or has_more_path.",
            )
        return self._on_cursor(
            cursor, paginator.cursor_param or "", records, {}, empty=paginator.stop_after_empty_page
        )

    def _header_cursor(
        self, paginator: p.HeaderCursor, answer: Response, records: list[Any]
    ) -> NextPage:
        cursor = answer.headers.get(paginator.cursor_key.lower(), MISSING)
        return self._on_cursor(cursor, paginator.cursor_param, records, {}, empty=False)

    def _json_link(self, paginator: p.JsonLink, answer: Response, records: list[Any]) -> NextPage:
        link = lookup(answer.body, paginator.next_url_path)
        if link is not MISSING and link is not None and not isinstance(link, str):
            raise InvalidResponse(
                self._place,
                f"the link at {paginator.next_url_path!r} is {type(link).__name__}, not text.",
                "Correct next_url_path.",
            )
        return self._on_link(link, answer, records)

    def _header_link(
        self, paginator: p.HeaderLink, answer: Response, records: list[Any]
    ) -> NextPage:
        return self._on_link(_header_link(answer, paginator.links_next_key), answer, records)

    def _on_link(self, link: Any, answer: Response, records: list[Any]) -> NextPage:
        if link is MISSING or not link:
            return NextPage(None, "no further link")
        with suppress(ValueError):  # what is no URL at all is refused when it is to be followed
            link = urljoin(answer.url, link)
        self._once(link, records)
        return NextPage(PageRequest(link=link))

    def _on_cursor(
        self,
        cursor: Any,
        param: str,
        records: list[Any],
        params: dict[str, object],
        *,
        empty: bool,
    ) -> NextPage:
        """``empty``: an empty page ends the walk even when it hands out a cursor."""
        if cursor is MISSING or cursor is None or cursor == "":
            return NextPage(None, "no further cursor")
        if empty and not records:
            return NextPage(None, _EMPTY)
        if isinstance(cursor, bool) or not isinstance(cursor, str | int | float):
            raise InvalidResponse(
                self._place,
                f"the cursor for {param!r} is {type(cursor).__name__}, not text or a number.",
                "Correct cursor_path.",
            )
        if not records and cursor in self._seen:
            return NextPage(None, _EMPTY)
        self._once(cursor, records)
        return NextPage(PageRequest({**params, param: cursor}))

    def _once(self, cursor: object, records: list[Any]) -> None:
        if cursor in self._seen:
            raise PaginationStuck(
                self._place,
                f"the API handed out the same cursor or link again: {self._redact(str(cursor))[:80]!r} "
                f"(page of {len(records)}).",
                "Paging would never end; look at the paginator's declaration or report it to the API.",
            )
        self._seen.add(cursor)

    def _repeats(self, records: list[Any]) -> bool:
        return self._previous is not None and _sample(records) == self._previous

    def _same_page(self, param: str) -> PaginationStuck:
        return PaginationStuck(
            self._place,
            f"the API answered the same page again although {param!r} had moved on.",
            "It seems to ignore that parameter; correct the paginator's declaration.",
        )


def _sample(records: list[Any]) -> tuple[int, list[Any]]:
    """What tells a page from the next, without keeping all of it in memory."""
    return len(records), records[:: 1 + len(records) // _SAMPLE]


def _says_no_more(path: str | None, answer: Response) -> bool:
    return path is not None and lookup(answer.body, path) in (False, None, 0, "", "false")


def whole_number(body: Any, path: str) -> int | None:
    """The integer at ``path``, or None when there is no such thing."""
    found = lookup(body, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _number(path: str | None, answer: Response) -> int | None:
    return whole_number(answer.body, path) if path else None


def _header_link(answer: Response, rel: str) -> str | None:
    header = answer.headers.get("link")
    links = parse_header_links(header) if header else []
    return next((str(link["url"]) for link in links if link.get("rel") == rel), None)
