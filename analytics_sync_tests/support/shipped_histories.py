"""Histories of the shipped resources: what a sandbox made, moved to the edges a story names.

In: a resource of the shipped catalog and changes. Out: the same records in several sandboxes; the
truth about them is the sandboxes' ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.sandbox import Sandbox
from analytics_sync_tests.support.histories import DAY, Change, grain, spell, us

FAR = us("2051-01-01")  # out of every story's range


@dataclass
class Shipped:
    """The records of the resource whose cursor cuts the windows of ``name``."""

    source: Source
    name: str
    servers: tuple[Sandbox, ...]
    dirty: set[int] = field(default_factory=set)
    """Instants that changed; the partition each is in has to run once more."""
    _added: list[Any] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.resource = self.source.resources[self.name]
        owner = self.source.window_owner(self.resource)
        assert owner is not None
        self.owner: Resource = owner
        assert owner.cursor is not None
        self._cursor: Field = owner.cursor
        self._paths = [f.path for k in owner.key for f in owner.fields if f.column == k]
        # a record whose key moves with its cursor is another record
        self._fixed = self._cursor.column in owner.key
        self._changing = next((f for f in owner.fields if self._may_change(f)), None)

    def _may_change(self, declared: Field) -> bool:
        """Whether nothing but its own column depends on this field."""
        needed = {self._cursor.name, *self.owner.primary_key, *self.owner.inherited}
        for child in self.source.resources.values():
            if child.parent == self.owner.name:
                needed |= {p.field for p in child.resolved.values()}
                needed |= {*child.inherited.values(), *child.skip_parents}
        plain = declared.data_type in {"text", "bigint"} and not declared.aliases
        return plain and declared.name not in needed

    def begin(self, changes: tuple[Change, ...]) -> None:
        """Put everything far away, as new, then one record to the instant of each change.

        What earlier stories told some of the servers is undone by that: all hold the same again.
        """
        numbers = self._numbers()
        for index, number in enumerate(numbers):
            self._move(number, FAR + index * DAY, 0)
            self._change(number, index)
        for number, change in zip(numbers, changes, strict=False):
            self._move(number, change.at, change.spelling)

    def apply(self, change: Change) -> None:
        """Let a change happen."""
        numbers = self._numbers()
        number = numbers[change.pick % len(numbers)]
        if change.adds and self.owner.parent is None:
            self._add(number, change)
        elif change.moves and not self._fixed:
            self._move(number, change.at, change.spelling)
        else:
            self._count += 1
            self._change(number, 1000 + self._count)

    def finish(self) -> None:
        """Take away what was added."""
        for key in self._added:
            for sandbox in self.servers:
                sandbox.ledger(self.source.name).delete(self.owner.name, key)

    def _numbers(self) -> list[int]:
        """The records' numbers: the same on every server, whatever became of their keys."""
        ledger = self.servers[0].ledger(self.source.name)
        return [version.number for version in ledger.records(self.owner.name)]

    def _key(self, record: dict[str, Any]) -> Any:
        parts = tuple(_at(record, path) for path in self._paths)
        return parts if len(parts) > 1 else parts[0]

    def _record(self, sandbox: Sandbox, number: int) -> tuple[dict[str, Any], Any]:
        """A record as served, and its key, of which a part may come from its parent."""
        ledger = sandbox.ledger(self.source.name)
        every = zip(ledger.records(self.owner.name), ledger.expected(self.owner.name), strict=True)
        return next((v.record, self._key(whole)) for v, whole in every if v.number == number)

    def _floor(self, at: int) -> int:
        return at - at % max(grain(self.owner), 1000)  # the ledger knows no part of a millisecond

    def _move(self, number: int, at: int, spelling: int) -> None:
        self._update(number, {self._cursor.name: self._spelled(self._floor(at), spelling)})

    def _spelled(self, at: int, spelling: int) -> Any:
        # a key has one spelling: to the ledger two spellings of an instant are two keys
        return spell(self.owner, at, 0 if self._fixed else spelling)

    def _change(self, number: int, value: int) -> None:
        if self._changing is not None:
            text = self._changing.data_type == "text"
            self._update(number, {self._changing.name: f"value {value}" if text else value})

    def _update(self, number: int, changes: dict[str, Any]) -> None:
        for sandbox in self.servers:
            _, key = self._record(sandbox, number)
            try:
                now = sandbox.ledger(self.source.name).update(self.owner.name, key, changes)
            except ValueError:  # the key holds the instant, and that is taken
                assert self._fixed
                continue
            assert now.ms is not None
            self.dirty.add(now.ms * 1000)

    def _add(self, number: int, change: Change) -> None:
        self._count += 1
        at = self._floor(change.at)
        fresh = 10**9 + self._count
        for sandbox in self.servers:
            record, _ = self._record(sandbox, number)
            for declared in self.owner.fields:
                if declared.path == self._cursor.path:
                    _put(record, declared.path, self._spelled(at, change.spelling))
                elif declared.path in self._paths:
                    text = declared.data_type == "text"
                    _put(record, declared.path, f"added-{fresh}" if text else fresh)
            try:
                version = sandbox.ledger(self.source.name).add(self.owner.name, record)
            except ValueError:  # the same on every server
                assert self._fixed
                return
        self._added.append(self._key(version.record))
        self.dirty.add(at)


def _at(record: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        record = record[step]
    return record


def _put(record: Any, path: tuple[str, ...], value: Any) -> None:
    _at(record, path[:-1])[path[-1]] = value
