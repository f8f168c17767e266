"""What reading one resource gave.

In: pages, as they are read. Out: a ``ReadResult``: rows to load, rejected records, and the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.extract.buffer import TableBuffer
from analytics_sync.extract.convert.converter import Rejected
from analytics_sync.extract.rest_client.session import Counters


@dataclass(frozen=True)
class Page:
    """The records of one answer.

    Attributes:
        records: As the API gave them, with what they inherit.
        at: When the answer came, in microseconds since 1970.
        size: Of the answer, in bytes.
        last: Whether it ends its walk.
    """

    records: list[Any]
    received_at: int
    size: int = 0
    last: bool = True


@dataclass
class ReadResult:
    """What reading one resource gave."""

    resource: Resource
    buffer: TableBuffer | None = None
    rejected: list[Rejected] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    pages: int = 0
    records: int = 0
    outside_window: int = 0
    with_extra: int = 0
    children: int | None = None
    skipped: list[str] = field(default_factory=list)
    parents_without: int = 0
    seconds: float = 0.0
    pages_kept: int = 0
    """Pages that an earlier run had read already."""
    started_at: int | None = None
    """When its first answer came, in microseconds since 1970."""
    stop_reasons: set[str] = field(default_factory=set)
    """What ended the walks, in words."""
    reported_total: int | None = 0
    """Records the API says there are, in all walks; None when it did not say so of every walk."""
    proven_complete: bool = True
    """Every walk ended at something that proves that nothing was left out."""

    def ended(
        self, end: str, reported_total: int | None, got: int, *, proven_complete: bool
    ) -> None:
        """Take down how one walk ended.

        Args:
            end: What ended it.
            told: How many records the API said there are.
            got: How many it gave.
            whole: Whether the end proves that this is all.
        """
        with self.counters.lock:
            self.stop_reasons.add(end)
            self.reported_total = (
                None
                if reported_total is None or self.reported_total is None
                else self.reported_total + reported_total
            )
            self.proven_complete = (
                self.proven_complete
                and proven_complete
                and (reported_total is None or got >= reported_total)
            )

    @property
    def complete(self) -> bool:
        """Whether all there is was read, so that what was not seen is gone at the API."""
        return self.proven_complete and not self.skipped

    @property
    def rows(self) -> int:
        """Rows to load."""
        return self.buffer.rows if self.buffer else 0
