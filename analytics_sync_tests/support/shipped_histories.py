"""Histories of shipped resources: records of the sandbox, moved to the instants of a history.

In: a resource of the shipped catalog, and changes. Out: the same records in the ledgers of several
sandboxes. The ledgers are the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.sandbox import Sandbox
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync_tests.support.histories import DAY, Change, microseconds
from analytics_sync_tests.support.history_model import cursor_step, spell

FAR_FUTURE = microseconds("2051-01-01")  # after the last partition of every history


@dataclass
class ShippedRecords:
    """The records whose cursor decides about the windows of a resource.

    They belong to the resource itself, or to the ancestor whose window it shares.

    Attributes:
        source: The source.
        name: The resource.
        servers: The sandboxes that serve the records.
        changed: Instants of changes. The partition of each instant has to run again.
    """

    source: Source
    name: str
    servers: tuple[Sandbox, ...]
    changed: set[int] = field(default_factory=set)
    _added: list[Any] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.resource = self.source.resources[self.name]
        owner = self.source.window_owner(self.resource)
        assert owner is not None
        self.owner: Resource = owner
        assert owner.cursor is not None
        self._cursor: Field = owner.cursor
        self._key_paths = [f.path for k in owner.key for f in owner.fields if f.column == k]
        # A record whose key holds its cursor cannot move: it would be another record.
        self._is_fixed = self._cursor.column in owner.key
        self._changeable = next((f for f in owner.fields if self._may_change(f)), None)

    def _may_change(self, declared: Field) -> bool:
        """Whether no key, cursor, alias or child depends on this field."""
        needed = {self._cursor.name, *self.owner.primary_key, *self.owner.inherited}
        for child in self.source.resources.values():
            if child.parent == self.owner.name:
                needed |= {p.field for p in child.resolved.values()}
                needed |= {*child.inherited.values(), *child.skip_parents}
        plain = declared.data_type in {"text", "bigint"} and not declared.aliases
        return plain and declared.name not in needed

    def begin(self, changes: tuple[Change, ...]) -> None:
        """Move all records to the far future, then one record to the instant of each change.

        This undoes the changes of earlier histories, which not every server received.
        """
        numbers = self._numbers()
        for index, number in enumerate(numbers):
            self._move(number, FAR_FUTURE + index * DAY, 0)
            self._change(number, index)
        for number, change in zip(numbers, changes, strict=False):
            self._move(number, change.instant, change.spelling)

    def apply(self, change: Change) -> None:
        """Apply a change to the ledgers."""
        numbers = self._numbers()
        number = numbers[change.choice % len(numbers)]
        if change.is_new and self.owner.parent is None:
            self._add(number, change)
        elif change.moves and not self._is_fixed:
            self._move(number, change.instant, change.spelling)
        else:
            self._count += 1
            self._change(number, 1000 + self._count)

    def finish(self) -> None:
        """Delete the records that the history added."""
        for key in self._added:
            for sandbox in self.servers:
                sandbox.ledger(self.source.name).delete(self.owner.name, key)

    def _numbers(self) -> list[int]:
        """The numbers of the records, which are the same on every server, unlike their keys."""
        ledger = self.servers[0].ledger(self.source.name)
        return [version.number for version in ledger.records(self.owner.name)]

    def _key(self, record: dict[str, Any]) -> Any:
        parts = tuple(get_or_none(record, path) for path in self._key_paths)
        return parts if len(parts) > 1 else parts[0]

    def _record(self, sandbox: Sandbox, number: int) -> tuple[dict[str, Any], Any]:
        """A record as the server sends it, and its key, which may hold fields of the parent."""
        ledger = sandbox.ledger(self.source.name)
        every = zip(ledger.records(self.owner.name), ledger.expected(self.owner.name), strict=True)
        return next((v.record, self._key(whole)) for v, whole in every if v.number == number)

    def _floor(self, instant: int) -> int:
        # The ledger is exact to the millisecond.
        return instant - instant % max(cursor_step(self.owner), 1000)

    def _move(self, number: int, instant: int, spelling: int) -> None:
        self._update(number, {self._cursor.name: self._spelled(self._floor(instant), spelling)})

    def _spelled(self, instant: int, spelling: int) -> Any:
        # A key has one spelling: for the ledger, two spellings of an instant are two keys.
        return spell(self.owner, instant, 0 if self._is_fixed else spelling)

    def _change(self, number: int, value: int) -> None:
        if self._changeable is not None:
            text = self._changeable.data_type == "text"
            self._update(number, {self._changeable.name: f"value {value}" if text else value})

    def _update(self, number: int, changes: dict[str, Any]) -> None:
        for sandbox in self.servers:
            _, key = self._record(sandbox, number)
            try:
                now = sandbox.ledger(self.source.name).update(self.owner.name, key, changes)
            except ValueError:  # another record has this instant in its key
                assert self._is_fixed
                continue
            assert now.ms is not None
            self.changed.add(now.ms * 1000)

    def _add(self, number: int, change: Change) -> None:
        """Add a copy of a record, with another key and instant."""
        self._count += 1
        instant = self._floor(change.instant)
        new_key = 10**9 + self._count
        for sandbox in self.servers:
            record, _ = self._record(sandbox, number)
            for declared in self.owner.fields:
                if declared.path == self._cursor.path:
                    put(record, declared.path, self._spelled(instant, change.spelling))
                elif declared.path in self._key_paths:
                    text = declared.data_type == "text"
                    put(record, declared.path, f"added-{new_key}" if text else new_key)
            try:
                version = sandbox.ledger(self.source.name).add(self.owner.name, record)
            except ValueError:  # the same on every server
                assert self._is_fixed
                return
        self._added.append(self._key(version.record))
        self.changed.add(instant)

    def mark_read(self, low: int, high: int) -> None:
        """Forget the changes of a window that has been read."""
        self.changed -= {instant for instant in self.changed if low <= instant < high}
