"""The options of a sandbox, as one immutable value.

In: the choices of the user.
Out: ``Options``, which every other module of the sandbox reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Options:
    """Sizes, days and behaviour of a sandbox.

    Attributes:
        seed: Seed of the generated data: the same seed gives the same data.
        rows: Number of records of a snapshot.
        rows_per_day: Number of records of each day of a windowed resource.
        rows_per_parent: Number of records below each parent record, if the response is a list.
        start: First day (UTC) that has records; by default six days before today.
        end: Day after the last day; by default tomorrow. The records of today end now.
        max_page: Maximum number of records on one page, whatever size the client requests.
        max_chain: Maximum number of records of a table below a parent; 0 is no limit. The topmost
            parent gets fewer rows if necessary, but at least two a day.
        first_page: Number of the first page, if the declaration does not say.
        drift: Share of records (0 to 1) that break their declaration.
        key: The secret that every declared authentication accepts.
        root_lists: Resources whose response is a bare list. A plain name applies only if the
            selector is ``$``; ``source/resource`` applies with any selector.
        root_objects: Resources whose response is one bare object. They apply only if the selector
            is ``$``; the names are written as in ``root_lists``.
        latency_ms: Delay of each response in milliseconds.

    Raises:
        ValueError: A size is negative, ``drift`` is not between 0 and 1, or there is no day.
    """

    seed: int = 0
    rows: int = 120
    rows_per_day: int = 40
    rows_per_parent: int = 3
    start: date = field(default_factory=lambda: _today() - timedelta(days=6))
    end: date = field(default_factory=lambda: _today() + timedelta(days=1))
    max_page: int = 50
    max_chain: int = 600
    first_page: int = 1
    drift: float = 0.0
    key: str = "sandbox"
    root_lists: frozenset[str] = frozenset({"self_collaborations", "projects"})
    root_objects: frozenset[str] = frozenset()
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rows", "rows_per_day", "rows_per_parent", "max_chain", "latency_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, found {getattr(self, name)}")
        if self.max_page < 1:
            raise ValueError(f"max_page: expected 1 or more, found {self.max_page}")
        if not 0 <= self.drift <= 1:
            raise ValueError(f"drift: expected a share from 0 to 1, found {self.drift}")
        if self.start >= self.end:
            raise ValueError(f"start {self.start} must be before end {self.end}")

    @property
    def days(self) -> tuple[date, ...]:
        """Every day that has records, in order."""
        return tuple(self.start + timedelta(days=i) for i in range((self.end - self.start).days))
