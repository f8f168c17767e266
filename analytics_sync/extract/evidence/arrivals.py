"""The arrivals of a read: where each response belongs, so that rows can tell which response they were in.

In: each page, as it arrives. Out: the parents, series and page numbers of rows. A response is identified by
its time of arrival, which its rows carry. Of two responses that arrived in the same microsecond, neither
proves anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from analytics_sync.extract.repeated_rows import RepeatedRow


class _Place(NamedTuple):
    """The place of one response.

    Attributes:
        parent: The parent whose children it lists; None without one.
        series: Identifies its request series.
        number: Its number in the series.
    """

    parent: Hashable
    series: Hashable
    number: int


class Arrivals:
    """The places of the responses of a read."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._uncertain: set[int] = set()

    def add(self, received_at: int, parent: Hashable, series: Hashable, number: int) -> None:
        """Note a response.

        Args:
            received_at: When it arrived, in microseconds since 1970.
            parent: The parent whose children it lists; None without one.
            series: Identifies its request series.
            number: Its number in the series.
        """
        if received_at in self._places:
            self._uncertain.add(received_at)
        self._places[received_at] = _Place(parent, series, number)

    def is_certain(self, received_at: int) -> bool:
        """Whether exactly one response arrived at this time."""
        return received_at in self._places and received_at not in self._uncertain

    def parents(self, rows: Iterable[RepeatedRow]) -> set[Hashable]:
        """The parents under which rows were listed, as far as they are certain."""
        times = {row.read_at for row in rows}
        return {self._places[time].parent for time in times if self.is_certain(time)}

    def pages(self, rows: Iterable[RepeatedRow]) -> dict[Hashable, dict[int, RepeatedRow]]:
        """A row for each page that holds one of these rows, by series and by number."""
        pages: dict[Hashable, dict[int, RepeatedRow]] = defaultdict(dict)
        for row in rows:
            if self.is_certain(row.read_at):
                place = self._places[row.read_at]
                pages[place.series][place.number] = row
        return pages
