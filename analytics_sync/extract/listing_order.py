"""The order of a listing: do its records keep their places while its pages are read?

In: the place of each page in its listing, and the rows whose key came more than once. Out: a message if
records came again on later pages and others may be missing.

An API that sorts by nothing, or by a field that many records share, may cut each page from another order.
Then some records come twice and others never, and the number of records is right all the same. Insertions
and deletions during a read move records too, but by a few places: to the next page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from analytics_sync.catalog import Resource
from analytics_sync.catalog.paginators import Offset, PageNumber
from analytics_sync.common.errors import printable
from analytics_sync.extract.buffer import RepeatedRow

_FEW = 20  # with cursors, one record in so many may come again far away, because it has changed
_FAR = 2  # pages
_MAX_KEY_LENGTH = 60  # characters


class PagePlaces:
    """The place of each response in its listing. A response is identified by its time of arrival."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Hashable, int]] = {}
        self._uncertain: set[int] = set()

    def add(self, received_at: int, series: Hashable, number: int) -> None:
        """Note a response; of two that arrived in the same microsecond, neither proves anything.

        Args:
            received_at: When the response arrived.
            series: Identifies its request series.
            number: Its number in the series.
        """
        if received_at in self._places:
            self._uncertain.add(received_at)
        self._places[received_at] = series, number

    def numbers(self, times: Iterable[int]) -> dict[Hashable, set[int]]:
        """The numbers of the responses that arrived at these times, by series."""
        numbers: dict[Hashable, set[int]] = defaultdict(set)
        for time in times:
            if time in self._places and time not in self._uncertain:
                series, number = self._places[time]
                numbers[series].add(number)
        return numbers


@dataclass
class _Again:
    """The records that came again on later pages of their listing.

    Attributes:
        surplus: How many records came again.
        far: How many of them came again on another page than the next one.
        example: A key that came far away, with its pages; otherwise any key.
    """

    surplus: int = 0
    far: int = 0
    example: tuple[tuple[object, ...], int, int] | None = None


def judge_order(
    resource: Resource,
    repeated: Iterable[RepeatedRow],
    places: PagePlaces,
    received: int,
    reported_total: int | None,
    redact: Callable[[str], str],
) -> str:
    """What repeated records say against the order of a listing; empty if they say nothing.

    Args:
        resource: The declaration.
        repeated: The rows whose key came more than once.
        places: The places of all pages.
        received: The number of records that were read.
        reported_total: The number that the API reported; None when it reported none.
        redact: Masks credentials.
    """
    again = _count(repeated, places)
    if again.example is None:
        return ""
    distinct = received - again.surplus
    is_short = reported_total is not None and distinct < reported_total <= received
    is_numbered = isinstance(resource.paginator, PageNumber | Offset)
    is_mixed = again.far > 0 and (is_numbered or again.far * _FEW > distinct)
    if not is_short and not is_mixed:
        return ""
    key, first, last = again.example
    named = ", ".join(
        f"{name}={printable(redact(str(value)))[:_MAX_KEY_LENGTH]}"
        for name, value in zip(resource.key, key, strict=True)
    )
    told = f", and the API said {reported_total:,}" if reported_total is not None else ""
    return (
        f"{again.surplus:,} records came again on a later page of their listing, for example {named} on "
        f"pages {first:,} and {last:,}: {received:,} records were read, {distinct:,} of them "
        f"different{told}. The listing has no fixed order, so that other records may be missing. Run again; "
        f"if the message stays, add a parameter to params of resource {resource.name!r} that sorts by the "
        "primary key."
    )


def _count(repeated: Iterable[RepeatedRow], places: PagePlaces) -> _Again:
    times: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for row in repeated:
        times[row.key].add(row.read_at)
    again = _Again()
    for key, read_at in times.items():
        for numbers in places.numbers(read_at).values():
            first, last = min(numbers), max(numbers)
            again.surplus += len(numbers) - 1
            is_far = last - first >= _FAR
            if last > first and (again.example is None or (is_far and not again.far)):
                again.example = key, first, last
            again.far += is_far
    return again
