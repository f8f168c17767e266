"""Everything a source has served and serves: the truth that a warehouse is held against.

In: a source and the options. Out: records and versions, what a table must hold for a window, and
new revisions on demand. One lock guards it all; what is handed out never changes afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from analytics_sync.catalog import Source
from analytics_sync.sandbox.data import revisions
from analytics_sync.sandbox.data.generator import Generator
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.tables import Entry, Table, Version
from analytics_sync.sandbox.data.timestamps import read, to_ms
from analytics_sync.sandbox.options import Options

T = TypeVar("T")
# numbers of records that tests add; no day and no parent reaches them
_ADDED = 10**12


class Ledger:
    """The records of one source.

    Args:
        source: What is declared.
        options: Seed, sizes and days.
    """

    def __init__(self, source: Source, options: Options | None = None) -> None:
        self.source = source
        self.options = options or Options()
        self._lock = threading.RLock()
        self._generator = Generator(source, self.options)

    @property
    def revision(self) -> int:
        """How often the data has changed."""
        return self._generator.revision

    def _table(self, resource: str) -> Table:
        return self._generator.tables[resource]

    def records(self, resource: str) -> list[Version]:
        """What is served now, in the order the records were made."""
        with self._lock:
            return [entry.now for entry in self._table(resource).entries.values()]

    def history(self, resource: str) -> list[Version]:
        """Every version there ever was, removed records included, in the order they came."""
        with self._lock:
            return list(self._table(resource).history)

    def expected(
        self, resource: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """What the warehouse must hold after the window [start, end) was read.

        Records are as served, with inherited fields filled in, aliases moved to their field's place
        and ``null_as`` applied. A value that does not fit its type is None; the undeclared is kept.
        Records without a usable key or cursor are not among them. Children without a cursor of their own
        belong to their parent's window; for a snapshot the window means nothing.

        Args:
            resource: Name of the resource.
            start: First day or instant, UTC; None is no bound.
            end: Day or instant after the last one; None is no bound.
        """
        with self._lock:
            table = self._table(resource)
            every = ((e, table.canonical(e)) for e in self._within(table, start, end))
            rows = [(e, row) for e, row in every if _has_place(table, e, row)]
        for entry, row in rows:
            drift = entry.now.drift
            if drift is not None and drift.kind == "misfit":
                put(row, drift.path, None)
        return [row for _, row in rows]

    def rejected(
        self, resource: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """The records of the window that cannot be placed, as served.

        They have no usable key, or no usable cursor where one is declared; the latter are in no
        window and given for any.
        """
        with self._lock:
            table = self._table(resource)
            entries = self._within(table, start, end)
            if table.resource.incremental is not None and (start or end):
                entries += [e for e in table.entries.values() if e.now.ms is None]
            return [e.now.record for e in entries if not _has_place(table, e, table.canonical(e))]

    def _within(self, table: Table, start: date | None, end: date | None) -> list[Entry]:
        entries = list(table.entries.values())
        if (start is None and end is None) or not self.source.windowed(table.resource):
            return entries
        low = to_ms(start) if start is not None else -(2**62)
        high = to_ms(end) if end is not None else 2**62
        if table.resource.incremental is not None:
            return [e for e in entries if e.now.ms is not None and low <= e.now.ms < high]
        return [e for e in entries if any(low <= ms < high for ms in e.instants())]

    def advance(self, steps: int = 1) -> int:
        """Make the next revision, ``steps`` times; returns its number."""
        with self._lock:
            for _ in range(steps):
                revisions.advance(self._generator)
            return self.revision

    def add(
        self, resource: str, record: Mapping[str, Any], parent: Version | None = None
    ) -> Version:
        """Serve one more record.

        Args:
            resource: Where it goes.
            record: As it is to be served; complete, nothing is filled in.
            parent: The record it is found below, for a child.

        Raises:
            ValueError: The key is taken, or there is no place below that parent.
        """
        with self._lock:
            table = self._table(resource)
            params: tuple[str, ...] | None = ()
            if table.resource.parent is not None:
                above = self._table(table.resource.parent)
                if parent is None or parent.number not in above.entries:
                    raise ValueError(f"{table.resource}: expected parent, a served record")
                record_above = above.canonical(above.entries[parent.number])
                params = table.blueprint.resolved(record_above)
            place = table.places.get(params) if params is not None else None
            if place is None:
                raise ValueError(f"{table.resource}: nothing is served below this parent")
            self._generator.revision += 1
            entry = table.insert(
                table.free_number(_ADDED),
                place,
                dict(record),
                self._ms(table, record),
                self.revision,
            )
            if entry is None:
                raise ValueError(f"{table.resource}: the key of this record is taken")
            self._generator.attach(entry, table)
            return entry.now

    def update(self, resource: str, key: Any, changes: Mapping[str, Any]) -> Version:
        """Serve a record with other values.

        Args:
            resource: Where it is.
            key: Its primary key; a tuple when there are several parts.
            changes: Dotted path -> new value.

        Raises:
            KeyError: No record has this key.
            ValueError: The new key is taken.
        """
        with self._lock:
            table = self._table(resource)
            entry = self._entry(table, key)
            record = entry.now.record
            for path, value in changes.items():
                put(record, tuple(path.split(".")), value)
            self._generator.revision += 1
            before = self._leads_to(entry, table)
            table.change(entry, record, self._ms(table, record), self.revision)
            if self._leads_to(entry, table) != before:
                self._generator.detach(entry, table)
                self._generator.attach(entry, table)
            return entry.now

    def delete(self, resource: str, key: Any) -> None:
        """Stop serving a record, and what is only found below it.

        Raises:
            KeyError: No record has this key.
        """
        with self._lock:
            table = self._table(resource)
            entry = self._entry(table, key)
            self._generator.revision += 1
            self._generator.remove(entry, table)

    def _leads_to(self, entry: Entry, table: Table) -> list[tuple[str, ...] | None]:
        record = table.canonical(entry)
        return [
            below.blueprint.resolved(record)
            for below in self._generator.tables.values()
            if below.resource.parent == table.resource.name
        ]

    def _entry(self, table: Table, key: Any) -> Entry:
        return table.by_key[key if isinstance(key, tuple) else (key,)]

    def _ms(self, table: Table, record: Mapping[str, Any]) -> int | None:
        cursor = table.resource.cursor
        if cursor is None or table.resource.incremental is None:
            return None
        return read(cursor, get_or_none(record, cursor.path))

    def cached(
        self, resource: str, key: Any, make: Callable[[list[Version]], T], params: tuple[str, ...]
    ) -> T | None:
        """Something made from the records at one place, kept until they change.

        Args:
            resource: Where the records are.
            key: What it is; anything hashable.
            make: Makes it from the current versions.
            params: The place.

        Returns:
            What ``make`` returned; None when nothing is served at this place.
        """
        with self._lock:
            table = self._table(resource)
            place = table.places.get(params)
            if place is None:
                return None
            if len(table.views) > 2000:
                table.views.clear()
            views = table.views
            if (params, key) not in views:
                views[params, key] = make([e.now for e in place.entries.values()])
            result: T = views[params, key]
            return result


def _has_place(table: Table, entry: Entry, row: dict[str, Any]) -> bool:
    """Whether a table can hold this record."""
    placed = table.resource.incremental is None or entry.now.ms is not None
    return placed and table.blueprint.keys(row) is not None
