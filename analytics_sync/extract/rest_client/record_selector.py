"""The record selector: the body of a response -> its records, or an error.

In: a decoded body and the resource. Out: a list of records. A body that is not provably an answer
about this resource (null, an error body with status 200, a missing key) never counts as "no rows".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Field, Resource
from analytics_sync.common.errors import InvalidResponse, Place
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.json_path import (
    MISSING,
    JsonPath,
    compile_field,
    compile_selector,
    lookup,
    put,
    spell,
)
from analytics_sync.common.json_path_steps import KeyStep
from analytics_sync.common.shown import shown
from analytics_sync.extract.rest_client.paginators.sign_names import ERRORS, WARNINGS, plain_name

_MAX_SHOWN_CHARACTERS = 160
_COMPLAINTS = ERRORS | WARNINGS


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
    left_out: list[Any] | None = None,
) -> list[Any]:
    """The records of one page.

    Some servers answer without the envelope. So a selector that names a key also accepts a body
    that is a bare list, or one object with the primary key. Without a declared selector, the
    records are the root list, the only list of objects in the body, or the object itself. On a bare
    list, a selector such as ``data[*].customer`` selects without its leading keys.

    Args:
        body: Decoded JSON.
        resource: The resource that was requested.
        place: For messages.
        request_line: Method and URL, for messages; empty when unknown.
        redact: Removes secrets from messages.
        left_out: Receives the elements of the page that the selector leaves out.

    Raises:
        InvalidResponse: The body has none of these shapes.
    """
    records = _records(body, resource, left_out)
    if isinstance(records, _NoRecords):
        start = redact(dumps(records.shown).decode())[:_MAX_SHOWN_CHARACTERS]
        raise InvalidResponse(
            place,
            f"{request_line or 'the API'} answered status 200 with {records.found} where records "
            f"were expected (data_selector {resource.selector or 'not declared'!r}): {start}.",
            "If this is the API's new shape, correct data_selector; the table stays as it was.",
        )
    return records


def filtered(body: Any, resource: Resource) -> tuple[int, list[str]]:
    """How many elements the filter of ``data_selector`` tests, and what it compares in vain.

    Args:
        body: Decoded JSON.
        resource: The resource that was requested.

    Returns:
        The number of the elements; the fields that none of them has, so that none is selected.
    """
    path = compile_selector(resource.selector or "$")
    skip = _leading_keys(path) if isinstance(body, list) else 0
    tested, absent = path.filtered(body, skip)
    return len(tested), absent


def has_null_list(body: Any, resource: Resource) -> bool:
    """Whether null stands where the list of records, or of the elements around them, is expected."""
    path = compile_selector(resource.selector or "$")
    first = path.steps[0] if path.steps else None
    if isinstance(first, KeyStep):
        return first.find(body) is None
    return bool(path.steps) and lookup(body, path.spelling) is None


def _records(body: Any, resource: Resource, left_out: list[Any] | None) -> list[Any] | _NoRecords:
    path = compile_selector(resource.selector or "$")
    if isinstance(body, list):
        return _from_list(body, path, resource, left_out)
    if not isinstance(body, Mapping):
        return _NoRecords(f"a JSON {_kind(body)}", body)
    if path.chain is None and path.steps:
        return _selected(body, path, 0, resource, left_out)
    found = path.lookup(body)
    if found is MISSING:
        return _without_selector(body, path, resource)
    if isinstance(found, list):
        return _if_any_object(found)
    if isinstance(found, Mapping):
        records = _only_list(found) if resource.selector is None else None
        if _is_record(found, resource) and not _is_envelope(found, records, resource):
            return [found]
        if records is not None:
            return records
        missing = ", ".join(resource.primary_key)
        return _NoRecords(f"one object without its key {missing}", body)
    return _NoRecords(f"{_kind(found)} at {resource.selector!r}", body)


def _from_list(
    body: list[Any], path: JsonPath, resource: Resource, left_out: list[Any] | None
) -> list[Any] | _NoRecords:
    """The records of a body that is a bare list: the leading keys of the selector are absent."""
    leading = _leading_keys(path)
    if len(path.steps) > leading:
        return _selected(body, path, leading, resource, left_out)
    objects = [record for record in body if isinstance(record, Mapping)]
    if (
        path.steps
        and objects
        and not any(_has_key(record, resource) for record in objects)
        and any(path.lookup(record) is not MISSING for record in objects)
    ):
        return _NoRecords(
            f"a list of objects with {path.spelling!r} (try [*].{path.spelling})", body
        )
    return _if_any_object(body)


def _leading_keys(path: JsonPath) -> int:
    """The number of steps of a selector that a bare list lacks."""
    return 1 if path.steps and isinstance(path.steps[0], KeyStep) else 0


def _without_selector(
    body: Mapping[str, Any], path: JsonPath, resource: Resource
) -> list[Any] | _NoRecords:
    """The body itself, if it is a record without an envelope; else the key that is missing."""
    keys = path.keys
    depth = 1
    while depth < len(keys):
        if lookup(body, spell(keys[:depth], is_exact=path.is_exact)) is MISSING:
            break
        depth += 1
    if depth == 1 and _has_key(body, resource):
        return [body]
    return _NoRecords(f"no {'.'.join(keys[:depth])!r}", body)


def _selected(
    body: Any, path: JsonPath, skip: int, resource: Resource, left_out: list[Any] | None
) -> list[Any] | _NoRecords:
    """The records at a path with a wildcard, a filter or an index.

    A match that is a list gives its elements. A null at a key below the wildcard is no record.

    Args:
        body: Decoded JSON.
        path: The compiled selector.
        skip: How many of its steps to leave out.
        resource: The resource that was requested.
        left_out: Receives the elements that the selector leaves out; None if they do not matter.
    """
    dropped: list[Any] = []
    found = path.matches(body, skip, dropped)
    if isinstance(found, int):
        if found == 0 and isinstance(body, Mapping) and _has_key(body, resource):
            return [body]
        return _broken_off(body, path, skip, found, resource)
    ends_in_key = len(path.steps) - skip > 1 and isinstance(path.steps[-1], KeyStep)
    records: list[Any] = []
    for match in found:
        if match.value is None and ends_in_key:
            dropped.append({})  # stands for the element around the null
            continue
        group = match.value if isinstance(match.value, list) else [match.value]
        if match.key is not None and resource.key_field is not None:
            keyed = _with_key(group, match.key, resource.key_field)
            if isinstance(keyed, _NoRecords):
                return keyed
            group = keyed
        records += group
    # If the matches are lists, a page is counted in their elements, not in the objects around them.
    if left_out is not None and not any(isinstance(match.value, list) for match in found):
        left_out += dropped
    return _if_any_object(records)


def _broken_off(
    body: Any, path: JsonPath, skip: int, position: int, resource: Resource
) -> _NoRecords:
    """The reason why a path breaks off at a step."""
    step = path.steps[position]
    if isinstance(step, KeyStep):
        return _NoRecords(f"no {'.'.join(step.keys)!r}", body)
    before = JsonPath("", path.steps[:position]).matches(body, skip)
    found = before[0].value if isinstance(before, list) and before else body
    shape = _kind(found) if not isinstance(found, list | Mapping) else "nothing"
    return _NoRecords(f"{shape} at {resource.selector!r}", body)


def _with_key(group: list[Any], key: str, name: str) -> list[Any] | _NoRecords:
    """Copies of the objects in ``group`` with the key under which they were found."""
    keyed: list[Any] = []
    for record in group:
        if isinstance(record, Mapping):
            own = lookup(record, name)
            if own in (MISSING, None):
                record = put(record, compile_field(name).keys, key)
            elif isinstance(own, bool | list | dict) or str(own) != key:
                found = f"a record at key {shown(repr(key))} whose {name!r} (key_field) is another value"
                return _NoRecords(found, record)
        keyed.append(record)
    return keyed


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
        aliases = by_name[name].alias_names if name in by_name else ()
        for path in (name, *aliases):
            if lookup(record, path) not in (MISSING, None):
                return True
    return False


def _is_record(found: Mapping[str, Any], resource: Resource) -> bool:
    """Whether an object at the place of the records is a record.

    It is one by its key. If the key is a hash, comes from the parent, or is made by steps, it is one where
    ``data_selector`` says so, unless it speaks of an error.
    """
    if _has_key(found, resource):
        return True
    is_key_unknown = (
        resource.has_row_hash
        or resource.primary_key_is_inherited
        or any(s.map or s.yield_map for s in resource.steps)
    )
    is_selected = is_key_unknown and resource.selector is not None
    return is_selected and not any(plain_name(n) in _COMPLAINTS for n in found)


def _only_list(body: Mapping[str, Any]) -> list[Any] | None:
    """The list of objects in the body, if there is exactly one; an empty list counts.

    A list of errors or warnings holds no records, also if the records are absent.
    """
    lists = [
        value
        for name, value in body.items()
        if isinstance(value, list)
        and (not value or isinstance(value[0], Mapping))
        and plain_name(name) not in _COMPLAINTS
    ]
    return lists[0] if len(lists) == 1 else None


def _is_envelope(body: Mapping[str, Any], records: list[Any] | None, resource: Resource) -> bool:
    """Whether an object that has the key is an envelope: the key is an id of the request.

    The elements of its list then hold the declared fields, and the object holds none but the key.
    """
    if not records:
        return False
    others = [f for f in resource.fields if f.name not in resource.primary_key]
    first = records[0]
    return not any(_holds(body, f) for f in others) and any(_holds(first, f) for f in others)


def _holds(record: Mapping[str, Any], field: Field) -> bool:
    return any(lookup(record, path) is not MISSING for path in (field.name, *field.alias_names))


def _kind(value: Any) -> str:
    return {type(None): "null", str: "string", bool: "boolean"}.get(type(value), "number")
