"""A page of records -> the body of an answer.

In: the JSON of each record, and what the paginator wants to say. Out: one JSON document with the
records at the resource's selector. Records are joined as they are, never encoded again.
"""

from __future__ import annotations

from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.api.pagination import ServedPage
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data.json_path import Path, get_or_none, put
from analytics_sync.sandbox.options import Options

# where a cursor goes whose place is only known by its end
_ANYWHERE = "meta"


class Envelope:
    """Wraps the answers of one resource.

    Args:
        resource: Whose selector and key it follows.
        options: What is answered bare.
    """

    def __init__(self, resource: Resource, options: Options) -> None:
        self.is_object = shape.is_object(resource, options)
        self.is_bare = shape.is_bare(resource, options)
        self._key = shape.key_paths(resource)
        selector = (resource.selector or "data").removeprefix("$.").removesuffix("[*]")
        # a map of records, under their keys
        self._is_map = selector.endswith(".*")
        self._at: Path = tuple(selector.removesuffix(".*").split("."))

    def body(self, page: ServedPage) -> bytes:
        """The document. One object is the record itself, a bare list has nothing around it."""
        if self.is_object:
            return page.versions[0].body
        listed = b"[" + b",".join([v.body for v in page.versions]) + b"]"
        if self.is_bare:
            return listed
        document: dict[str, Any] = {_ANYWHERE: {"answered_by": "sandbox"}}
        for place, value in page.places.items():
            put(document, _place(place), value)
        records: Any = orjson.Fragment(listed)
        if self._is_map:
            records = {
                self._name(v.record, v.number): orjson.Fragment(v.body) for v in page.versions
            }
        put(document, self._at, records)
        return orjson.dumps(document)

    def _name(self, record: dict[str, Any], number: int) -> str:
        values = [get_or_none(record, path) for path in self._key]
        return str(number) if None in values or not values else "/".join(map(str, values))


def _place(place: str) -> Path:
    if place.startswith(".."):
        return (_ANYWHERE, *place[2:].split("."))
    return tuple(place.removeprefix("$.").split("."))
