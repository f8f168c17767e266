"""Random histories of records near the edges of days.

In: Hypothesis' choices. Out: stories: records, runs over ranges of partitions, and changes between
the runs; a model of what was told, exact to the microsecond and without any code of the package's
reading side. The sandbox's ledger, exact to the millisecond, is held against the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from analytics_sync.catalog import Resource, Source
from analytics_sync.sandbox import Sandbox

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
SECOND, DAY = 1_000_000, 86_400_000_000
AROUND = 40 * DAY  # what lies before the first and after the last cut has partitions of its own


def us(text: str) -> int:
    """Microseconds since 1970 of an instant in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // US


def moment(instant: int) -> datetime:
    """The aware datetime of microseconds since 1970."""
    return EPOCH + instant * US


def chain_of(source: Source, name: str) -> tuple[Resource, ...]:
    """A resource and what is above it, the topmost first."""
    resource = source.resources[name]
    return (*reversed(list(source.ancestors(resource))), resource)


def grain(resource: Resource) -> int:
    """The smallest step of a resource's cursor, in microseconds."""
    cursor = resource.cursor
    if cursor is None:
        return 1
    if cursor.data_type == "date":
        return DAY
    return {"epoch_s": SECOND, "epoch_ms": 1000}.get(cursor.format or "", 1)


# --- stories -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A record that comes, or one that changes and perhaps moves to another instant."""

    adds: bool
    pick: int
    at: int
    spelling: int
    moves: bool


@dataclass(frozen=True)
class Run:
    """A run over the partitions ``first`` to ``last``, both included, against one of two servers."""

    first: int
    last: int
    server: int


@dataclass(frozen=True)
class Story:
    """Cuts between partitions, what there is at first, what happens, and the order at the end."""

    cuts: tuple[int, ...]
    first: tuple[Change, ...]
    steps: tuple[Change | Run, ...]
    shuffled: tuple[int, ...]
    servers: tuple[int, int]
    together: bool

    def window(self, first: int, last: int) -> tuple[int, int]:
        """The half-open range of the partitions from ``first`` to ``last``."""
        return self.cuts[first], self.cuts[last + 1]

    @property
    def partitions(self) -> range:
        """Every partition, the two around the days among them."""
        return range(len(self.cuts) - 1)


MIDNIGHTS = [
    us(day)
    for day in (
        "2024-02-29", "2024-03-01", "2023-03-01", "2024-01-01", "2025-01-01", "2024-12-31",
        "2024-05-01", "2024-07-31", "2000-02-29", "2100-03-01", "2024-03-31", "1970-01-01",
    )
]  # fmt: skip
NEAR = [0, 0, 0, -1, 1, -1000, 1000, -999, 999, -1001, -SECOND, SECOND - 1, 20 * SECOND, DAY - 1, DAY - 1000, DAY // 2]  # fmt: skip


@st.composite
def stories(
    draw: st.DrawFn, servers: int = 2, step: int = 1, *, least: int = 0, old: bool = True
) -> Story:
    """Stories.

    Args:
        draw: Hypothesis'.
        servers: How many there are to choose two from.
        step: Cuts are whole multiples of this many microseconds.
        least: How many records there are at first, and steps after that, at least.
        old: Whether there may be instants before 1970.
    """
    middle = draw(st.sampled_from(MIDNIGHTS if old else MIDNIGHTS[:-1]))
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
    cuts = (min(inner) - AROUND, *sorted(inner), max(inner) + AROUND)
    edge = st.builds(int.__add__, st.sampled_from(cuts[1:-1]), st.sampled_from(NEAR))
    instant = (edge | edge | st.integers(cuts[1] - DAY, cuts[-2] + DAY)).map(
        lambda t: max(cuts[0], min(t, cuts[-1] - 1))
    )
    pick, spelling = st.integers(0, 11), st.integers(0, 7)
    added = st.builds(Change, st.just(True), pick, instant, spelling, st.just(True))
    changed = st.builds(Change, st.booleans(), pick, instant, spelling, st.booleans())
    partitions = len(cuts) - 1
    some = st.integers(0, partitions - 1)
    run = st.builds(
        lambda a, b, server: Run(min(a, b), max(a, b), server), some, some, st.integers(0, 1)
    )
    a, b = draw(st.tuples(*[st.integers(0, servers - 1)] * 2))
    return Story(
        cuts,
        tuple(draw(st.lists(added, min_size=least, max_size=8))),
        tuple(draw(st.lists(run | changed, min_size=least, max_size=5))),
        tuple(draw(st.permutations(range(partitions)))),
        (a, b),
        draw(st.booleans()),
    )


# --- the model -----------------------------------------------------------------------------------


@dataclass(eq=False)
class Item:
    """A record of the model."""

    resource: Resource
    id: int
    v: int
    at: int | None
    spelled: Any
    up: Item | None

    def instant(self) -> int | None:
        """When it happened: by its own cursor or the nearest one above it."""
        if self.at is not None:
            return self.at
        return self.up.instant() if self.up is not None else None

    def row(self) -> dict[str, Any]:
        """What the table must hold."""
        row: dict[str, Any] = {"id": self.id, "v": self.v, "_extra": None}
        names = {f.column for f in self.resource.fields}
        if self.at is not None:
            row["at"] = self._typed(self.at)
        if self.up is not None and "up" in names:
            row["up"] = self.up.id
        if self.up is not None and "up_at" in names:
            assert self.up.at is not None
            row["up_at"] = moment(self.up.at)
        return row

    def _typed(self, at: int) -> datetime | date:
        cursor = self.resource.cursor
        assert cursor is not None
        return moment(at).date() if cursor.data_type == "date" else moment(at)

    def served(self) -> dict[str, Any]:
        """The record as the API sends it."""
        record: dict[str, Any] = {"id": self.id, "v": self.v}
        if self.at is not None:
            record["at"] = self.spelled
        return record


def spell(resource: Resource, at: int, spelling: int) -> Any:
    """One of the ways to write an instant that say the same."""
    cursor, instant = resource.cursor, moment(at)
    assert cursor is not None
    if cursor.data_type == "date":
        return instant.date().isoformat()
    if cursor.format:
        return at // grain(resource)
    naive = instant.replace(tzinfo=None)
    match spelling:
        case 0:
            return instant.isoformat()
        case 1:
            return instant.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
        case 2:
            return instant.astimezone(timezone(timedelta(hours=-11))).isoformat()
        case 3:
            return naive.isoformat()
        case 4:
            return naive.isoformat(sep=" ", timespec="microseconds") + "+00:00"
        case 5 if at % DAY == 0:
            return instant.date().isoformat()
        case 6 if at % 1000 == 0:
            return naive.isoformat(timespec="milliseconds") + "Z"
        case _:
            return naive.isoformat(timespec="microseconds") + "Z"


@dataclass
class Chain:
    """The records of one resource and of those above it, told to ledgers and model alike."""

    source: Source
    name: str
    servers: tuple[Sandbox, ...]
    turn: int = 0
    items: list[Item] = field(default_factory=list)
    dirty: set[int] = field(default_factory=set)
    """Instants that changed; the partition each is in has to run once more."""

    def __post_init__(self) -> None:
        self.levels = chain_of(self.source, self.name)
        self.resource = self.levels[-1]

    def apply(self, change: Change) -> None:
        """Let a change happen."""
        pick = change.pick + self.turn
        touched = self._add(change, pick) if change.adds or not self.items else None
        if touched is None:
            touched = self.items[pick % len(self.items)]
            touched.v += 1
            changes: dict[str, Any] = {"v": touched.v}
            if change.moves and touched.at is not None:
                self._place(touched, change)
                changes["at"] = touched.spelled
            for sandbox in self.servers:
                sandbox.ledger(self.source.name).update(touched.resource.name, touched.id, changes)
        for item in self.items:
            if touched in above(item):
                instant = item.instant()
                if instant is not None:
                    self.dirty.add(instant)

    def _add(self, change: Change, pick: int) -> Item:
        places = [(r, up) for r, up in self._places() if r is self.resource] or list(self._places())
        if pick % 3 == 0:
            places = list(self._places())
        resource, up = places[pick % len(places)]
        count = len(self.items) + 1
        # keys in another order than time: listings by key are not by time
        item = Item(resource, count * 7 % 31 + 31 * (count // 31), 0, None, None, up)
        if resource.cursor is not None:
            self._place(item, change)
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            parent = None
            if up is not None:
                parent = next(
                    v for v in ledger.records(up.resource.name) if v.record["id"] == up.id
                )
            ledger.add(resource.name, item.served(), parent)
        self.items.append(item)
        return item

    def _places(self) -> Iterator[tuple[Resource, Item | None]]:
        for resource in self.levels:
            if resource.parent is None:
                yield resource, None
            for item in self.items:
                if item.resource.name == resource.parent:
                    yield resource, item

    def _place(self, item: Item, change: Change) -> None:
        item.at = change.at - change.at % grain(item.resource)
        item.spelled = spell(item.resource, item.at, change.spelling)

    def expected(self, resource: Resource, low: int, high: int) -> dict[int, dict[str, Any]]:
        """Rows by key that a reading of the window must give."""
        rows = {}
        windowed = self.source.windowed(resource)
        for item in self.items:
            instant = item.instant()
            if item.resource is resource and (
                not windowed or (instant is not None and low <= instant < high)
            ):
                rows[item.id] = item.row()
        return rows

    def agrees_with_ledgers(self, low: int, high: int) -> None:
        """The ledgers expect the same; they know no part of a millisecond."""
        if low % 1000 or high % 1000:
            return
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            for resource in self.levels:
                rows = ledger.expected(resource.name, moment(low), moment(high))
                expected = self.expected(resource, low, high)
                assert {r["id"]: r["v"] for r in rows} == {k: r["v"] for k, r in expected.items()}

    def clear(self) -> None:
        """Stop serving everything."""
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            for resource in reversed(self.levels):
                for version in ledger.records(resource.name):
                    ledger.delete(resource.name, version.record["id"])


def above(item: Item) -> Iterator[Item]:
    """The record itself and those it is found below."""
    yield item
    if item.up is not None:
        yield from above(item.up)
