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
from analytics_sync.sandbox.api.unprocessed import is_changed, unprocessed
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data.declared_path import DEFAULT_PARENT, path_of
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put
from analytics_sync.sandbox.data.record_factory import as_text
from analytics_sync.sandbox.data.record_place import Found, RecordPlace
from analytics_sync.sandbox.data.tables import Version
from analytics_sync.sandbox.options import Options


class Envelope:
    """Wraps the pages of one resource.

    Args:
        resource: The resource; its selector and key decide the document.
        options: The resources without an envelope.
    """

    def __init__(self, resource: Resource, options: Options) -> None:
        self.is_object = shape.is_object(resource, options)
        self.is_bare = shape.is_bare(resource, options)
        self._resource = resource
        self._is_changed = is_changed(resource)
        self._key = shape.key_paths(resource)
        self._place = RecordPlace(resource)

    def body(self, page: ServedPage) -> bytes:
        """The JSON document: one record alone, a list of records, or an object with them inside."""
        if self.is_object:
            return self._served(page.versions[0])
        if self._place.is_list:
            record_list = b"[" + b",".join([self._served(v) for v in page.versions]) + b"]"
            if self.is_bare:
                return record_list
            records: Any = orjson.Fragment(record_list)
        else:
            records = self._place.list_of([self._found(version) for version in page.versions])
        if self.is_bare:
            return orjson.dumps(records)
        document: dict[str, Any] = {DEFAULT_PARENT: {"answered_by": "sandbox"}}
        put(document, self._place.keys, records)
        for declared, value in page.body_values.items():
            put(document, path_of(declared), value)
        return orjson.dumps(document)

    def _found(self, version: Version) -> Found:
        """A record and its key, in the form in which an object of records holds them."""
        field = self._place.key_field
        if field is None:
            key = self._map_key(version) if self._place.is_keyed else None
            return key, orjson.Fragment(self._served(version))
        record = version.record
        key = as_text(get_or_none(record, field))
        drop(record, field)
        return key, record

    def _served(self, version: Version) -> bytes:
        """The JSON of a record as the API has it, before the processing steps of its reader."""
        if not self._is_changed:
            return version.body
        return orjson.dumps(unprocessed(self._resource, version.record))

    def _map_key(self, version: Version) -> str:
        record = version.record
        values = [get_or_none(record, path) for path in self._key]
        return str(version.number) if None in values or not values else "/".join(map(str, values))
