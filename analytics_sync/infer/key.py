"""The primary key: a field with the name of an id that each record has, and no two records share.

In: the records of all pages that were read. Out: a ``Choice`` of paths. Unique values of any other field may
be chance, as may those of a foreign key: they are named, and not proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.common.exact_json import dumps
from analytics_sync.common.shown import counted
from analytics_sync.extract.rest_client.paginators.sign_names import plain_name
from analytics_sync.infer.fields import FieldValues, fields_of, path_of, values_at
from analytics_sync.infer.proposal import Choice

_IDS = ("id", "_id", "uuid", "guid", "uid")
_HOLDERS = ("metadata", "meta", "sys", "node", "properties")
_CANDIDATES = ("key", "slug", "code", "number", "name", "login", "email")
_MIN_RECORDS = 2
_HASH = "row_hash"


def propose_key(records: Sequence[Mapping[str, Any]], resource: str, pages: int) -> Choice:
    """The primary key of a resource; ``row_hash`` with a to-do if no field is one.

    Args:
        records: The records that were read.
        resource: Name of the resource.
        pages: The number of pages that they come from.
    """
    different = list({dumps(record): record for record in records}.values())
    shared: list[str] = []
    for found in _named_as_ids(different, resource):
        path = path_of(found.keys)
        if not found.is_in_all or not _are_keys(found.values):
            continue
        if len(set(map(str, found.values))) < len(found.values):
            shared.append(path)
            continue
        if len(different) < _MIN_RECORDS:
            return Choice([path], "an id by its name; there was one record only")
        reason = f"in each of {counted(len(different), 'record')} of {counted(pages, 'page')}, and no two share it"
        return Choice([path], reason)
    return Choice(_HASH, _reason_for_hash(different, shared), "TODO")


def _reason_for_hash(records: Sequence[Mapping[str, Any]], shared: Sequence[str]) -> str:
    text = "no field is proven to be a key, so a hash of the whole record is; a changed record is a new row"
    if shared:
        text += f". Records share {', '.join(shared)}: versions of one record, or numbers within a parent"
    if unique := list(_unique_fields(records, shared)):
        text += f". Different in all {len(records)} records: {', '.join(unique)}"
    return text


def _named_as_ids(records: Sequence[Mapping[str, Any]], resource: str) -> Iterator[FieldValues]:
    """The fields with the name of an id, the likeliest first."""
    fields = {found.keys: found for found in fields_of(records)}
    own = _own_ids(resource)
    for name in _IDS:
        if (name,) in fields:
            yield fields[(name,)]
    for keys, found in fields.items():
        is_spelled_else = keys[0].lower() in _IDS and keys[0] not in _IDS
        if len(keys) == 1 and (is_spelled_else or plain_name(keys[0]) in own):
            yield found
    for holder in _HOLDERS:
        if (holder,) in fields:
            yield values_at(records, (holder, "id"))


def singular(resource: str) -> str:
    """The name of one record of a resource, as far as its spelling shows it."""
    if resource.endswith("ies"):
        return f"{resource[:-3]}y"
    return resource.removesuffix("s") or resource


def _own_ids(resource: str) -> set[str]:
    """The names that the id of a resource may have: ``order_id`` for ``orders``."""
    names = {resource, singular(resource), resource.removesuffix("es")}
    return {f"{plain_name(one)}{end}" for one in names for end in ("id", "uuid", "guid")}


def _unique_fields(records: Sequence[Mapping[str, Any]], without: Sequence[str]) -> Iterator[str]:
    """Other fields with values that no two records share: candidates, for people to judge."""
    if len(records) < _MIN_RECORDS:
        return
    for found in fields_of(records):
        name = found.keys[-1].lower()
        is_candidate = name in _CANDIDATES or name.endswith(("id", "key", "name", "_url"))
        if not is_candidate or found.path in without or not found.is_in_all:
            continue
        if _are_keys(found.values) and len(set(found.values)) == len(found.values):
            yield found.path


def _are_keys(values: Sequence[Any]) -> bool:
    """Whether values can be keys: texts or integers, and not both."""
    types = set(map(type, values))
    return types in ({str}, {int}) and all(value != "" for value in values)
