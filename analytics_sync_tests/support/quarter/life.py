"""The random life of the simulated shop: what happens at the API, in its file, and to the machine, day by day.

In: random numbers. Out: changes of the API's records and troubles, edits of the declaration, and the events
of a night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from analytics_sync_tests.support.quarter.declaration import (
    PARENTS,
    TABLES,
    UNDECLARED,
    Declaration,
)
from analytics_sync_tests.support.quarter.shop_api import ShopApi, Trouble

_TROUBLES: tuple[Callable[[], Trouble], ...] = (
    lambda: Trouble(status=500),
    lambda: Trouble(status=403),
    lambda: Trouble(is_html=True),
    lambda: Trouble(is_cut=True),
    lambda: Trouble(loses_next=True),
    lambda: Trouble(is_short=True),
    lambda: Trouble(renamed=True),
    lambda: Trouble(has_new_field=True),
)
_MAX_PARENTS = 9  # each of them costs a request
_TYPES = ("bigint", "double", "decimal", "text")
_VALUES: dict[str, Callable[[Random], Any]] = {
    "whole": lambda r: r.randrange(1000),
    "fraction": lambda r: r.randrange(1000) + 0.25,
    "text": lambda r: f"0{r.randrange(100)}",
    "word": lambda r: r.choice(["low", "high"]),
}


@dataclass
class Night:
    """The events of one night.

    Attributes:
        is_off: Whether the machine is off.
        is_killed: Whether a run is killed before the one that ends.
        has_reader: Whether somebody has the DuckDB file open when the run starts.
        is_lost: Whether the DuckDB file is gone.
    """

    is_off: bool = False
    is_killed: bool = False
    has_reader: bool = False
    is_lost: bool = False


@dataclass
class Life:
    """The life of the shop.

    Attributes:
        random: The source of all choices.
        api: The API.
        declaration: The declaration.
        log: All events, in words.
        edited: The last edit of each resource's type that has not been loaded yet: resource -> type before.
    """

    random: Random
    api: ShopApi
    declaration: Declaration = field(default_factory=Declaration)
    log: list[str] = field(default_factory=list)
    edited: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._count = 0
        self._kind = dict.fromkeys(TABLES, "whole")
        self._until: dict[str, date] = {}
        self._off_until = date.min
        for name in TABLES:
            self.api.records[name] = {}

    def say(self, day: date, text: str) -> None:
        """Note an event."""
        self.log.append(f"{day}: {text}")

    def begin(self, day: date) -> None:
        """The records of the first day."""
        for name in TABLES:
            for _ in range(self.random.randrange(_MAX_PARENTS if name in PARENTS.values() else 20)):
                self._add(name, day)

    def live(self, day: date) -> None:
        """One day at the API: records are added, changed and deleted."""
        for name in TABLES:
            if self.random.random() < 0.6:
                self._add(name, day)
            for record in self._some(name, self.random.randrange(3)):
                self._change(name, record, day)
            is_full = name in PARENTS.values() and len(self.api.records[name]) > _MAX_PARENTS
            if self.random.random() < (0.9 if is_full else 0.3):
                for record in self._some(name, 1):
                    self._delete(name, record["id"])

    def trouble(self, day: date) -> None:
        """Begin and end troubles of the API, changes of its types, and edits of the declaration."""
        for name, until in list(self._until.items()):
            if until <= day:
                del self._until[name], self.api.trouble[name]
                self.say(day, f"{name}: the trouble is over")
        name = self.random.choice(TABLES)
        if self.random.random() < 0.25 and name not in self._until:
            self.api.trouble[name] = self.random.choice(_TROUBLES)()
            self._until[name] = day + timedelta(days=self.random.randrange(1, 5))
            self.say(day, f"{name}: {self.api.trouble[name]} until {self._until[name]}")
        name = self.random.choice(TABLES)
        if self.random.random() < 0.1:
            self._kind[name] = self.random.choice([*_VALUES])
            self.say(day, f"{name}: values are {self._kind[name]}")
        self._edit(day)

    def calm(self, day: date) -> None:
        """End all troubles."""
        self._until.clear()
        self.api.trouble.clear()
        self._off_until = date.min
        self.say(day, "calm")

    def night(self, day: date) -> Night:
        """The events of the night after a day."""
        if day < self._off_until:
            return Night(is_off=True)
        if self.random.random() < 0.05:
            self._off_until = day + timedelta(days=self.random.randrange(1, 6))
            self.say(day, f"the machine is off until {self._off_until}")
            return Night(is_off=True)
        night = Night(
            is_killed=self.random.random() < 0.02,
            has_reader=self.random.random() < 0.02,
            is_lost=self.random.random() < 0.008,
        )
        if night != Night():
            self.say(day, str(night))
        return night

    def _edit(self, day: date) -> None:
        declared, name = (
            self.declaration,
            self.random.choice([t for t in TABLES if t not in UNDECLARED]),
        )
        match self.random.randrange(40):
            case 0 | 1:
                before = declared.types.get(name, "bigint")
                declared.types[name] = self.random.choice([t for t in _TYPES if t != before])
                self.edited.setdefault(name, before)
                self.say(day, f"{name}: value is {declared.types[name]}, before {before}")
            case 2:
                declared.with_note ^= {name}
                self.say(day, f"{name}: note is declared: {name in declared.with_note}")
            case 3:
                declared.with_required ^= {name}
            case 4:
                declared.descriptions[name] = f"The {name} of {day}"

    def undo(self, name: str, day: date) -> None:
        """Declare the type again that a table has."""
        self.declaration.types[name] = self.edited.pop(name)
        self.say(day, f"{name}: value is {self.declaration.types[name]} again")

    def _some(self, name: str, count: int) -> list[dict[str, Any]]:
        records = list(self.api.records[name].values())
        return self.random.sample(records, min(count, len(records)))

    def _add(self, name: str, day: date) -> None:
        self._count += 1
        key = f"{name[0]}{self._count * 7919 % 100_003}"
        record: dict[str, Any] = {"id": key, "name": f"{name} {self._count}", "note": None}
        if parent := PARENTS.get(name):
            parents = self._some(parent, 1)
            if not parents:
                return
            record["parent"] = parents[0]["id"]
            self._touch(parents[0], day)
        self.api.records[name][key] = record
        self._change(name, record, day)

    def _change(self, name: str, record: dict[str, Any], day: date) -> None:
        record["value"] = _VALUES[self._kind[name]](self.random)
        record["tags"] = self.random.sample(["a", "b", "c"], self.random.randrange(1, 3))
        record["note"] = self.random.choice([None, f"note {self._count}"])
        self._touch(record, day)
        # A child changes with its parent: the API lists the parent under the day of the change.
        if parent := PARENTS.get(name):
            self._touch(self.api.records[parent][record["parent"]], day)

    def _touch(self, record: dict[str, Any], day: date) -> None:
        moment = datetime.combine(day, time(1)) + timedelta(seconds=self.random.randrange(80_000))
        record["updated_at"] = f"{moment.isoformat()}Z"

    def _delete(self, name: str, key: str) -> None:
        del self.api.records[name][key]
        for child, parent in PARENTS.items():
            if parent == name:
                kept = {k: r for k, r in self.api.records[child].items() if r["parent"] != key}
                self.api.records[child] = kept
