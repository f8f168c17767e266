"""Kept pages: the pages of one request series that the journal of an earlier run holds.

In: a journal and the first request of a series. Out: the response of a page that is kept and still up to
date; new responses are added to the journal.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics_sync.extract.journal.journal import Journal, SeriesEntries
from analytics_sync.extract.journal.journal_file import JournalEntry
from analytics_sync.extract.rest_client.paginators.paginator import PageRequest
from analytics_sync.extract.rest_client.resource_request import ResourceRequest
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.urls import with_query


class KeptPages:
    """The kept pages of one request series.

    Args:
        journal: Holds the pages.
        request: The request of the series, which identifies it.
        ignore_journal: Whether to request all pages, also those that are kept.
    """

    def __init__(
        self,
        journal: Journal,
        request: ResourceRequest,
        *,
        ignore_journal: bool = False,
    ) -> None:
        self._journal = journal
        self._request = request
        self._series = journal.series_name(request.url, request.identity)
        self._entries = SeriesEntries() if ignore_journal else journal.entries(self._series)
        self._revalidated: dict[int, Response] = {}
        self._has_new = False

    def revalidate(
        self,
        fetch: Callable[[PageRequest], Response | None],
        is_same: Callable[[Response, Response], bool],
    ) -> None:
        """Request the first and the last kept page again, and drop all kept pages if one differs.

        If records were added or deleted in between, pages have moved, and a row could be lost between
        a kept page and a new one. A finished series that is kept from its first page needs no request.

        Args:
            fetch: Sends a request; gives None when the API refuses it.
            is_same: Whether two responses hold the same records.
        """
        entries = self._entries.by_number
        if not entries:
            return
        ends = set() if self._entries.finished else {max(entries)}
        ends |= {min(entries)} - {0}
        for number in sorted(ends):
            kept = self._response(entries[number])
            current = fetch(_request(entries[number])) if kept is not None else None
            if kept is None or current is None or not is_same(kept, current):
                self._drop()
                return
            self._revalidated[number] = current

    def get(self, number: int, request: PageRequest) -> Response | None:
        """The kept response to a request; None when it is not kept."""
        entry = self._entries.by_number.get(number)
        if entry is None:
            return None
        if _request(entry) != request:
            self._drop()
            return None
        response = self._revalidated.pop(number, None) or self._response(entry)
        if response is not None:
            self._journal.reused += 1
        return response

    def add(self, number: int, request: PageRequest, response: Response) -> None:
        """Keep a new response for a later run."""
        self._has_new = True
        self._journal.add(self._series, number, request, response)

    def finish(self) -> None:
        """Note in the journal that the last page of the series is kept."""
        if self._has_new and not self._entries.finished:
            self._journal.mark(self._series, "finished")

    def _response(self, entry: JournalEntry) -> Response | None:
        # Build the URL again: the file does not keep it, because a URL can hold a credential.
        request, first = _request(entry), self._request
        url = request.link or with_query(first.url, first.page_query(request.params))
        return self._journal.response(entry, url)

    def _drop(self) -> None:
        self._entries = SeriesEntries()
        self._revalidated = {}
        self._journal.mark(self._series, "dropped")


def _request(entry: JournalEntry) -> PageRequest:
    """The request that a kept page answers."""
    return PageRequest(entry.description["params"], entry.description["link"])
