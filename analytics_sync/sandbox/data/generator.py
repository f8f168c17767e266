"""A source's declaration -> its tables, filled.

In: a source and the options. Out: one ``Table`` per resource, with the records of every day and of
every parent. A record gets its number from its day or its parent, so that the same day holds the
same records whatever the days around it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

from analytics_sync.catalog import Source
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data.json_path import Path, get_or_none
from analytics_sync.sandbox.data.record_factory import Blueprint, fit
from analytics_sync.sandbox.data.tables import Entry, ServedParent, Table
from analytics_sync.sandbox.data.timestamps import DAY_MS, to_ms, unit_ms
from analytics_sync.sandbox.options import Options

_MINUTE_MS = 60_000
# the times of records that have no window lie in this year, so that they are the same every day
_SNAPSHOT_MS = to_ms(date(2024, 1, 1))
_TRIES = 20


class Generator:
    """Fills the tables of a source, parents before children.

    Args:
        source: What is declared.
        options: Sizes, days, seed.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.options = options
        self.revision = 0
        depth = {r.name: len(list(source.ancestors(r))) for r in source.resources.values()}
        self.tables = {
            r.name: Table(r, Blueprint(source, r, options))
            for r in sorted(source.resources.values(), key=lambda r: depth[r.name])
        }
        self._below = {
            name: [self.tables[child.name] for child in shape.children(source, table.resource)]
            for name, table in self.tables.items()
        }
        self.rows = {n: shape.rows(source, t.resource, options) for n, t in self.tables.items()}
        self.objects = {n: shape.is_object(t.resource, options) for n, t in self.tables.items()}
        for table in self.tables.values():
            self._fill(table)

    def dice(self, table: Table, purpose: str) -> Random:
        """Chance that depends on nothing but the seed and its purpose."""
        return Random(f"{self.options.seed}|{table.resource}|{purpose}")

    def _fill(self, table: Table) -> None:
        resource, rows = table.resource, self.rows[table.resource.name]
        if resource.incremental is None:
            if resource.parent is None:
                for number in range(1, rows + 1):
                    self.create(table, number, table.places[()], _snapshot_ms(number))
        elif self.objects[resource.name]:
            for index, place in enumerate(list(table.places.values())):
                day = self.options.days[index % len(self.options.days)]
                self.create(table, self.day_number(table, day), place, to_ms(day))
        else:
            for day in self.options.days:
                self._fill_day(table, day, rows)

    def _fill_day(self, table: Table, day: date, rows: int) -> None:
        places = list(table.places.values())
        dice = self.dice(table, f"day {day}")
        cursor = table.resource.cursor
        if (
            cursor is not None
            and cursor.data_type == "date"
            and table.blueprint.key == (cursor.path,)
        ):
            rows = min(rows, 1)
        for index, ms in enumerate(_spread(rows, self.passed_ms(day), dice)):
            if not places:
                return
            place = places[dice.randrange(len(places))]
            self.create(table, self.day_number(table, day) + index, place, to_ms(day) + ms)

    def passed_ms(self, day: date) -> int:
        """How much of a day is over, in milliseconds: nothing happens in the future."""
        return min(DAY_MS, max(_MINUTE_MS, time.time_ns() // 1_000_000 - to_ms(day)))

    def day_number(self, table: Table, day: date) -> int:
        """The first number of a day; there is room for as many late records again."""
        slots = max(1000, 2 * self.rows[table.resource.name])
        return to_ms(day) // DAY_MS * slots

    def create(self, table: Table, number: int, place: ServedParent, ms: int) -> Entry | None:
        """A new record and everything below it; None when no free key was found.

        Args:
            table: Where it goes.
            number: Its number, or the first one to try.
            place: Where it is found.
            ms: Its instant; the cursor's if it has a cursor.
        """
        resource = table.resource
        cursor = resource.cursor
        if cursor is not None:
            ms -= ms % unit_ms(cursor)
        fixed, left_out = self._given(table, place)
        for _ in range(_TRIES):
            number = table.free_number(number)
            record, drift = table.blueprint.make(number, ms, fixed, left_out)
            own = ms if resource.incremental is not None else None
            entry = table.insert(number, place, record, own, self.revision, drift)
            if entry is not None:
                self.attach(entry, table)
                return entry
            number += 1
        return None

    def _given(self, table: Table, place: ServedParent) -> tuple[dict[Path, Any], frozenset[Path]]:
        """What the parent decides about a record: values it has, fields it has not."""
        fixed: dict[Path, Any] = {}
        if not place.parents:
            return fixed, frozenset()
        resource = table.resource
        parent = next(iter(place.parents.values()))
        above = self.tables[resource.parent or ""].canonical(parent)
        left_out = set()
        for ours, theirs in resource.inherited.items():
            if "." in ours:
                fixed[tuple(ours.split("."))] = get_or_none(above, tuple(theirs.split(".")))
            else:
                left_out.add((ours,))
        if self.objects[resource.name]:
            by_path = {f.path: f for f in table.blueprint.fields}
            values = dict(zip(resource.resolved, place.params, strict=True))
            for path in table.blueprint.key:
                # workflow_id names a workflow's id, project_id the id of a job's project
                names = [n for n in values if n == path[-1] or n.endswith(f"_{path[-1]}")]
                for name in (*names, "_".join(path)):
                    if name in values:
                        fixed[path] = fit(values[name], by_path[path])
        return fixed, frozenset(left_out)

    def attach(self, entry: Entry, table: Table) -> None:
        """Give a record its children, in every resource that is walked from it."""
        for child in self._below[table.resource.name]:
            params = child.blueprint.resolved(table.canonical(entry))
            if params is None:
                continue
            place = child.places.setdefault(params, ServedParent(params))
            place.parents[entry.number] = entry
            child.views.clear()
            if len(place.parents) == 1 and child.resource.incremental is None:
                rows = self.rows[child.resource.name]
                first = entry.number * max(1, self.options.rows_per_parent)
                near = next(entry.instants(), _snapshot_ms(first))
                for number in range(first, first + rows):
                    self.create(child, number, place, near)

    def detach(self, entry: Entry, table: Table) -> None:
        """Take a record's children away, unless another parent leads to them."""
        for child in self._below[table.resource.name]:
            for place in [p for p in child.places.values() if entry.number in p.parents]:
                del place.parents[entry.number]
                child.views.clear()
                if not place.parents:
                    for below in list(place.entries.values()):
                        self.remove(below, child)
                    del child.places[place.params]

    def remove(self, entry: Entry, table: Table) -> None:
        """Stop serving a record and what is below it."""
        self.detach(entry, table)
        table.remove(entry)


def _snapshot_ms(number: int) -> int:
    return _SNAPSHOT_MS + number * 7_919_000 % (360 * DAY_MS)


def _spread(rows: int, length: int, dice: Random) -> Iterator[int]:
    """Milliseconds of a day: its first, its last, and the others in order between, none twice."""
    if rows:
        yield 0
    if rows > 1:
        yield length - 1
    between = rows - 2
    for index in range(between):
        low, high = (1 + (length - 2) * i // between for i in (index, index + 1))
        yield dice.randrange(low, max(high, low + 1))
