"""The record selector: the body of a response -> its records, or an error.

In: a decoded body and the resource. Out: a list of records. A body that is not provably an answer
about this resource (null, an error body with status 200, a missing key) never counts as "no rows".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import InvalidResponse, Place
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.json_path import MISSING, lookup, tokens

_MAX_SHOWN_CHARACTERS = 160


@dataclass(frozen=True)
class _NoRecords:
    """The reason why a body holds no records.

    Attributes:
        found: The shape of the body, in words.
        shown: The value to show in the message.
    """

    found: str
    shown: Any


def select(
    body: Any,
    resource: Resource,
    place: Place,
    request_line: str = "",
    redact: Callable[[str], str] = str,
) -> list[Any]:
    """The records of one page.

    Some servers answer without the envelope. So a selector that names a key also accepts a body
    that is a bare list, or one object with the primary key. Without a declared selector, the
    records are the root list, the only list of objects in the body, or the object itself.

    Args:
        body: Decoded JSON.
        resource: The resource that was requested.
        place: For messages.
        request_line: Method and URL, for messages; empty when unknown.
        redact: Removes secrets from messages.

    Raises:
        InvalidResponse: The body has none of these shapes.
    """
    records = _records(body, resource)
    if isinstance(records, _NoRecords):
        start = redact(dumps(records.shown).decode())[:_MAX_SHOWN_CHARACTERS]
        raise InvalidResponse(
            place,
            f"{request_line or 'the API'} answered status 200 with {records.found} where records "
            f"were expected (data_selector {resource.selector or 'not declared'!r}): {start}",
            "If this is the API's new shape, correct data_selector; the table stays as it was.",
        )
    return records


def _records(body: Any, resource: Resource) -> list[Any] | _NoRecords:
    if isinstance(body, list):
        return _if_any_object(body)
    if not isinstance(body, Mapping):
        return _NoRecords(f"a JSON {_kind(body)}", body)
    keys = tokens(resource.selector or "$")
    found: Any = body
    for depth, key in enumerate(keys):
        if key == "*":
            found = list(found.values()) if isinstance(found, Mapping) else found
            continue
        if isinstance(found, Mapping) and key in found:
            found = found[key]
            continue
        if depth == 0 and _has_key(body, resource):
            return [body]
        return _NoRecords(f"no {'.'.join(keys[: depth + 1])!r}", body)
    if isinstance(found, list):
        return _if_any_object(found)
    if isinstance(found, Mapping):
        if _has_key(found, resource):
            return [found]
        if resource.selector is None and (records := _only_list(found)) is not None:
            return records
        missing = ", ".join(resource.primary_key)
        return _NoRecords(f"one object without its key {missing}", body)
    return _NoRecords(f"{_kind(found)} at {resource.selector!r}", body)


def _if_any_object(records: list[Any]) -> list[Any] | _NoRecords:
    """The list itself if it is empty or holds an object.

    Among objects, each other value is rejected by itself later. A list of other values only is not
    a page of records.
    """
    if records and not any(isinstance(record, Mapping) for record in records):
        found = f"a list in which none of the {len(records)} records is an object"
        return _NoRecords(found, records)
    return records


def _has_key(record: Mapping[str, Any], resource: Resource) -> bool:
    """Whether an object holds a part of the primary key, and so is a record of ``resource``."""
    by_name = {field.name: field for field in resource.fields}
    for name in resource.primary_key:
        aliases = [".".join(a) for a in by_name[name].aliases] if name in by_name else []
        for path in (name, *aliases):
            if lookup(record, path) not in (MISSING, None):
                return True
    return False


def _only_list(body: Mapping[str, Any]) -> list[Any] | None:
    """The list of objects in the body, if there is exactly one; an empty list counts."""
    lists = [
        v for v in body.values() if isinstance(v, list) and (not v or isinstance(v[0], Mapping))
    ]
    return lists[0] if len(lists) == 1 else None


def _kind(value: Any) -> str:
    return {type(None): "null", str: "string", bool: "boolean"}.get(type(value), "number")
