"""The envelope of a page: the JSON document around the records.

In: the JSON of each record, and the values that the paginator puts in the body.
Out: one JSON document with the records at the resource's selector.
The JSON of a record is copied, never encoded again.
"""

from __future__ import annotations

from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.api.pagination import ServedPage
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data.json_path import Path, get_or_none, put
from analytics_sync.sandbox.options import Options

# The object that holds a cursor whose declared path gives only the end: ``..cursor``.
_DEFAULT_PARENT = "meta"


class Envelope:
    """Wraps the pages of one resource.

    Args:
        resource: The resource; its selector and key decide the document.
        options: The resources without an envelope.
    """

    def __init__(self, resource: Resource, options: Options) -> None:
        self.is_object = shape.is_object(resource, options)
        self.is_bare = shape.is_bare(resource, options)
        self._key = shape.key_paths(resource)
        selector = (resource.selector or "data").removeprefix("$.").removesuffix("[*]")
        # The records form a map: primary key -> record.
        self._is_map = selector.endswith(".*")
        self._records_path: Path = tuple(selector.removesuffix(".*").split("."))

    def body(self, page: ServedPage) -> bytes:
        """The JSON document: one record alone, a list of records, or an object with them inside."""
        if self.is_object:
            return page.versions[0].body
        record_list = b"[" + b",".join([v.body for v in page.versions]) + b"]"
        if self.is_bare:
            return record_list
        document: dict[str, Any] = {_DEFAULT_PARENT: {"answered_by": "sandbox"}}
        for dotted, value in page.body_values.items():
            put(document, path_in_body(dotted), value)
        records: Any = orjson.Fragment(record_list)
        if self._is_map:
            records = {
                self._map_key(v.record, v.number): orjson.Fragment(v.body) for v in page.versions
            }
        put(document, self._records_path, records)
        return orjson.dumps(document)

    def _map_key(self, record: dict[str, Any], number: int) -> str:
        values = [get_or_none(record, path) for path in self._key]
        return str(number) if None in values or not values else "/".join(map(str, values))


def path_in_body(dotted: str) -> Path:
    """The keys of a declared path; a path that is searched gets a place."""
    if dotted.startswith(".."):
        return (_DEFAULT_PARENT, *dotted[2:].split("."))
    return tuple(dotted.removeprefix("$.").split("."))
