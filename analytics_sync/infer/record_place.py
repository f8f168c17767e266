"""The place of the records in an answer: the list, the map, or the one object that holds them.

In: a decoded body. Out: a ``PlaceOfRecords``, with the ``data_selector`` that leads to it; or why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.common.json_path import MISSING, PathError, compile_field, lookup, spell
from analytics_sync.extract.rest_client.paginators.sign_names import (
    ANY_TOTALS,
    ERRORS,
    OFFSETS,
    PAGE_NUMBERS,
    TOKENS,
    WARNINGS,
    name_set,
    plain_name,
)
from analytics_sync.infer.proposal import Certainty, Choice

_MAX_DEPTH = 4
_ENVELOPE_NAMES = name_set(
    """
    data items results records values value entries docs documents rows objects list content elements
    nodes hits collection resources result response payload edges
    """
)
_NO_RECORDS = ERRORS | WARNINGS | name_set("included links link meta metadata paging pagination")
_ID_NAMES = name_set("id uuid guid key")
_NOT_OF_RECORDS = (
    ANY_TOTALS
    | TOKENS
    | PAGE_NUMBERS
    | OFFSETS
    | _NO_RECORDS
    | name_set(
        "ok success status message code object next previous hasmore limit pagesize perpage size version took kind type"
    )
)
_MIN_OF_MAP = 3  # two objects of one form are more often two parts of a record
_MIN_SHARED = 0.5  # of all fields, in a record on average
_MIN_VALUES = 3  # of an object without an id that may be a record
_Keys = tuple[str, ...]


@dataclass(frozen=True)
class PlaceOfRecords:
    """The place of the records.

    Attributes:
        kind: A list; what each element of a list wraps; the values of a map; or one object.
        keys: The keys that lead to it.
        choice: The ``data_selector``.
        inner: The key below which an element wraps a record.
    """

    kind: Literal["list", "wrapped", "map", "object"]
    keys: _Keys
    choice: Choice
    inner: str = ""

    def records(self, body: Any) -> list[dict[str, Any]] | None:
        """The records of another answer; None if it has none at this place."""
        found = _at(body, self.keys)
        match self.kind, found:
            case "map", Mapping():
                found = list(found.values())
            case "object" | "list", Mapping():
                found = [found]
            case "wrapped", list():
                found = [item.get(self.inner) for item in found if isinstance(item, Mapping)]
        if found is MISSING or not isinstance(found, list):
            return None
        return [record for record in found if isinstance(record, dict)]

    def pairs(self, body: Any) -> list[tuple[str, dict[str, Any]]]:
        """The records of a map with their keys; none if another answer has no map at this place."""
        found = _at(body, self.keys)
        items = found.items() if isinstance(found, Mapping) else ()
        return [(key, record) for key, record in items if isinstance(record, dict)]


def find_records(body: Any, resource: str) -> PlaceOfRecords | str:
    """The place of the records of a resource, or why nothing is taken for them.

    Args:
        body: Decoded JSON.
        resource: Name of the resource: a list of this name holds its records.
    """
    if isinstance(body, list):
        if not body:
            return "the answer is an empty list: ask for a listing with records"
        if not all(isinstance(item, dict) for item in body):
            return "the answer is a list of values, and not of objects"
        return _list_at((), body, "the answer is a bare list", "proven")
    if not isinstance(body, Mapping):
        return "the answer is neither an object nor a list"
    maps = list(_maps(body, ()))
    # a list below a map is a field of one of its records
    lists = {k: v for k, v in _lists(body, ()) if not any(k[: len(m)] == m for m in maps)}
    full = {keys: found for keys, found in lists.items() if found}
    if full and maps and not _own(full, resource):
        return f"both a list and an object of objects may hold them: {_named([*full, *maps])}"
    if full:
        return _best_list(body, full, resource)
    if len(maps) == 1:
        place = _spelled(maps[0])
        selector = f"{place}.*" if place != "$" else "$.*"
        reason = "the only object whose values are all objects of one form"
        return PlaceOfRecords("map", maps[0], Choice(selector, reason))
    if len(maps) > 1:
        return f"there are several objects of objects: {_named(maps)}"
    if lists and not _looks_like_record(body):
        return f"the list at {_named(lists)} is empty: ask for a listing with records"
    return _one_object(body)


def chosen_place(selector: str, body: Any) -> PlaceOfRecords:
    """The place that somebody names, as ``data_selector`` spells it: keys, with ``.*`` or ``[*].node`` at the end.

    Args:
        selector: The place.
        body: Decoded JSON: the elements there are those of a map or of a list.

    Raises:
        CatalogError: It is another form of path.
    """
    choice = Choice(selector, "as --selector says", "proven")
    before, wraps, inner = selector.partition("[*].")
    if wraps:
        return PlaceOfRecords("wrapped", _keys_of(before), choice, inner)
    keys = _keys_of(selector.removesuffix(".*"))
    is_map = selector.endswith(".*") and isinstance(_at(body, keys), Mapping)
    return PlaceOfRecords("map" if is_map else "list", keys, choice)


def _keys_of(path: str) -> _Keys:
    try:
        return () if path in ("", "$") else compile_field(path).keys
    except PathError:
        raise CatalogError(
            f"--selector: expected keys such as result.rows, with .* or [*].KEY behind them or not, found {path!r}"
        ) from None


def _at(body: Any, keys: _Keys) -> Any:
    return lookup(body, spell(keys, is_exact=True))


def _best_list(
    body: Mapping[str, Any], lists: Mapping[_Keys, list[Any]], resource: str
) -> PlaceOfRecords | str:
    """The list that holds the records, of those that hold objects."""
    own = _own(lists, resource)
    if len(own) == 1:
        return _list_at(own[0], lists[own[0]], "the list with the name of the resource", "proven")
    usual = [keys for keys in lists if plain_name(keys[-1]) in _ENVELOPE_NAMES]
    if len(lists) == 1:
        (keys,) = lists
        holder = _holder(body, keys)
        if not usual and _is_record(holder):
            return _object_at(keys[:-1], f"one object with an id; its list {keys[-1]!r} is a field")
        if not usual and _looks_like_record(holder):
            return f"the list at {_named([keys])} may hold them, or be a field of one record"
        return _list_at(keys, lists[keys], "the only list of objects in the answer", "proven")
    if len(usual) == 1:
        others = _named(keys for keys in lists if keys != usual[0])
        reason = f"a usual name of a listing; other lists of objects are at {others}"
        return _list_at(usual[0], lists[usual[0]], reason, "likely")
    if _is_record(body) and not usual:
        return _object_at((), "one object with an id; its lists are fields")
    return f"there are several lists of objects: {_named(lists)}"


def _own(lists: Mapping[_Keys, list[Any]], resource: str) -> list[_Keys]:
    """The lists with the name of the resource."""
    return [keys for keys in lists if plain_name(keys[-1]) == plain_name(resource)]


def _lists(value: Mapping[str, Any], keys: _Keys) -> Iterator[tuple[_Keys, list[Any]]]:
    """The lists of objects, and the empty ones, below objects."""
    for name, inner in value.items():
        if plain_name(name) in _NO_RECORDS:
            continue
        if isinstance(inner, list) and all(isinstance(item, dict) for item in inner):
            yield (*keys, name), inner
        elif isinstance(inner, Mapping) and len(keys) + 1 < _MAX_DEPTH:
            yield from _lists(inner, (*keys, name))


def _maps(value: Mapping[str, Any], keys: _Keys) -> Iterator[_Keys]:
    """The objects whose values are objects of one form, each under a key of its own."""
    if _is_map(value):
        yield keys
        return
    if _is_record(value):
        return
    for name, inner in value.items():
        if plain_name(name) in _NO_RECORDS or not isinstance(inner, Mapping):
            continue
        if len(keys) + 1 < _MAX_DEPTH:
            yield from _maps(inner, (*keys, name))


def _is_map(value: Mapping[str, Any]) -> bool:
    records = list(value.values())
    if len(records) < _MIN_OF_MAP or not all(isinstance(r, dict) and r for r in records):
        return False
    names = set().union(*records)
    return sum(map(len, records)) >= _MIN_SHARED * len(names) * len(records)


def _one_object(body: Mapping[str, Any]) -> PlaceOfRecords | str:
    if _is_record(body):
        return _object_at((), "one object with an id")
    inner = [n for n, v in body.items() if isinstance(v, Mapping) and _is_record(v)]
    if len(inner) == 1:
        return _object_at((inner[0],), "the only object with an id")
    if inner:
        return f"there are several objects with an id: {', '.join(inner)}"
    if _looks_like_record(body):
        return _object_at((), "one object; most of its fields are no part of an envelope")
    return "there is no list of objects, and no object with an id"


def _list_at(keys: _Keys, found: list[Any], reason: str, certainty: Certainty) -> PlaceOfRecords:
    place = _spelled(keys)
    if (inner := _wrapper(found)) is not None:
        reason = f"{reason}; each of its objects wraps another one"
        return PlaceOfRecords(
            "wrapped", keys, Choice(f"{place}[*].{inner}", reason, certainty), inner
        )
    return PlaceOfRecords("list", keys, Choice(place, reason, certainty))


def _wrapper(found: list[Any]) -> str | None:
    """The key of the object that each element of a list holds, and nothing else but a cursor; None without one."""
    names = set().union(*found) - {"cursor"}
    if len(names) != 1 or not (name := names.pop()).isidentifier():
        return None
    return name if all(isinstance(item.get(name), dict) for item in found) else None


def _object_at(keys: _Keys, reason: str) -> PlaceOfRecords:
    return PlaceOfRecords("object", keys, Choice(_spelled(keys), reason))


def _is_record(value: Mapping[str, Any]) -> bool:
    """Whether an object has an id, so that it may be a record itself."""
    return any(plain_name(name) in _ID_NAMES and v is not None for name, v in value.items())


def _looks_like_record(value: Mapping[str, Any]) -> bool:
    """Whether an object has fields that no envelope has."""
    own = [name for name in value if plain_name(name) not in _NOT_OF_RECORDS]
    plain = [name for name in own if not isinstance(value[name], dict | list)]
    return _is_record(value) or (len(own) >= _MIN_VALUES and bool(plain))


def _holder(body: Mapping[str, Any], keys: _Keys) -> Mapping[str, Any]:
    found = _at(body, keys[:-1])
    return found if isinstance(found, Mapping) else {}


def _spelled(keys: _Keys) -> str:
    """The keys as ``data_selector`` spells them."""
    if not keys:
        return "$"
    is_plain = all(key.replace("-", "_").isidentifier() for key in keys)
    return spell(keys, is_exact=not is_plain)


def _named(places: Any) -> str:
    return ", ".join(".".join(keys) or "$" for keys in places)
