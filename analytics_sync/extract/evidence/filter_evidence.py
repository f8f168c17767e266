"""The evidence about a filter: does ``data_selector`` compare a field that records have?

In: the pages of one read. Out: a message if the filter selects nothing on all pages, and no element has
the field. An element whose field has another value is left out as declared. If no element has the field,
it has another name, and all records are left out.
"""

from __future__ import annotations

import threading
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.json_path import compile_selector
from analytics_sync.extract.rest_client.record_selector import filtered


class FilterEvidence:
    """The evidence of one read. Threads may share it.

    Args:
        resource: The resource that is read.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._is_settled = not compile_selector(resource.selector or "$").has_filter
        self._lock = threading.Lock()
        self._tested = 0
        self._absent: list[str] = []

    def add(self, body: Any, records: list[Any]) -> None:
        """Add a page.

        Args:
            body: The decoded body.
            records: The records that the selector finds in it.
        """
        if self._is_settled:
            return
        tested, absent = (0, []) if records else filtered(body, self._resource)
        with self._lock:
            self._tested += tested
            self._absent = absent or self._absent
            self._is_settled |= bool(records) or (tested > 0 and not absent)

    def message(self) -> str:
        """The field that no element has; empty if there is no such field."""
        if self._is_settled or not self._tested:
            return ""
        named = " and ".join(map(repr, self._absent))
        return (
            f"data_selector {self._resource.selector!r} selects none of {self._tested:,} elements: none "
            f"of them has the field {named} that it compares. If the API has renamed the field, correct "
            f"data_selector of resource {self._resource.name!r}."
        )
