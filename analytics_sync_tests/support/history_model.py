"""A model of what a resource's table must hold after a history.

In: changes of records. Out: the same changes in the ledgers of several sandboxes, and the rows of
any window. The model is exact to the microsecond and uses no code of the package's reading side.
The ledgers are exact to the millisecond; they are compared with the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.support.histories import DAY, SECOND, Change, to_datetime


def with_ancestors(source: Source, name: str) -> tuple[Resource, ...]:
    """A resource and its ancestors, the topmost first."""
    resource = source.resources[name]
    return (*reversed(list(source.ancestors(resource))), resource)


def cursor_step(resource: Resource) -> int:
    """The smallest step of a resource's cursor, in microseconds."""
    cursor = resource.cursor
    if cursor is None:
        return 1
    if cursor.data_type == "date":
        return DAY
    return {"epoch_s": SECOND, "epoch_ms": 1000}.get(cursor.format or "", 1)


def spell(resource: Resource, instant: int, spelling: int) -> Any:
    """An instant as the API writes it.

    Args:
        resource: The resource; its cursor's type and format limit the spellings.
        instant: Microseconds since 1970.
        spelling: A number that chooses one of the equivalent spellings.
    """
    cursor, moment = resource.cursor, to_datetime(instant)
    assert cursor is not None
    if cursor.data_type == "date":
        return moment.date().isoformat()
    if cursor.format:
        return instant // cursor_step(resource)
    naive = moment.replace(tzinfo=None)
    match spelling:
        case 0:
            return moment.isoformat()
        case 1:
            return moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
        case 2:
            return moment.astimezone(timezone(timedelta(hours=-11))).isoformat()
        case 3:
            return naive.isoformat()
        case 4:
            return naive.isoformat(sep=" ", timespec="microseconds") + "+00:00"
        case 5 if instant % DAY == 0:
            return moment.date().isoformat()
        case 6 if instant % 1000 == 0:
            return naive.isoformat(timespec="milliseconds") + "Z"
        case _:
            return naive.isoformat(timespec="microseconds") + "Z"


@dataclass(eq=False)
class ModelRecord:
    """A record of the model.

    Attributes:
        resource: Its resource.
        id: Its key.
        v: The value that each change increases.
        instant: Its cursor; None if the resource has no cursor.
        spelled: The cursor as the API writes it.
        parent: The record above it.
    """

    resource: Resource
    id: int
    v: int
    instant: int | None
    spelled: Any
    parent: ModelRecord | None

    def window_instant(self) -> int | None:
        """The instant that decides about the window: its own, or that of the nearest ancestor."""
        if self.instant is not None:
            return self.instant
        return self.parent.window_instant() if self.parent is not None else None

    def row(self) -> dict[str, Any]:
        """The row that the table must hold."""
        row: dict[str, Any] = {"id": self.id, "v": self.v, "_extra": None}
        names = {f.column for f in self.resource.fields}
        if self.instant is not None:
            row["at"] = self._typed(self.instant)
        if self.parent is not None and "up" in names:
            row["up"] = self.parent.id
        if self.parent is not None and "up_at" in names:
            assert self.parent.instant is not None
            row["up_at"] = to_datetime(self.parent.instant)
        return row

    def _typed(self, instant: int) -> datetime | date:
        cursor = self.resource.cursor
        assert cursor is not None
        moment = to_datetime(instant)
        return moment.date() if cursor.data_type == "date" else moment

    def served(self) -> dict[str, Any]:
        """The record as the API sends it."""
        record: dict[str, Any] = {"id": self.id, "v": self.v}
        if self.instant is not None:
            record["at"] = self.spelled
        return record

    def lineage(self) -> Iterator[ModelRecord]:
        """The record and its ancestors."""
        yield self
        if self.parent is not None:
            yield from self.parent.lineage()


@dataclass
class HistoryModel:
    """The records of one resource and its ancestors, in the model and in the ledgers.

    Attributes:
        source: The source.
        name: The resource.
        servers: The sandboxes that serve the records.
        choice_offset: Added to each choice, so that models with one history differ.
        records: All records, in the order in which they were added.
        changed: Instants of changes. The partition of each instant has to run again.
    """

    source: Source
    name: str
    servers: tuple[Sandbox, ...]
    choice_offset: int = 0
    records: list[ModelRecord] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.levels = with_ancestors(self.source, self.name)
        self.resource = self.levels[-1]

    def apply(self, change: Change) -> None:
        """Apply a change to the model and to the ledgers."""
        choice = change.choice + self.choice_offset
        if change.is_new or not self.records:
            touched = self._add(change, choice)
        else:
            touched = self.records[choice % len(self.records)]
            self._update(touched, change)
        for record in self.records:
            instant = record.window_instant()
            if touched in record.lineage() and instant is not None:
                self.changed.add(instant)

    def _update(self, record: ModelRecord, change: Change) -> None:
        record.v += 1
        changes: dict[str, Any] = {"v": record.v}
        if change.moves and record.instant is not None:
            self._set_instant(record, change)
            changes["at"] = record.spelled
        for sandbox in self.servers:
            sandbox.ledger(self.source.name).update(record.resource.name, record.id, changes)

    def _add(self, change: Change, choice: int) -> ModelRecord:
        places = list(self._places())
        if choice % 3:  # two of three new records belong to the resource itself, if it has a place
            places = [(r, parent) for r, parent in places if r is self.resource] or places
        resource, parent = places[choice % len(places)]
        count = len(self.records) + 1
        # The order of keys differs from the order in time, so that listings by key do too.
        key = count * 7 % 31 + 31 * (count // 31)
        record = ModelRecord(resource, key, 0, None, None, parent)
        if resource.cursor is not None:
            self._set_instant(record, change)
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            served_parent = None
            if parent is not None:
                versions = ledger.records(parent.resource.name)
                served_parent = next(v for v in versions if v.record["id"] == parent.id)
            ledger.add(resource.name, record.served(), served_parent)
        self.records.append(record)
        return record

    def _places(self) -> Iterator[tuple[Resource, ModelRecord | None]]:
        """Each resource with each parent that a new record may have."""
        for resource in self.levels:
            if resource.parent is None:
                yield resource, None
            for record in self.records:
                if record.resource.name == resource.parent:
                    yield resource, record

    def _set_instant(self, record: ModelRecord, change: Change) -> None:
        record.instant = change.instant - change.instant % cursor_step(record.resource)
        record.spelled = spell(record.resource, record.instant, change.spelling)

    def expected(self, resource: Resource, low: int, high: int) -> dict[int, dict[str, Any]]:
        """The rows that a read of the window must return, by key."""
        windowed = self.source.windowed(resource)
        rows = {}
        for record in self.records:
            instant = record.window_instant()
            if record.resource is resource and (
                not windowed or (instant is not None and low <= instant < high)
            ):
                rows[record.id] = record.row()
        return rows

    def assert_ledgers_agree(self, low: int, high: int) -> None:
        """Assert that the ledgers expect the same rows, if the window has whole milliseconds."""
        if low % 1000 or high % 1000:
            return
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            for resource in self.levels:
                rows = ledger.expected(resource.name, to_datetime(low), to_datetime(high))
                expected = self.expected(resource, low, high)
                assert {r["id"]: r["v"] for r in rows} == {k: r["v"] for k, r in expected.items()}

    def mark_read(self, low: int, high: int) -> None:
        """Forget the changes of a window that has been read."""
        self.changed -= {instant for instant in self.changed if low <= instant < high}

    def clear(self) -> None:
        """Delete all records from the ledgers."""
        for sandbox in self.servers:
            ledger = sandbox.ledger(self.source.name)
            for resource in reversed(self.levels):
                for version in ledger.records(resource.name):
                    ledger.delete(resource.name, version.record["id"])
