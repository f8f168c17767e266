"""What a request series remembers of its pages, to notice pages and cursors that come again.

In: the records of each page, and the cursor or link to the next one. Out: whether it was there before.
The memory holds samples of two pages, and a hash of each long cursor, so that it stays small.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from math import inf
from typing import Any

_MAX_SAMPLE_RECORDS = 50
_MAX_CURSOR_CHARACTERS = 32  # a longer one takes more memory than its hash
Sample = tuple[int, list[Any]]
"""The length of a page, and some of its records."""
_EMPTY: Sample = (0, [])


def take_sample(records: list[Any]) -> Sample:
    """The length and some records of a page: enough to recognize the page, small in memory."""
    return len(records), records[:: 1 + len(records) // _MAX_SAMPLE_RECORDS]


class PageMemory:
    """The first and the latest page of a series.

    Attributes:
        latest: A sample of the latest page; None before the first page.
    """

    def __init__(self) -> None:
        self.latest: Sample | None = None
        self._first: Sample | None = None
        self._tail: list[Any] = []
        self._lengths: set[int] = set()  # of pages with records, the latest one left out
        self._latest_length = 0
        self._has_moved = False  # whether a page after the first one was another

    def add(self, records: list[Any]) -> None:
        """Remember a page."""
        sample = take_sample(records)
        if self._first is None:
            self._first = sample
        self._has_moved |= sample != self._first
        self.latest = sample
        if records:
            self._lengths.add(self._latest_length or len(records))
            self._latest_length = len(records)
        self._tail = records[-_MAX_SAMPLE_RECORDS:]

    def is_latest_again(self, records: list[Any]) -> bool:
        """Whether a page with records is the latest page again."""
        return bool(records) and take_sample(records) == self.latest

    def is_first_again(self, records: list[Any]) -> bool:
        """Whether a page with records is the first page again, after other pages."""
        return bool(records) and self._has_moved and take_sample(records) == self._first

    @property
    def is_uneven(self) -> bool:
        """Whether a page before the latest one was shorter than another page.

        Such a server leaves records out after it has cut the pages. Then a page may be empty although
        others follow.
        """
        return len(self._lengths) > 1 or self._latest_length > max(self._lengths, default=inf)

    def earlier_page(self, records: list[Any]) -> str:
        """The earlier page that a page is again, in words; empty for a new page."""
        if self.is_latest_again(records):
            return "the same page again"
        return "the first page again, after others" if self.is_first_again(records) else ""

    def is_end_again(self, records: list[Any]) -> bool:
        """Whether a page holds the last records of the latest page, and fewer than that page."""
        latest, count = self.latest, len(records)
        if latest is None or not 0 < count < latest[0] or count > _MAX_SAMPLE_RECORDS:
            return False
        return self._tail[-count:] == records


class CursorMemory:
    """The cursors and links that a series has followed. True if there is one."""

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def __bool__(self) -> bool:
        return bool(self._seen)

    def __contains__(self, cursor_or_link: object) -> bool:
        return _short(cursor_or_link) in self._seen

    def add(self, cursor_or_link: object) -> None:
        """Remember a cursor or link."""
        self._seen.add(_short(cursor_or_link))


def _short(cursor_or_link: object) -> object:
    """A cursor or link, or its hash if it is long."""
    if isinstance(cursor_or_link, str):
        text = cursor_or_link
    elif isinstance(cursor_or_link, Decimal):
        text = str(cursor_or_link)
    else:
        return cursor_or_link
    if len(text) <= _MAX_CURSOR_CHARACTERS:
        return cursor_or_link
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
