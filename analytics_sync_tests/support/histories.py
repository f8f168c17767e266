"""Random histories of records whose instants lie near the boundaries of partitions.

In: the choices of Hypothesis. Out: histories: the first records, then changes and runs over ranges
of partitions. Instants are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND, DAY = 1_000_000, 86_400_000_000
# The time before the first cut and after the last one belongs to partitions of this length.
OUTER_LENGTH = 40 * DAY


def microseconds(text: str) -> int:
    """Microseconds since 1970 of an instant in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def to_datetime(instant: int) -> datetime:
    """The UTC datetime of microseconds since 1970."""
    return EPOCH + instant * MICROSECOND


@dataclass(frozen=True)
class Change:
    """A new record, or a change of a record.

    Attributes:
        is_new: Whether a record is added.
        choice: A number that chooses the record to change, or the place of the new one.
        instant: The instant of the new record, or of the changed one if it moves.
        spelling: A number that chooses how the instant is written.
        moves: Whether a changed record moves to the instant.
    """

    is_new: bool
    choice: int
    instant: int
    spelling: int
    moves: bool


@dataclass(frozen=True)
class Run:
    """A run over the partitions ``first`` to ``last``, inclusive, against one of two servers."""

    first: int
    last: int
    server: int


@dataclass(frozen=True)
class History:
    """One history.

    Attributes:
        cuts: The boundaries of the partitions, with the two around the days.
        first: The first records.
        steps: Changes and runs, in order.
        partition_order: All partitions, in the order of the single runs.
        servers: The numbers of the two servers.
        reads_ancestors: Whether each run also loads the ancestors of the resource.
    """

    cuts: tuple[int, ...]
    first: tuple[Change, ...]
    steps: tuple[Change | Run, ...]
    partition_order: tuple[int, ...]
    servers: tuple[int, int]
    reads_ancestors: bool

    @property
    def last_partition(self) -> int:
        """The number of the last partition."""
        return len(self.cuts) - 2

    def window(self, first: int, last: int) -> tuple[int, int]:
        """The half-open range of the partitions from ``first`` to ``last``."""
        return self.cuts[first], self.cuts[last + 1]

    def partitions_of(self, instants: Iterable[int]) -> list[int]:
        """The partitions that hold any of the instants, in the order of the single runs."""
        instants = set(instants)
        windows = {number: self.window(number, number) for number in self.partition_order}
        return [n for n, (low, high) in windows.items() if any(low <= i < high for i in instants)]


MIDNIGHTS = [
    microseconds(day)
    for day in (
        "2024-02-29", "2024-03-01", "2023-03-01", "2024-01-01", "2025-01-01", "2024-12-31",
        "2024-05-01", "2024-07-31", "2000-02-29", "2100-03-01", "2024-03-31", "1970-01-01",
    )
]  # fmt: skip
# Distances from a cut, in microseconds; a distance that stands here more often is drawn more often.
NEAR = [
    0, 0, 0, -1, 1, -1000, 1000, -999, 999, -1001, -SECOND, SECOND - 1, 20 * SECOND, DAY - 1,
    DAY - 1000, DAY // 2,
]  # fmt: skip


def _draw_cuts(draw: st.DrawFn, step: int, *, before_1970: bool) -> tuple[int, ...]:
    """The cuts of a history: whole days, days with odd cuts among them, or long spans."""
    middle = draw(st.sampled_from(MIDNIGHTS if before_1970 else MIDNIGHTS[:-1]))
    shape = draw(st.sampled_from(["days", "days", "days", "odd", "odd", "long"]))
    if shape == "long":
        offsets = draw(st.sets(st.integers(-45, 45), min_size=2, max_size=4))
        inner = {middle + o * DAY for o in offsets}
    else:
        before = draw(st.integers(0, 2))
        inner = {middle + o * DAY for o in range(-before, draw(st.integers(1, 3)) + 1)}
    if shape == "odd":
        near = st.builds(int.__add__, st.sampled_from(sorted(inner)), st.sampled_from(NEAR))
        anywhere = st.integers(min(inner), max(inner))
        inner |= draw(st.sets(near | anywhere, min_size=1, max_size=2))
        inner = {cut - cut % step for cut in inner}
    return (min(inner) - OUTER_LENGTH, *sorted(inner), max(inner) + OUTER_LENGTH)


@st.composite
def histories(
    draw: st.DrawFn,
    servers: int = 2,
    step: int = 1,
    *,
    min_length: int = 0,
    before_1970: bool = True,
) -> History:
    """A strategy of histories.

    Args:
        draw: Passed by Hypothesis.
        servers: The number of servers; each history uses two of them.
        step: Cuts are whole multiples of this many microseconds.
        min_length: The least number of first records, and of steps.
        before_1970: Whether instants may lie before 1970.
    """
    cuts = _draw_cuts(draw, step, before_1970=before_1970)
    edge = st.builds(int.__add__, st.sampled_from(cuts[1:-1]), st.sampled_from(NEAR))
    instant = (edge | edge | st.integers(cuts[1] - DAY, cuts[-2] + DAY)).map(
        lambda t: max(cuts[0], min(t, cuts[-1] - 1))
    )
    choice, spelling = st.integers(0, 11), st.integers(0, 7)
    new = st.builds(Change, st.just(True), choice, instant, spelling, st.just(True))
    change = st.builds(Change, st.booleans(), choice, instant, spelling, st.booleans())
    partitions = len(cuts) - 1
    partition = st.integers(0, partitions - 1)
    run = st.builds(
        lambda a, b, server: Run(min(a, b), max(a, b), server),
        partition,
        partition,
        st.integers(0, 1),
    )
    a, b = draw(st.tuples(*[st.integers(0, servers - 1)] * 2))
    return History(
        cuts,
        tuple(draw(st.lists(new, min_size=min_length, max_size=8))),
        tuple(draw(st.lists(run | change, min_size=min_length, max_size=5))),
        tuple(draw(st.permutations(range(partitions)))),
        (a, b),
        draw(st.booleans()),
    )
