"""APIs of the suites, answered from arithmetic: nothing is kept, however much is served.

In: sizes. Out: routes for the server. An event is a record that happened at an instant; events are
spread evenly over days that are all past.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.workload.records import Shape, page
from benchmarks.workload.server import Route

START = datetime(2025, 1, 1, tzinfo=UTC)
Query = Mapping[str, str]


@dataclass(frozen=True)
class Events:
    """Records of an API that knows time.

    Attributes:
        records: How many there are.
        days: Over how many they are spread, from ``START`` on.
        size: Of a page.
    """

    records: int
    days: int = 30
    size: int = 100

    def record(self, number: int) -> dict[str, object]:
        """The event of that number; they are numbered in their order."""
        at = START + number * self._apart
        return {"id": number, "at": at.isoformat(timespec="microseconds"), "value": "x" * 100}

    def between(self, _: str, query: Query) -> bytes:
        """A route: ``from`` and ``to`` cut, half-open; ``next`` leads to the next page."""
        first = self._first(query.get("from"), 0)
        last = self._first(query.get("to"), self.records)
        return self._cursored(range(first, last), query)

    def newest_first(self, _: str, query: Query) -> bytes:
        """A route that knows no time, but begins with the last."""
        return self._cursored(range(self.records)[::-1], query)

    def numbered(self, _: str, query: Query) -> bytes:
        """A route with page numbers from 0 on, and the number of pages in ``total``."""
        first = int(query.get("page", 0)) * self.size
        some = range(self.records)[first : first + self.size]
        return self._answer(some, total=-(-self.records // self.size))

    @property
    def _apart(self) -> timedelta:
        return timedelta(days=self.days) / self.records

    def _first(self, instant: str | None, default: int) -> int:
        """The first event that is not before the instant."""
        if instant is None:
            return default
        number = -((START - datetime.fromisoformat(instant)) // self._apart)
        return min(max(number, 0), self.records)

    def _cursored(self, numbers: range, query: Query) -> bytes:
        number = int(query.get("page", 0))
        after = (number + 1) * self.size
        some = numbers[number * self.size : after]
        return self._answer(some, next=number + 1 if after < len(numbers) else None)

    def _answer(self, numbers: range, **more: object) -> bytes:
        return json.dumps({"data": [self.record(number) for number in numbers], **more}).encode()


def family(count: int) -> Route:
    """``count`` parents in one page; ``/<parent>/child`` below it has one record."""

    def route(path: str, _: Query) -> bytes:
        if path.endswith("/child"):
            number = int(path.split("/")[-2])
            return json.dumps({"data": [{"id": number, "value": f"child {number}"}]}).encode()
        return json.dumps({"data": [{"id": number} for number in range(count)]}).encode()

    return route


def made_on_demand(shape: Shape, records: int, size: int) -> Route:
    """What ``paged(pages(...))`` is, made when it is asked for."""

    def route(_: str, query: Query) -> bytes:
        first = int(query.get("page", 0)) * size
        return page(shape, range(records)[first : first + size])

    return route
