"""What a sandbox holds and how it behaves, as one immutable value.

In: what the user chose. Out: ``Options``, which every other module of the sandbox reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Options:
    """Sizes, days and manners of a sandbox.

    Attributes:
        seed: Same seed, same data.
        rows: Records of a snapshot.
        rows_per_day: Records of each day of a windowed resource.
        rows_per_parent: Records below each parent record, where the answer is a list.
        start: First day (UTC) that has records.
        end: The day after the last one. By default the seven days up to and including today; the
            records of today end now.
        max_page: Most records on one page, whatever the client asks for.
        max_chain: Most records a table below a parent gets: the topmost parent has fewer rows than
            asked for if need be, never fewer than two a day. 0 is no limit.
        first_page: What page numbers count from where the declaration does not say.
        drift: Share of records (0 to 1) that do not keep to their declaration.
        key: The one secret every declared authentication accepts.
        root_lists: Resources whose answer is a bare list. A plain name counts where the selector is
            ``$``; ``source/resource`` counts whatever the selector is.
        root_objects: Resources whose answer is one bare object, where the selector is ``$``; names
            as in ``root_lists``.
        latency_ms: Milliseconds each answer is held back.

    Raises:
        ValueError: A size is negative, ``drift`` is no share, or there is no day.
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
