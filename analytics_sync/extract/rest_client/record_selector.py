"""An answer's body -> its records, or an error that says why it is not data.

In: a decoded body and the resource. Out: a list of records. A body that is not provably an answer
about this resource (null, an error body with status 200, a missing key) never counts as "no rows".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import InvalidResponse, Place
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.json_path import MISSING, lookup, tokens


def select(
    body: Any,
    resource: Resource,
    place: Place,
    said: str = "",
    redact: Callable[[str], str] = str,
) -> list[Any]:
    """The records of one page.

    A selector that names a key also fits a body that is the bare list, or one object that has the
    primary key: some servers answer without the envelope. Without a declared selector, the root
    list, the one list of objects in the body, or the object itself are taken.

    Args:
        body: Decoded JSON.
        resource: Whose answer it is.
        place: For messages.
        said: The request, for messages.
        redact: For messages.

    Raises:
        InvalidResponse: None of these shapes.
    """
    if isinstance(body, list):
        return _objects(body, resource, place, said, redact)
    if not isinstance(body, Mapping):
        raise _no_data(body, resource, place, said, redact, "a JSON " + _kind(body))
    keys = tokens(resource.selector or "$")
    found: Any = body
    for at, key in enumerate(keys):
        if key == "*":
            found = list(found.values()) if isinstance(found, Mapping) else found
            continue
        if isinstance(found, Mapping) and key in found:
            found = found[key]
            continue
        if at == 0 and has_key(body, resource):
            return [body]
        raise _no_data(body, resource, place, said, redact, f"no {'.'.join(keys[: at + 1])!r}")
    if isinstance(found, list):
        return _objects(found, resource, place, said, redact)
    if isinstance(found, Mapping):
        if has_key(found, resource):
            return [found]
        if resource.selector is None and (records := _only_list(found)) is not None:
            return records
        missing = ", ".join(resource.primary_key)
        raise _no_data(body, resource, place, said, redact, f"one object without its key {missing}")
    raise _no_data(body, resource, place, said, redact, f"{_kind(found)} at {resource.selector!r}")


def _objects(
    records: list[Any],
    resource: Resource,
    place: Place,
    said: str,
    redact: Callable[[str], str],
) -> list[Any]:
    """A page: with some objects the rest is rejected record by record, with none it is no page."""
    if records and not any(isinstance(record, Mapping) for record in records):
        what = f"a list in which none of the {len(records)} records is an object"
        raise _no_data(records, resource, place, said, redact, what)
    return records


def has_key(record: Mapping[str, Any], resource: Resource) -> bool:
    """Whether an object holds a part of the primary key, so that it is a record of ``resource``."""
    by_name = {field.name: field for field in resource.fields}
    for name in resource.primary_key:
        aliases = [".".join(a) for a in by_name[name].aliases] if name in by_name else []
        for path in (name, *aliases):
            if lookup(record, path) not in (MISSING, None):
                return True
    return False


def _only_list(body: Mapping[str, Any]) -> list[Any] | None:
    lists = [
        v for v in body.values() if isinstance(v, list) and (not v or isinstance(v[0], Mapping))
    ]
    return lists[0] if len(lists) == 1 else None


def _no_data(
    body: Any,
    resource: Resource,
    place: Place,
    said: str,
    redact: Callable[[str], str],
    what: str,
) -> InvalidResponse:
    start = redact(dumps(body).decode())[:160]
    return InvalidResponse(
        place,
        f"{said or 'the API'} answered status 200 with {what} where records were expected "
        f"(data_selector {resource.selector or 'not declared'!r}): {start}",
        "If this is the API's new shape, correct data_selector; the table stays as it was.",
    )


def _kind(value: Any) -> str:
    return {type(None): "null", str: "string", bool: "boolean"}.get(type(value), "number")
