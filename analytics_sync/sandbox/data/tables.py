"""The records of one resource, through all their versions.

In: records as they are made, changed and removed. Out: what is served now, under which path values,
and every version there ever was. Nothing here is random, and nothing here locks: ``ledger`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.data.record_factory import Blueprint, Drift
from analytics_sync.sandbox.data.timestamps import to_datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A record as it is, or was, served.

    Attributes:
        resource: Name of its resource.
        number: Its number in the resource; all versions of a record share it.
        revision: Revision of the ledger that brought it.
        body: The record as JSON.
        params: Path and query values it is served under, in the order of ``Resource.resolved``.
        ms: The cursor's instant, in milliseconds since 1970; None without a cursor of its own.
        drift: How it breaks its declaration, if it does.
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
        """A fresh copy of the record as served."""
        result: dict[str, Any] = orjson.loads(self.body)
        return result

    @property
    def instant(self) -> datetime | None:
        """The cursor's instant in UTC."""
        return None if self.ms is None else to_datetime(self.ms)


@dataclass(eq=False, slots=True)
class ServedParent:
    """Where records are found: one set of path and query values, and the parents that lead there."""

    params: tuple[str, ...]
    parents: dict[int, Entry] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Entry:
    """One record: its versions, the newest last."""

    number: int
    place: ServedParent
    versions: list[Version]

    @property
    def now(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    def instants(self) -> Iterator[int]:
        """When this record happened: its own cursor's instant, or those of its parents."""
        if self.now.ms is not None:
            yield self.now.ms
        else:
            for parent in self.place.parents.values():
                yield from parent.instants()

    def inherited(self, resource: Resource) -> dict[str, Any]:
        """Field name -> the value its parent supplies."""
        if not resource.inherited or not self.place.parents:
            return {}
        parent = next(iter(self.place.parents.values())).now.record
        result = {}
        for ours, theirs in resource.inherited.items():
            value: Any = parent
            for key in theirs.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            result[ours] = value
        return result


class Table:
    """All records of one resource."""

    def __init__(self, resource: Resource, blueprint: Blueprint) -> None:
        self.resource = resource
        self.blueprint = blueprint
        self.places: dict[tuple[str, ...], ServedParent] = {}
        self.entries: dict[int, Entry] = {}
        self.by_key: dict[tuple[Any, ...], Entry] = {}
        self.history: list[Version] = []
        # orderings of this table by whoever serves it, thrown away with every change
        self.views: dict[Any, Any] = {}
        if resource.parent is None:
            self.places[()] = ServedParent(())

    def canonical(self, entry: Entry) -> dict[str, Any]:
        """The record as the table in the warehouse must hold it."""
        return self.blueprint.canonical(entry.now.record, entry.inherited(self.resource))

    def free_number(self, number: int) -> int:
        """The first number from ``number`` on that no record has."""
        while number in self.entries:
            number += 1
        return number

    def insert(
        self,
        number: int,
        place: ServedParent,
        record: dict[str, Any],
        ms: int | None,
        revision: int,
        drift: Drift | None = None,
    ) -> Entry | None:
        """A new record; None, and no change, when its key is taken."""
        version = Version(
            self.resource.name, number, revision, orjson.dumps(record), place.params, ms, drift
        )
        entry = Entry(number, place, [version])
        key = self._whole(record) if self.blueprint.key_is_plain else self._key(entry)
        if key is not None:
            if key in self.by_key:
                return None
            self.by_key[key] = entry
        self.entries[number] = entry
        place.entries[number] = entry
        self._changed(version)
        return entry

    def change(self, entry: Entry, record: dict[str, Any], ms: int | None, revision: int) -> None:
        """A new version of a record.

        Raises:
            ValueError: The change gives it another record's key.
        """
        old = self._key(entry)
        version = Version(
            self.resource.name, entry.number, revision, orjson.dumps(record),
            entry.place.params, ms, entry.now.drift,
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
        self._changed(version)

    def remove(self, entry: Entry) -> None:
        """Stop serving a record."""
        if (key := self._key(entry)) is not None:
            del self.by_key[key]
        del self.entries[entry.number]
        entry.place.entries.pop(entry.number, None)
        self.views.clear()

    def _key(self, entry: Entry) -> tuple[Any, ...] | None:
        row = entry.now.record if self.blueprint.key_is_plain else self.canonical(entry)
        return self._whole(row)

    def _whole(self, row: dict[str, Any]) -> tuple[Any, ...] | None:
        key = self.blueprint.keys(row)
        # parts may be lists after a test's change; anything can be a key as text
        return (
            None if key is None else tuple(p if isinstance(p, str | int) else str(p) for p in key)
        )

    def _changed(self, version: Version) -> None:
        self.history.append(version)
        self.views.clear()
