"""The context of one read.

In: the resource, its window, the result to fill and the journal. Out: one object that every part of the
reader receives.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import Place
from analytics_sync.common.window import Window
from analytics_sync.extract.journal.journal import Journal
from analytics_sync.extract.processing import Processing
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.trial import PageLimit


@dataclass(frozen=True)
class ReadContext:
    """The context of one read: resource, window, result, journal and deadline.

    Attributes:
        resource: The resource to read.
        window: The window to read; None for everything.
        place: Names resource and window in messages.
        result: Collects counts and stop reasons.
        journal: Keeps pages for a later run.
        deadline: When the read must have ended.
        processing: The steps that records go through.
        page_limit: The pages that a trial may still request; None for a usual read.
        slice_: The part of the window that a request series reads; None if it reads everything.
    """

    resource: Resource
    window: Window | None
    place: Place
    result: ReadResult
    journal: Journal
    deadline: Deadline
    processing: Processing
    page_limit: PageLimit | None = None
    slice_: Window | None = None

    def add_finding(self, check: str, message: str) -> None:
        """Record a finding of a request series: it concerns the rows of its slice."""
        windows = None if self.slice_ is None else [self.slice_]
        self.result.findings.add(check, message, windows)
