"""The base class of all paginators, and the two values that they exchange with the page reader.

In: each page of a request series, in order. Out: the next page request, whether the page counts, and
an error when the pages do not advance. A series ends only on proof: an empty page, an absent cursor or
link, or a reported total; a page that is merely short proves nothing, because servers cap page sizes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from analytics_sync.catalog.config.paginators import PaginatorConfig
from analytics_sync.common.errors import InvalidResponse, PaginationStuck, Place
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.declared_values import is_empty, is_last_by_flag
from analytics_sync.extract.rest_client.paginators.page_memory import CursorMemory, PageMemory
from analytics_sync.extract.rest_client.paginators.signs_of_more import Progress, Sign, denies_more
from analytics_sync.extract.rest_client.response import Response

# servers that filter after paging send empty pages, but not without end
_MAX_EMPTY_PAGES_IN_A_ROW = 100
END_ONE_PAGE = "one page"
END_EMPTY_PAGE = "an empty page"
END_NO_MORE = "the API's word that there is no more"
END_NOTHING_NEW = "a page of the last records, which leads to itself"
_END_NO_CURSOR = "no further cursor"


@dataclass(frozen=True)
class PageRequest:
    """The request of one page.

    Attributes:
        params: Query parameters to add to those of the resource.
        link: A whole URL in place of the resource's URL and parameters; None without a link.
    """

    params: dict[str, object] = field(default_factory=dict)
    link: str | None = None


@dataclass(frozen=True)
class NextPage:
    """What a paginator decides about a page.

    Attributes:
        request: The next request; None ends the series.
        end: The reason for the end, in words.
        keep: Whether the page's records count.
        proven_complete: Whether the end proves that no record was left out.
        evidence: What the API says against the end, for the check ``complete``; empty without any.
    """

    request: PageRequest | None
    end: str = ""
    keep: bool = True
    proven_complete: bool = True
    evidence: str = ""


class Paginator(ABC):
    """Decides the requests of one series of pages. Each series needs a new paginator.

    Args:
        config: The declared paginator.
        place: For messages.
        redact: Removes secrets from messages.

    Attributes:
        advice: What to do when signs of more doubt the end.
        progress: What the series has read, without the page that is judged.
        reported_total: The number of records that the API reported; None when it reported none.
    """

    advice = "Correct the declaration of the paginator."
    _max_empty_pages: float = _MAX_EMPTY_PAGES_IN_A_ROW
    _sign_of_more = "each with a new cursor or link"
    _config: Any  # each subclass narrows it to the declaration that it takes

    def __init__(
        self, config: PaginatorConfig, place: Place, redact: Callable[[str], str] = str
    ) -> None:
        self._config = config
        self._place = place
        self._redact = redact
        self._seen = CursorMemory()
        self._followed: object = None  # the cursor or link that led to the latest page
        self._memory = PageMemory()
        self._empty_pages = 0
        self.progress = Progress(0, 0)
        self.reported_total: int | None = None

    @property
    def path(self) -> str | None:
        """The place in a body at which the cursor or link is looked for; None without one."""
        return None

    def first_request(self) -> PageRequest:
        """The request of the first page."""
        return PageRequest()

    def advance(self, response: Response, records: list[Any]) -> NextPage:
        """Judge a page and decide the next request.

        Args:
            response: The page's response.
            records: The page's records.

        Raises:
            PaginationStuck: A cursor or page was repeated, or too many pages in a row were empty.
            InvalidResponse: A cursor or link has the wrong type.
        """
        next_page = self._next_page(response, records)
        if next_page.request is not None and next_page.keep:
            self._refuse_earlier_page(records)
        self._memory.add(records)
        self._empty_pages = 0 if records else self._empty_pages + 1
        if next_page.request is not None and self._empty_pages > self._max_empty_pages:
            raise PaginationStuck(
                self._place,
                f"{self._empty_pages} pages in a row were empty, {self._sign_of_more}.",
                "Set stop_after_empty_page if an empty page is the end.",
            )
        if next_page.keep:
            read = self.progress
            self.progress = Progress(read.records + len(records), read.pages + 1)
        return next_page

    def end_by_refusal(self, status: int) -> NextPage | None:
        """The end, when the API refuses the latest request and nothing is missing; None otherwise."""
        return None

    def end_by_ignored(self, status: int, latest: Response) -> NextPage:
        """The end, when the declaration ignores the response to a later request.

        A success without content is like an empty page without a cursor. An error status is none: the
        API had handed out the cursor or link itself.

        Args:
            status: The ignored status.
            latest: The latest page.
        """
        end = f"status {status} after the last page, ignored"
        if status < 400:
            return NextPage(None, end)
        return NextPage(None, end, evidence=self._broken_off(status))

    def _broken_off(self, status: int) -> str:
        return (
            f"The API named a further page and answered status {status} for it, which "
            "response_actions ignores: records may be missing. Run again. If the listing ends so, declare "
            "total_path or has_more_path in its paginator; otherwise make response_actions more exact."
        )

    def says_no_more(self, response: Response) -> bool:
        """Whether the place of the cursor, link or flag is there and says that no page follows."""
        path = getattr(self._config, "has_more_path", None)
        return (
            path is not None
            and lookup(response.body, path) is not MISSING
            and is_last_by_flag(path, response)
        )

    def is_followed(self, sign: Sign, end: str, response: Response) -> bool:
        """Whether the paginator knows this sign of more, so that the sign does not doubt the end.

        A declared flag that says "no more" takes precedence over other flags, and over cursors.

        Args:
            sign: A sign in the last response.
            end: The reason for the end.
            response: The last response.
        """
        if sign.kind in ("cursor", "link") and end == END_NOTHING_NEW:
            return True
        return end == END_NO_MORE and sign.kind in ("flag", "cursor")

    def error_of_signs(self, signs: list[Sign], end: str) -> PaginationStuck | None:
        """The error of an end that these signs doubt; None if the rows are to be loaded."""
        return None

    def predict(
        self,
        request: PageRequest,
        response: Response,
        records: list[Any],
        reported_total: int | None,
    ) -> Iterator[PageRequest]:
        """The requests from ``request`` on, if all pages are as long as this one.

        Only numbered paginators can predict: a cursor or link is known only from the page before.

        Args:
            request: The next request, as decided by ``advance`` for this page.
            response: The page's response, which may report a total.
            records: The page's records.
            reported_total: The number of records that the API reported; None when it reported
                none. The total of the paginator itself takes precedence.
        """
        return iter(())

    @abstractmethod
    def _next_page(self, response: Response, records: list[Any]) -> NextPage:
        """The decision of this type of paginator."""

    def _follow_cursor(
        self,
        cursor: Any,
        param: str,
        response: Response,
        records: list[Any],
        *,
        limit_params: dict[str, object] | None = None,
        stop_after_empty_page: bool = False,
    ) -> NextPage:
        """The request that sends ``cursor`` back, or the end when there is no cursor.

        Args:
            cursor: The value found in the response; ``MISSING`` when the response holds none.
            param: The query parameter for the cursor.
            response: The page's response.
            records: The page's records.
            limit_params: Parameters to send along; None for none.
            stop_after_empty_page: Whether an empty page ends the series in spite of a cursor.
        """
        if is_empty(cursor):
            return NextPage(None, _END_NO_CURSOR)
        if stop_after_empty_page and not records:
            return NextPage(None, END_EMPTY_PAGE)
        if isinstance(cursor, bool) or not isinstance(cursor, str | int | float | Decimal):
            raise InvalidResponse(
                self._place,
                f"the cursor for {param!r} is {type(cursor).__name__}, not text or a number.",
                "Correct cursor_path.",
            )
        if not records and cursor in self._seen:
            return NextPage(None, END_EMPTY_PAGE)
        if (end := self._end_of_repeated(cursor, response, records)) is not None:
            return end
        return NextPage(PageRequest({**(limit_params or {}), param: cursor}))

    def _end_of_repeated(
        self, cursor_or_link: object, response: Response, records: list[Any]
    ) -> NextPage | None:
        """The end, if a cursor or link leads nowhere new; None after remembering a new one.

        An API that lists what changed since a time may name the next time on its last page too. That
        page then leads to itself. It is the end if the API says so by a flag, or if the page holds only
        the last records of the page before, which have exactly that time.

        Raises:
            PaginationStuck: The series has followed it already, and nothing says that this is the end.
        """
        if cursor_or_link not in self._seen:
            self._seen.add(cursor_or_link)
            self._followed = cursor_or_link
            return None
        if denies_more(response, records):
            return NextPage(None, END_NO_MORE)
        if cursor_or_link == self._followed and self._memory.is_end_again(records):
            return NextPage(None, END_NOTHING_NEW, proven_complete=False)
        shown = self._redact(str(cursor_or_link))[:80]
        raise PaginationStuck(
            self._place,
            f"the API handed out the same cursor or link again: {shown!r} "
            f"(page of {len(records)}).",
            "Paging would never end; look at the paginator's declaration or report it to the API.",
        )

    def _refuse_earlier_page(self, records: list[Any]) -> None:
        """Raise if a page is an earlier one again, although its cursor or link was new."""
        if earlier := self._memory.earlier_page(records):
            raise PaginationStuck(
                self._place,
                f"the API answered {earlier}, although the cursor or link was new.",
                "It seems to ignore the cursor: look at cursor_param, or report it to the API.",
            )


def more_without(looked_for: str, advice: str, signs: list[Sign], place: Place) -> PaginationStuck:
    """The error of an end without a cursor or link, while signs speak of more."""
    said = "; ".join(sign.text for sign in signs)
    return PaginationStuck(
        place, f"the API says that there is more ({said}), and hands out no {looked_for}.", advice
    )
