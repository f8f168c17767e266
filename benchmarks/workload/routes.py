"""Routes that compute their responses, so that the server stores no records.

In: sizes. Out: routes for the server. An event is a record with an instant. Events are spread
evenly over days that are all past.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.workload.records import Shape, page_body
from benchmarks.workload.server import Route

START = datetime(2025, 1, 1, tzinfo=UTC)
Query = Mapping[str, str]


@dataclass(frozen=True)
class Events:
    """Routes of an API that serves events.

    Attributes:
        records: Number of events.
        days: Number of days they are spread over, from ``START`` on.
        page_size: Number of events of a page.
        has_text_keys: Whether a key is a text without an order, and not the number of the event.
    """

    records: int
    days: int = 30
    page_size: int = 100
    has_text_keys: bool = False

    def record(self, number: int) -> dict[str, object]:
        """The event with this number; events are numbered by time."""
        at = START + number * self._interval
        key = hashlib.md5(str(number).encode()).hexdigest() if self.has_text_keys else number  # noqa: S324
        return {"id": key, "at": at.isoformat(timespec="microseconds"), "value": "x" * 100}

    def filtered_by_time(self, _: str, query: Query) -> bytes:
        """Route that filters by ``from`` (inclusive) and ``to`` (exclusive).

        ``next`` holds the number of the next page.
        """
        first = self._first_number(query.get("from"), 0)
        end = self._first_number(query.get("to"), self.records)
        return self._cursor_page(range(first, end), query)

    def newest_first(self, _: str, query: Query) -> bytes:
        """Route that does not filter, and lists the newest event first."""
        return self._cursor_page(range(self.records)[::-1], query)

    def numbered(self, _: str, query: Query) -> bytes:
        """Route with page numbers from 0 on, and the number of pages in ``total``."""
        first = int(query.get("page", 0)) * self.page_size
        numbers = range(self.records)[first : first + self.page_size]
        return self._body(numbers, total=-(-self.records // self.page_size))

    @property
    def _interval(self) -> timedelta:
        return timedelta(days=self.days) / self.records

    def _first_number(self, instant: str | None, default: int) -> int:
        """Number of the first event at or after the instant."""
        if instant is None:
            return default
        number = -((START - datetime.fromisoformat(instant)) // self._interval)
        return min(max(number, 0), self.records)

    def _cursor_page(self, numbers: range, query: Query) -> bytes:
        page = int(query.get("page", 0))
        end = (page + 1) * self.page_size
        on_page = numbers[page * self.page_size : end]
        return self._body(on_page, next=page + 1 if end < len(numbers) else None)

    def _body(self, numbers: range, **keys: object) -> bytes:
        return json.dumps({"data": [self.record(number) for number in numbers], **keys}).encode()


def parents_and_children(count: int) -> Route:
    """Route of ``count`` parents in one page; ``/<parent>/child`` below it has one record."""

    def route(path: str, _: Query) -> bytes:
        if path.endswith("/child"):
            number = int(path.split("/")[-2])
            return json.dumps({"data": [{"id": number, "value": f"child {number}"}]}).encode()
        return json.dumps({"data": [{"id": number} for number in range(count)]}).encode()

    return route


def generated_pages(shape: Shape, records: int, page_size: int) -> Route:
    """Route with the responses of ``stored_pages``, each generated when it is requested."""

    def route(_: str, query: Query) -> bytes:
        first = int(query.get("page", 0)) * page_size
        return page_body(shape, range(records)[first : first + page_size])

    return route
