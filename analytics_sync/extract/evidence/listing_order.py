"""The order of a listing: do its records keep their places while its pages are read?

In: the place of each page in its listing, and the rows whose key came more than once. Out: a message if
records came again on later pages and others may be missing.

An API that sorts by nothing, or by a field that many records share, may cut each page from another order.
Then some records come twice and others never, and the number of records is right all the same. Insertions
and deletions during a read move records too: from the end of a page to the start of the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.paginators import Offset, PageNumber
from analytics_sync.common.shown import shown
from analytics_sync.extract.evidence.arrivals import Arrivals
from analytics_sync.extract.repeated_rows import RepeatedRow

_FEW = 20  # with cursors, one record in so many may come again elsewhere, because it has changed
_MAX_KEY_LENGTH = 60  # characters


@dataclass
class _Again:
    """The records that came again on later pages of their listing.

    Attributes:
        surplus: How many records came again.
        moved: How many of them no shift of pages explains.
        example: The key of one of them, with its pages; otherwise any key.
    """

    surplus: int = 0
    moved: int = 0
    example: tuple[tuple[object, ...], int, int] | None = None

    def add_moved(self, key: tuple[object, ...], one: int, other: int) -> None:
        """Note a record that came on two pages, and no shift explains it."""
        if not self.moved:
            self.example = key, one, other
        self.moved += 1


def judge_order(
    resource: Resource,
    repeated: Iterable[RepeatedRow],
    arrivals: Arrivals,
    received: int,
    reported_total: int | None,
    redact: Callable[[str], str],
) -> str:
    """What repeated records say against the order of a listing; empty if they say nothing.

    Args:
        resource: The declaration.
        repeated: The rows whose key came more than once.
        arrivals: The places of all pages.
        received: The number of records that were read.
        reported_total: The number that the API reported; None when it reported none.
        redact: Masks credentials.
    """
    again = _count(repeated, arrivals)
    if again.example is None:
        return ""
    distinct = received - again.surplus
    is_short = reported_total is not None and distinct < reported_total <= received
    is_numbered = isinstance(resource.paginator, PageNumber | Offset)
    is_mixed = again.moved > 0 and (is_numbered or again.moved * _FEW > distinct)
    if not is_short and not is_mixed:
        return ""
    key, first, last = again.example
    named = ", ".join(
        f"{name}={shown(redact(str(value)), _MAX_KEY_LENGTH)}"
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


def _count(repeated: Iterable[RepeatedRow], arrivals: Arrivals) -> _Again:
    rows_by_key: dict[tuple[object, ...], list[RepeatedRow]] = defaultdict(list)
    for row in repeated:
        rows_by_key[row.key].append(row)
    again = _Again()
    shifted: dict[tuple[Hashable, int], list[tuple[RepeatedRow, RepeatedRow]]] = defaultdict(list)
    for key, rows in rows_by_key.items():
        for series, pages in arrivals.pages(rows).items():
            numbers = sorted(pages)
            again.surplus += len(numbers) - 1
            for one, other in pairwise(numbers):
                if other - one == 1:
                    shifted[series, one].append((pages[one], pages[other]))
                else:
                    again.add_moved(key, one, other)
    for (_, number), pairs in shifted.items():
        is_shift = _is_shift(pairs)
        for earlier, _ in pairs:
            if is_shift:
                again.example = again.example or (earlier.key, number, number + 1)
            else:
                again.add_moved(earlier.key, number, number + 1)
    return again


def _is_shift(pairs: Sequence[tuple[RepeatedRow, RepeatedRow]]) -> bool:
    """Whether records of a page are on the next page because others were added before them.

    They are then the last ones of a page, or the first ones of the next page.
    """
    count = len(pairs)
    earlier, later = pairs[0]
    at_end = {row.position for row, _ in pairs} == set(
        range(earlier.last - count + 1, earlier.last + 1)
    )
    at_start = {row.position for _, row in pairs} == set(range(later.first, later.first + count))
    return at_end or at_start
