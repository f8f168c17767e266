"""The table of one resource: its records with all their versions.

In: records as they are created, changed and removed.
Out: the records that are served now, the path values of each, and every version since the start.
This module uses no random values and no lock. ``ledger`` holds the lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import get_or_none
from analytics_sync.sandbox.data.record_factory import Blueprint, Drift
from analytics_sync.sandbox.data.timestamps import to_datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record, served now or before.

    Attributes:
        resource: Name of the resource.
        number: Number of the record in the resource; all versions of a record share it.
        revision: Revision of the ledger that created this version.
        body: The record as JSON.
        params: Path and query values that request the record, in the order of
            ``Resource.resolved``.
        ms: The cursor's instant in milliseconds since 1970; None if the record has no cursor.
        drift: How the record breaks its declaration; None if it does not.
    """

    resource: str
    number: int
    revision: int
    body: bytes
    params: tuple[str, ...]
    ms: int | None
    drift: Drift | None = None

    @property
    def record(self) -> dict[str, Any]:
        """A new copy of the record as served."""
        result: dict[str, Any] = orjson.loads(self.body)
        return result

    @property
    def instant(self) -> datetime | None:
        """The cursor's instant in UTC; None if the record has no cursor."""
        return None if self.ms is None else to_datetime(self.ms)


@dataclass(eq=False, slots=True)
class ServedParent:
    """One set of path and query values, the parents that have it, and the records below it.

    A resource without a parent has one of these, with no values and no parents.
    """

    params: tuple[str, ...]
    parents: dict[int, Entry] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Entry:
    """One record: its versions in order, the newest last."""

    number: int
    served_parent: ServedParent
    versions: list[Version]

    @property
    def now(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    def instants(self) -> Iterator[int]:
        """The instant of the record's cursor; without a cursor, the instants of its parents."""
        if self.now.ms is not None:
            yield self.now.ms
        else:
            for parent in self.served_parent.parents.values():
                yield from parent.instants()

    def inherited(self, resource: Resource) -> dict[str, Any]:
        """Field name -> the value that the parent supplies."""
        if not resource.inherited or not self.served_parent.parents:
            return {}
        parent = next(iter(self.served_parent.parents.values())).now.record
        result = {}
        for field_name, parent_field in resource.inherited.items():
            result[field_name] = get_or_none(parent, path_of(parent_field))
        return result


class Table:
    """All records of one resource."""

    def __init__(self, resource: Resource, blueprint: Blueprint) -> None:
        self.resource = resource
        self.blueprint = blueprint
        self.served_parents: dict[tuple[str, ...], ServedParent] = {}
        self.entries: dict[int, Entry] = {}
        self.by_key: dict[tuple[Any, ...], Entry] = {}
        self.history: list[Version] = []
        # Ordered views that the API caches here; every change of the table drops them.
        self.views: dict[Any, Any] = {}
        if resource.parent is None:
            self.served_parents[()] = ServedParent(())

    def canonical(self, entry: Entry) -> dict[str, Any]:
        """The record as the warehouse's table must hold it."""
        return self.blueprint.canonical(entry.now.record, entry.inherited(self.resource))

    def free_number(self, number: int) -> int:
        """The first unused record number, ``number`` or larger."""
        while number in self.entries:
            number += 1
        return number

    def insert(
        self,
        number: int,
        served_parent: ServedParent,
        record: dict[str, Any],
        ms: int | None,
        revision: int,
        drift: Drift | None = None,
    ) -> Entry | None:
        """Add a record; return None and change nothing if another record has its key."""
        version = Version(
            self.resource.name, number, revision, orjson.dumps(record),
            served_parent.params, ms, drift,
        )  # fmt: skip
        entry = Entry(number, served_parent, [version])
        key = self._key_of_row(record) if self.blueprint.key_is_plain else self._key(entry)
        if key is not None:
            if key in self.by_key:
                return None
            self.by_key[key] = entry
        self.entries[number] = entry
        served_parent.entries[number] = entry
        self._add_to_history(version)
        return entry

    def change(self, entry: Entry, record: dict[str, Any], ms: int | None, revision: int) -> None:
        """Add a new version of a record.

        Raises:
            ValueError: Another record has the new version's key.
        """
        old = self._key(entry)
        version = Version(
            self.resource.name, entry.number, revision, orjson.dumps(record),
            entry.served_parent.params, ms, entry.now.drift,
        )  # fmt: skip
        entry.versions.append(version)
        new = self._key(entry)
        if new != old:
            if new is not None and new in self.by_key:
                entry.versions.pop()
                raise ValueError(f"{self.resource}: key {new} is taken")
            if old is not None:
                del self.by_key[old]
            if new is not None:
                self.by_key[new] = entry
        self._add_to_history(version)

    def remove(self, entry: Entry) -> None:
        """Stop serving a record."""
        if (key := self._key(entry)) is not None:
            del self.by_key[key]
        del self.entries[entry.number]
        entry.served_parent.entries.pop(entry.number, None)
        self.views.clear()

    def _key(self, entry: Entry) -> tuple[Any, ...] | None:
        row = entry.now.record if self.blueprint.key_is_plain else self.canonical(entry)
        return self._key_of_row(row)

    def _key_of_row(self, row: dict[str, Any]) -> tuple[Any, ...] | None:
        key = self.blueprint.keys(row)
        # A test may set a key part to a list, which is not hashable: use its text.
        return (
            None if key is None else tuple(p if isinstance(p, str | int) else str(p) for p in key)
        )

    def _add_to_history(self, version: Version) -> None:
        self.history.append(version)
        self.views.clear()
