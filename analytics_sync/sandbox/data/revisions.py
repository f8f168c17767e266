"""The next revision of a source's data: updates, late records and new ones.

In: filled tables. Out: the same tables, changed the way an API's data changes while nobody looks,
the same for the same seed and revision.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.sandbox.data.generator import Generator
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.tables import Entry, Table
from analytics_sync.sandbox.data.timestamps import DAY_MS, spell, to_ms, unit_ms

_UPDATED, _LATE, _SNAPSHOT = 0.10, 0.05, 0.05
_NEW_ON_LAST_DAY = 3


def advance(generator: Generator) -> None:
    """Make the next revision of every table.

    Of a resource with a cursor of its own a tenth is updated, some records turn up late on earlier
    days, and a few are new on the last day. Of the others a twentieth is changed, and snapshots grow.
    """
    generator.revision += 1
    for table in list(generator.tables.values()):
        dice = generator.dice(table, f"revision {generator.revision}")
        # what this revision has brought already, as the child of a new parent, stays as it is
        entries = [e for e in table.entries.values() if e.now.revision < generator.revision]
        if not entries:
            continue
        own = table.resource.incremental is not None
        for entry in _some(entries, _UPDATED if own else _SNAPSHOT, dice):
            _update(generator, table, entry, dice)
        if generator.objects[table.resource.name]:
            continue
        if own:
            _late(generator, table, round(len(entries) * _LATE), dice)
            _new(generator, table, dice)
        elif table.resource.parent is None:
            for _ in range(max(1, len(entries) // 50)):
                number = max(table.entries) + 1
                near = to_ms(generator.options.start) + dice.randrange(DAY_MS)
                generator.create(table, number, table.places[()], near)


def _some(entries: list[Entry], share: float, dice: Random) -> list[Entry]:
    return dice.sample(entries, max(1, int(len(entries) * share)))


def _update(generator: Generator, table: Table, entry: Entry, dice: Random) -> None:
    record, ms = entry.now.record, entry.now.ms
    changed = False
    cursor = table.resource.cursor
    if ms is not None and cursor is not None and says_modified(table.resource):
        unit = unit_ms(cursor)
        low = max(ms // unit + 1, to_ms(generator.options.days[-1]) // unit)
        last = generator.options.days[-1]
        high = (to_ms(last) + generator.passed_ms(last)) // unit
        if low < high:
            ms = dice.randrange(low, high) * unit
            put(record, cursor.path, spell(cursor, ms))
            changed = True
    for field in table.blueprint.changeable:
        if entry.now.drift is not None and field.path == entry.now.drift.path:
            continue
        put(record, field.path, _other(field, get_or_none(record, field.path), generator.revision))
        changed = True
        break
    if changed:
        table.change(entry, record, ms, generator.revision)


def _other(field: Field, old: Any, revision: int) -> Any:
    match field.data_type:
        case "text":
            return f"{field.path[-1]} changed in revision {revision}"
        case "bool":
            return not old
        case _:
            return (old if isinstance(old, int | float) else 0) + 1


def says_modified(resource: Resource) -> bool:
    """Whether the cursor moves when a record changes, going by its name."""
    if resource.cursor is None or resource.cursor.column in resource.key:
        return False
    name = resource.cursor.path[-1].lower()
    return "updat" in name or "modif" in name


def _late(generator: Generator, table: Table, count: int, dice: Random) -> None:
    for _ in range(count if len(generator.options.days) > 1 else 0):
        day = dice.choice(generator.options.days[:-1])
        _add(generator, table, to_ms(day) + dice.randrange(DAY_MS), dice)


def _new(generator: Generator, table: Table, dice: Random) -> None:
    day = to_ms(generator.options.days[-1])
    now = time.time_ns() // 1_000_000
    for index in range(_NEW_ON_LAST_DAY):
        ms = now - index * 1000 if day <= now - index * 1000 < day + DAY_MS else None
        _add(generator, table, day + dice.randrange(DAY_MS) if ms is None else ms, dice)


def _add(generator: Generator, table: Table, ms: int, dice: Random) -> None:
    places = list(table.places.values())
    if places:
        day = generator.options.days[(ms - to_ms(generator.options.start)) // DAY_MS]
        number = generator.day_number(table, day) + generator.rows[table.resource.name]
        generator.create(table, number, dice.choice(places), ms)
