"""Tests of windows: requests that decide whether the API filters as declared.

In: the evidence of a window that was read, and a function that reads other bounds. Out: findings for the
check ``window_bounds``. A test is sent only after a suspicion, and a few times per read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain, islice

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import Bounds, BoundsFormat
from analytics_sync.extract.convert.cursor import CursorReader, CursorSpan
from analytics_sync.extract.convert.cursor_range import CursorRange
from analytics_sync.extract.evidence.bounds_evidence import BoundsEvidence
from analytics_sync.extract.evidence.field_evidence import FieldEvidence
from analytics_sync.extract.evidence.findings import WINDOW_BOUNDS
from analytics_sync.extract.evidence.span_evidence import SHORTEST, SpanEvidence
from analytics_sync.extract.result import Page, ReadResult
from analytics_sync.extract.windows.incremental import bounds_params

_MAX_PAGES = 10  # of a test
# Per read, each for another parent: so many of those with records, and of those without.
_MAX_SPAN_TESTS = 16

ReadPages = Callable[[dict[str, object], Window | None], Generator[Page, None, None]]
"""Reads the pages for query parameters, which request a part of the window for certain."""


class Seen:
    """The records of one request.

    Attributes:
        all: The cursors of all pages.
        first: The cursors of the first page.
        count: The number of records.
    """

    def __init__(self, cursor: CursorReader) -> None:
        self.all = CursorRange(cursor)
        self.first = CursorRange(cursor)
        self.count = 0


class WindowEvidence:
    """The evidence of one window.

    Args:
        cursor: Reads the cursor of records.
        window: The window.
    """

    def __init__(self, cursor: CursorReader, window: Window) -> None:
        self.window = window
        self.began = datetime.now(UTC)
        self._cursor = cursor
        self.is_long = window.end - window.start >= SHORTEST
        """Whether an API may answer only a part of it."""
        self.seen: dict[Bounds, Seen] = {}
        """The records of each request."""

    def add(self, bounds: Bounds, number: int, page: Page) -> None:
        """Add a page that the API gave for these bounds.

        Args:
            bounds: The bounds.
            number: The number of the page, from 1.
            page: The page.
        """
        seen = self.seen.get(bounds)
        if seen is None or number == 1:
            seen = self.seen[bounds] = Seen(self._cursor)
            seen.first.add(page.records)
        seen.all.add(page.records)
        seen.count += len(page.records)


class WindowTests:
    """Sends the tests of one read. Threads may share it.

    Args:
        incremental: How the API filters, by declaration.
        result: Receives the findings.
    """

    def __init__(self, incremental: Incremental, result: ReadResult) -> None:
        self._incremental = incremental
        self._format = BoundsFormat(incremental)
        self._result = result
        self._cursor = CursorReader(result.resource)
        self._has_both = bool(incremental.start_param and incremental.end_param)
        self._is_zone_tested = self._is_field_tested = not self._has_both
        self._lock = threading.Lock()
        self._spans: dict[Bounds, SpanEvidence] = {}
        self._reads: dict[bool, list[ReadPages]] = {True: [], False: []}

    def evidence(self, window: Window) -> WindowEvidence:
        """The evidence of a window that is about to be read."""
        return WindowEvidence(self._cursor, window)

    def judge(self, evidence: WindowEvidence, read: ReadPages) -> None:
        """Record that the API filters otherwise than declared, if a test request confirms it.

        Args:
            evidence: Of a window that was read.
            read: Reads the pages that the API gives for query parameters.
        """
        if not self._has_both:
            return
        zone = BoundsEvidence(self._format)
        field = FieldEvidence(self._format, evidence.began)
        for bounds, seen in evidence.seen.items():
            span = seen.all.span()
            zone.add(bounds, span)
            field.add(bounds, span, seen.first.span())
            if evidence.is_long:
                self._add_span(bounds, span, seen, evidence, read)
        if not self._test_zone(zone, read):
            self._test_field(field, read)

    def finish(self) -> None:
        """Test the spans of all windows, once all of them are read."""
        parts = [part for evidence in self._spans.values() for part in evidence.empty_parts()]
        if not parts:
            return
        longest = max(parts, key=lambda part: part.length)
        for read in [*self._reads[True], *self._reads[False]]:
            pages = islice(self._pages(longest.test, read), _MAX_PAGES)
            if any(self._cursor.has(page.records, longest.part) for page in pages):
                self._result.findings.add(WINDOW_BOUNDS, longest.message(self._format))
                return

    def _add_span(
        self,
        bounds: Bounds,
        span: CursorSpan,
        seen: Seen,
        evidence: WindowEvidence,
        read: ReadPages,
    ) -> None:
        with self._lock:
            if bounds not in self._spans:
                self._spans[bounds] = SpanEvidence(
                    self._format, bounds, evidence.window, evidence.began
                )
            self._spans[bounds].add(span, seen.count)
            reads = self._reads[seen.count > 0]
            if len(reads) < _MAX_SPAN_TESTS:
                reads.append(read)

    def _test_zone(self, evidence: BoundsEvidence, read: ReadPages) -> bool:
        """Whether the API reads the bounds in another zone, or filters by another field."""
        test = None if self._is_zone_tested else evidence.test()
        if test is None:
            return False
        self._is_zone_tested = True
        page = next(self._pages(test, read), None)  # without one, the records remain evidence
        is_confirmed = evidence.is_confirmed(self._cursor.span(page.records if page else ()))
        if is_confirmed:
            self._result.findings.add(WINDOW_BOUNDS, evidence.message())
        return is_confirmed

    def _test_field(self, evidence: FieldEvidence, read: ReadPages) -> None:
        test = None if self._is_field_tested else evidence.test()
        if test is None:
            return
        self._is_field_tested = True
        cursor, bounds = test
        pages = islice(self._pages(bounds, read), _MAX_PAGES)
        first = next(pages, None)
        # The same first page for other bounds: the API ignores them.
        if first is not None and self._cursor.span(first.records) == evidence.first_page:
            return
        # An API that ignores its bounds would not refuse these, so an error proves as much as no record.
        found = chain([first], pages) if first is not None else ()
        if not any(self._cursor.has(page.records, cursor) for page in found):
            self._result.findings.add(WINDOW_BOUNDS, evidence.message())

    def _pages(self, bounds: Bounds, read: ReadPages) -> Iterator[Page]:
        """The pages of a test, as far as the API gives them."""
        values = self._format.values(bounds)
        try:
            with closing(read(bounds_params(self._incremental, values), None)) as pages:
                for page in pages:
                    yield page
                    if page.last:  # before the series records its end and its total in the result
                        return
        except ExtractError:
            return
