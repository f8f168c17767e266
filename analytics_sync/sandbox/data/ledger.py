"""The ledger of a source: every record that the sandbox serves or has served.

In: a source and the options.
Out: records and versions, the rows that a table must hold for a window, and new revisions.
Tests compare a warehouse with the ledger. One lock guards the ledger, and its results never change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from analytics_sync.catalog import Source
from analytics_sync.sandbox.data import revisions
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.generator import Generator
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.tables import Entry, Table, Version
from analytics_sync.sandbox.data.timestamps import now_ms, read, to_ms
from analytics_sync.sandbox.options import Options

T = TypeVar("T")
# The first number of records that tests add; no generated record has a number this large.
_FIRST_ADDED_NUMBER = 10**12
_MAX_VIEWS = 2000


class Ledger:
    """The records of one source.

    Args:
        source: The declaration.
        options: Seed, sizes and days; None takes the defaults.
        clock: Function that returns the current time in milliseconds.
    """

    def __init__(
        self,
        source: Source,
        options: Options | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.source = source
        self.options = options or Options()
        self._lock = threading.RLock()
        self._generator = Generator(source, self.options, clock)

    @property
    def revision(self) -> int:
        """Number of changes of the data so far."""
        return self._generator.revision

    def _table(self, resource: str) -> Table:
        return self._generator.tables[resource]

    def records(self, resource: str) -> list[Version]:
        """The records that are served now, in the order of their creation."""
        with self._lock:
            return [entry.now for entry in self._table(resource).entries.values()]

    def history(self, resource: str) -> list[Version]:
        """Every version since the start, in the order of creation; includes removed records."""
        with self._lock:
            return list(self._table(resource).history)

    def expected(
        self, resource: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """The rows that the warehouse must hold after a read of the window [start, end).

        A row is the record as served, with inherited fields, aliases moved to their field, and
        ``null_as`` applied. A value that does not fit its type is None. Undeclared fields stay.
        Records without a usable key or cursor are left out. Children without a cursor belong to
        their parent's window. A snapshot ignores the window.

        Args:
            resource: Name of the resource.
            start: First day or instant, UTC; None is no bound.
            end: Day or instant after the last one, UTC; None is no bound.
        """
        with self._lock:
            table = self._table(resource)
            pairs = ((e, table.canonical(e)) for e in self._within(table, start, end))
            rows = [(e, row) for e, row in pairs if _is_loadable(table, e, row)]
        for entry, row in rows:
            drift = entry.now.drift
            if drift is not None and drift.kind == "misfit":
                put(row, drift.path, None)
        return [row for _, row in rows]

    def rejected(
        self, resource: str, start: date | None = None, end: date | None = None
    ) -> list[dict[str, Any]]:
        """The records of the window that no table can hold, as served.

        They lack a usable key, or a usable cursor if one is declared. A record without a usable
        cursor belongs to no window, so every window includes it here.
        """
        with self._lock:
            table = self._table(resource)
            entries = self._within(table, start, end)
            if table.resource.incremental is not None and (start or end):
                entries += [e for e in table.entries.values() if e.now.ms is None]
            return [e.now.record for e in entries if not _is_loadable(table, e, table.canonical(e))]

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
        """Make the next revision, ``steps`` times; return the number of the last one."""
        with self._lock:
            for _ in range(steps):
                revisions.advance(self._generator)
            return self.revision

    def add(
        self, resource: str, record: Mapping[str, Any], parent: Version | None = None
    ) -> Version:
        """Serve one more record.

        Args:
            resource: Name of the resource.
            record: The complete record; the ledger adds no field.
            parent: The parent record of a child; None for a resource without a parent.

        Raises:
            ValueError: Another record has this key, or the parent can have no children.
        """
        with self._lock:
            table = self._table(resource)
            params: tuple[str, ...] | None = ()
            if table.resource.parent is not None:
                parents = self._table(table.resource.parent)
                if parent is None or parent.number not in parents.entries:
                    raise ValueError(f"{table.resource}: expected parent, a served record")
                parent_record = parents.canonical(parents.entries[parent.number])
                params = table.blueprint.resolved(parent_record)
            served_parent = table.served_parents.get(params) if params is not None else None
            if served_parent is None:
                raise ValueError(f"{table.resource}: nothing is served below this parent")
            self._generator.revision += 1
            entry = table.insert(
                table.free_number(_FIRST_ADDED_NUMBER),
                served_parent,
                dict(record),
                self._ms(table, record),
                self.revision,
            )
            if entry is None:
                raise ValueError(f"{table.resource}: the key of this record is taken")
            self._generator.attach(entry, table)
            return entry.now

    def update(self, resource: str, key: Any, changes: Mapping[str, Any]) -> Version:
        """Change values of a record.

        Args:
            resource: Name of the resource.
            key: Primary key of the record; a tuple if the key has several parts.
            changes: Path, as in a catalog file -> new value.

        Raises:
            KeyError: No record has this key.
            ValueError: Another record has the new key.
        """
        with self._lock:
            table = self._table(resource)
            entry = self._entry(table, key)
            record = entry.now.record
            for path, value in changes.items():
                put(record, path_of(path), value)
            self._generator.revision += 1
            old_params = self._params_of_children(entry, table)
            table.change(entry, record, self._ms(table, record), self.revision)
            if self._params_of_children(entry, table) != old_params:
                self._generator.detach(entry, table)
                self._generator.attach(entry, table)
            return entry.now

    def delete(self, resource: str, key: Any) -> None:
        """Stop serving a record, and the descendants that have no other parent.

        Raises:
            KeyError: No record has this key.
        """
        with self._lock:
            table = self._table(resource)
            entry = self._entry(table, key)
            self._generator.revision += 1
            self._generator.remove(entry, table)

    def _params_of_children(self, entry: Entry, table: Table) -> list[tuple[str, ...] | None]:
        record = table.canonical(entry)
        return [
            child.blueprint.resolved(record)
            for child in self._generator.tables.values()
            if child.resource.parent == table.resource.name
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
        """The result of ``make`` for the records below one parent, cached until the table changes.

        Args:
            resource: Name of the resource.
            key: Key of the cache entry; any hashable value.
            make: Function of the current versions below the parent.
            params: Path and query values of the parent.

        Returns:
            The result of ``make``; None if nothing is served with these values.
        """
        with self._lock:
            table = self._table(resource)
            served_parent = table.served_parents.get(params)
            if served_parent is None:
                return None
            if len(table.views) > _MAX_VIEWS:
                table.views.clear()
            views = table.views
            if (params, key) not in views:
                views[params, key] = make([e.now for e in served_parent.entries.values()])
            result: T = views[params, key]
            return result


def _is_loadable(table: Table, entry: Entry, row: dict[str, Any]) -> bool:
    """Whether a warehouse table can hold this record."""
    has_cursor = table.resource.incremental is None or entry.now.ms is not None
    return has_cursor and table.blueprint.keys(row) is not None
