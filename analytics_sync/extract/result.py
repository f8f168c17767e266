"""The result of reading one resource.

In: pages, as they are read. Out: a ``ReadResult``: rows to load, rejected records, and the cost.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffer
from analytics_sync.extract.evidence.filter_evidence import FilterEvidence
from analytics_sync.extract.evidence.findings import (
    COMPLETE,
    PRIMARY_KEY_UNIQUE,
    WINDOW_BOUNDS,
    Findings,
)
from analytics_sync.extract.evidence.shared_keys import SharedKeys
from analytics_sync.extract.evidence.totals import Totals
from analytics_sync.extract.parents import Parent
from analytics_sync.extract.rejected_records import RejectedRecords
from analytics_sync.extract.rest_client.call import Counters


@dataclass(frozen=True)
class Page:
    """The records of one response.

    Attributes:
        records: As the API gave them, with the fields that they inherit from their parent.
        received_at: When the response arrived, in microseconds since 1970.
        size: Length of the response body, in bytes.
        last: Whether the page ends its request series.
        parent: The parent whose children these are; None when the resource is no child.
        series: Identifies the request series of the response.
        number: The number of the response in its series, from 1; a page without records counts as
            the page before.
        window: The time that was requested; None for everything.
    """

    records: list[Any]
    received_at: int
    size: int = 0
    last: bool = True
    parent: Parent | None = None
    series: Hashable = None
    number: int = 0
    window: Window | None = None


@dataclass
class ReadResult:
    """What reading one resource gave, and what it cost.

    Attributes:
        resource: The resource that was read.
        buffer: The tables to load; None until the first page is converted.
        rejected: Records that cannot be placed.
        counters: Requests, retries, waits and bytes.
        pages: Number of pages read.
        records: Number of records in them.
        outside_window: Records that were not in the window.
        with_extra: Rows that have a value in ``_extra``.
        children: Number of parents whose children were read; None when the resource is no child.
        skipped: The children that the API refused, each with its status.
        refused: How many of the skipped children were not declared to have no records.
        refused_above: The same number for all ancestors: their records are missing as parents.
        parents_without: Parents for which no child was requested.
        seconds: Duration of the read.
        series_begun: Number of series whose first page has arrived with a total.
        pages_kept: Pages that came from the journal of an earlier run.
        started_at: When the first response arrived, in microseconds since 1970.
        stop_reasons: What ended the request series, in words.
        reported_total: Sum of the totals that the API reported; None when a series had no total.
        proven_complete: Whether every series ended in a way that proves that nothing was left out.
        announced: The total that the API reported with the first page; None without one, and when the
            resource is read in several series.
        parents_complete: Whether the children of all parents were requested.
        parents_read: Keys of the parents whose children were read to the end of their listing.
        parents_without_listing: Keys of the parents whose children answered 404 or 410, and whose
            declaration says that there are no children then.
        shortfall: What the API reported and what was read, of the first series that is known to be
            short; None without one.
        shared_keys: The keys that different records share.
        read_up_to: Before this instant all records of the window were requested; None if that is so
            for the whole window.
        absent: The declared fields that no record held, not even with null.
        order_broken_by: The cursor of a record that is not in the declared ``row_order``; None without
            one.
        findings: Evidence against the declaration or against completeness.
        fields: The fields of the rows: the declared ones, or those that the data has named.
        account_changes: The settings and credentials that were replaced not long ago, and may be those of
            another account.
        totals: The totals of the request series by the time that they were requested for.
        filter_evidence: Whether ``data_selector`` compares a field that records have.
    """

    resource: Resource
    buffer: TableBuffer | None = None
    rejected: RejectedRecords = field(default_factory=RejectedRecords)
    counters: Counters = field(default_factory=Counters)
    pages: int = 0
    records: int = 0
    outside_window: int = 0
    with_extra: int = 0
    children: int | None = None
    skipped: list[str] = field(default_factory=list)
    refused: int = 0
    refused_above: int = 0
    parents_without: int = 0
    seconds: float = 0.0
    pages_kept: int = 0
    started_at: int | None = None
    stop_reasons: set[str] = field(default_factory=set)
    reported_total: int | None = 0
    proven_complete: bool = True
    announced: int | None = None
    series_begun: int = 0
    parents_complete: bool = True
    parents_read: set[str] = field(default_factory=set)
    parents_without_listing: set[str] = field(default_factory=set)
    shortfall: tuple[int, int] | None = None
    shared_keys: SharedKeys = field(default_factory=SharedKeys)
    read_up_to: datetime | None = None
    absent: tuple[Field, ...] = ()
    order_broken_by: datetime | None = None
    findings: Findings = field(default_factory=Findings)
    account_changes: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    totals: Totals = field(default_factory=Totals)
    filter_evidence: FilterEvidence = field(init=False)

    def __post_init__(self) -> None:
        self.filter_evidence = FilterEvidence(self.resource)

    def record_end(
        self,
        reason: str,
        reported_total: int | None,
        received: int,
        window: Window | None = None,
        *,
        proven_complete: bool,
    ) -> None:
        """Record how one request series ended. Threads may call it.

        Args:
            reason: The stop reason, in words.
            reported_total: How many records the API reported; None when it reported no total.
            received: How many records arrived.
            window: The time that was requested; None for everything.
            proven_complete: Whether the end proves that there are no more records.
        """
        with self.counters.lock:
            self.stop_reasons.add(reason)
            self.totals.add(window, reported_total, received)
            self.reported_total = (
                None
                if reported_total is None or self.reported_total is None
                else self.reported_total + reported_total
            )
            if reported_total is not None and received < reported_total:
                self.shortfall = self.shortfall or (reported_total, received)
            self.proven_complete = (
                self.proven_complete
                and proven_complete
                and (reported_total is None or received >= reported_total)
            )

    def announce(self, total: int | None) -> None:
        """Note the total of the first page of a series. Threads may call it."""
        with self.counters.lock:
            self.series_begun += 1
            self.announced = total if self.series_begun == 1 else None

    @property
    def complete(self) -> bool:
        """Whether all records were read, so that a record that is missing is gone at the API.

        A rejected record is not absent: it may be the row that is missing. So may a record whose key
        another record has too.
        """
        return self.parents_complete and not self.skipped and self.not_complete() is None

    @property
    def listed_all(self) -> bool:
        """Whether the API listed all records of what was asked for, as far as the evidence goes."""
        evidence = self.findings.of(COMPLETE) or self.findings.of(WINDOW_BOUNDS)
        return self.proven_complete and not evidence

    def not_complete(self) -> str | None:
        """Why a record of a parent or window that was read may be missing; None if it cannot be."""
        if not self.proven_complete:
            return f"the end of the listing is not proven ({', '.join(sorted(self.stop_reasons))})"
        if self.rejected:
            return f"{len(self.rejected)} records were rejected"
        if self.shared_keys.is_wrong_key or self.findings.of(PRIMARY_KEY_UNIQUE):
            return "different records share a primary key"
        if self.findings.of(COMPLETE):
            return "the check complete fails"
        if self.findings.of(WINDOW_BOUNDS):
            return "the check window_bounds fails"
        return None

    @property
    def shortfall_text(self) -> str:
        """The shortfall in a sentence; empty without one."""
        if self.shortfall is None:
            return ""
        reported, read = self.shortfall
        return f"The API said {reported:,} records, and {read:,} were read."

    @property
    def rows(self) -> int:
        """Number of rows to load."""
        return self.buffer.rows if self.buffer else 0
