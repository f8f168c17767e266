"""The evidence about parameters: do all pages keep to a filter that the first page keeps to?

In: the query of a request series, and its pages. Out: a message if the records of the first page all have
the value of a parameter in the field of its name, and later records have another value. The API then lost
the parameter on the way, and the other records do not belong to the listing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.extract.rest_client.paginators.link_repair import is_about_paging
from analytics_sync.extract.rest_client.paginators.page_memory import take_sample

_WORD = re.compile(r"\w+")
_MAX_SHOWN_CHARACTERS = 60


class ParamEvidence:
    """The evidence of one request series.

    Args:
        resource: The resource that is read.
        query: The query of the first request, without the parameters of the paginator.
    """

    def __init__(self, resource: Resource, query: Mapping[str, object]) -> None:
        incremental = resource.incremental
        bounds = {incremental.start_param, incremental.end_param} if incremental else set()
        self._query = {
            name: value
            for name, value in query.items()
            if name not in bounds and not is_about_paging(name)
        }
        self._filters: dict[str, tuple[str, str]] | None = None  # field -> parameter, value

    def judge(self, records: list[Any]) -> str:
        """What a page says against a parameter; empty if it says nothing.

        Args:
            records: The records of the page.
        """
        if self._filters is None:
            if records:
                self._filters = dict(self._kept_filters(take_sample(records)[1]))
            return ""
        if not self._filters:
            return ""
        for record in take_sample(records)[1]:
            for field, (name, value) in self._filters.items():
                found = _text(record.get(field)) if isinstance(record, dict) else None
                if found is not None and found != value:
                    return self._message(field, name, found)
        return ""

    def _kept_filters(self, records: Sequence[Any]) -> list[tuple[str, tuple[str, str]]]:
        """The parameters whose value all records have in the field of their name."""
        kept = []
        for name, value in self._query.items():
            words, said = _WORD.findall(name), _text(value)
            if not words or said is None:
                continue
            if all(isinstance(r, dict) and _text(r.get(words[-1])) == said for r in records):
                kept.append((words[-1], (name, said)))
        return kept

    def _message(self, field: str, name: str, found: str) -> str:
        said = str(self._query[name])[:_MAX_SHOWN_CHARACTERS]
        return (
            f"The parameter {name}={said} filters the first page, and a record of a later page has "
            f"{found[:_MAX_SHOWN_CHARACTERS]!r} as {field!r}: the API loses the parameter after the first "
            f"page, so records were loaded that it should leave out. Declare another paginator, or leave "
            f"them out by data_selector."
        )


def _text(value: Any) -> str | None:
    """A single value as it is compared; None for any other."""
    if isinstance(value, bool | int | str):
        return str(value).lower()
    return None
