"""Pages: the answers of one listing, compared by their records.

In: answers, and the place of the records. Out: pages, and whether one continues another. A page continues another
if it has records and shares none; or if it is exactly a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.rest_client.paginators.signs_of_more import (
    Progress,
    Sign,
    signs_of_more,
)
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.infer.fields import values_at
from analytics_sync.infer.record_place import PlaceOfRecords


@dataclass(frozen=True)
class AnsweredPage:
    """One page.

    Attributes:
        response: The answer.
        records: Its records.
        names: What tells each record from the others: the value of the key, or the whole record.
    """

    response: Response
    records: Sequence[dict[str, Any]]
    names: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def progress(self) -> Progress:
        """How much was read, if this is the first page."""
        return Progress(len(self), 1)

    def signs_of_more(self) -> list[Sign]:
        """What speaks of further records, if this is the first page."""
        return signs_of_more(self.response, self.records, self.progress)

    def is_continued_by(self, other: AnsweredPage | None) -> bool:
        """Whether another page has other records, and none of these."""
        return other is not None and len(other) > 0 and not set(self.names) & set(other.names)

    def has_part(self, other: AnsweredPage | None, start: int, length: int) -> bool:
        """Whether another page is exactly a part of this one."""
        part = self.names[start : start + length]
        return other is not None and len(part) == length and other.names == part


class PageTaker:
    """Makes pages of answers.

    Args:
        place: The place of the records.
        key: The keys of the field that tells records apart; None for the whole record.
    """

    def __init__(self, place: PlaceOfRecords, key: tuple[str, ...] | None) -> None:
        self.place = place
        self._key = key

    def page(self, response: Response | None) -> AnsweredPage | None:
        """The page of an answer; None without one, or if it has another form."""
        records = None if response is None else self.place.records(response.body)
        if response is None or records is None:
            return None
        return AnsweredPage(response, records, tuple(map(self._name, records)))

    def _name(self, record: Mapping[str, Any]) -> bytes:
        if self._key is None:
            return dumps(record)
        return dumps(values_at([record], self._key).values)
