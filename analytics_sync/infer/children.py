"""Children: lists below one record, at an address that holds the id of the record.

In: the records of a resource, its key, and an ``Asker``. Out: what two of these addresses answered. The addresses are
links in the records, and paths that the caller names; nothing else is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from analytics_sync.catalog.naming import is_snake_case
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.record_place import PlaceOfRecords, find_records
from analytics_sync.infer.target import as_name

_PARENTS = 2  # show whether two parents share ids of children
_MAX_DEPTH = 3
_MAX_LINKS = 4


@dataclass(frozen=True)
class FoundChild:
    """A child, and the records of some parents.

    Attributes:
        name: Name of the resource.
        path: Below the base URL, with the placeholder.
        place: The place of its records.
        records: The records of each parent that was asked.
    """

    name: str
    path: str
    place: PlaceOfRecords
    records: Sequence[Sequence[dict[str, Any]]]


def find_children(
    asker: Asker,
    path: str,
    records: Sequence[Mapping[str, Any]],
    key: str,
    placeholder: str,
    named: Sequence[str],
) -> Iterator[FoundChild | str]:
    """The children of a resource; a text for an address that has none.

    Args:
        asker: Sends the requests.
        path: The path of the resource.
        records: Its records.
        key: The field of its id.
        placeholder: The name of the id in the path of a child.
        named: Paths below a record that the caller names, such as ``lines``.
    """
    ids = [record[key] for record in records if key in record]
    base_path = urlsplit(asker.url).path.removesuffix(path.rstrip("/"))
    templates = {
        f"{path.rstrip('/')}/{{{placeholder}}}/{one.strip('/')}": one.strip("/") for one in named
    }
    for template in list(_linked(records[:1], key, base_path, placeholder))[:_MAX_LINKS]:
        templates.setdefault(template, template.rpartition("/")[2])
    for template, spelled in templates.items():
        name = as_name(spelled)
        found = _ask(asker, template, name, placeholder, ids)
        if isinstance(found, FoundChild) and not is_snake_case(name):
            yield f"{template} answers with a list; it needs a name in lower_snake_case"
        else:
            yield found


def _ask(
    asker: Asker, template: str, name: str, placeholder: str, ids: Sequence[Any]
) -> FoundChild | str:
    place: PlaceOfRecords | None = None
    found: list[list[dict[str, Any]]] = []
    for value in ids[:_PARENTS]:
        response = asker.child(template, placeholder, value)
        if response is None:
            return f"{template} was refused for one record"
        if place is None:
            looked = find_records(response.body, name)
            if isinstance(looked, str):
                continue  # a parent without children shows no place
            place = looked
        found.append(place.records(response.body) or [])
    if place is None or place.kind == "object" or not any(found):
        return f"{template} answers with no list of records"
    return FoundChild(name, template, place, found)


def _linked(
    records: Sequence[Mapping[str, Any]], key: str, base_path: str, placeholder: str
) -> Iterator[str]:
    """The paths in the links of a record that go on behind its id."""
    for record in records:
        segment = f"/{quote(str(record.get(key, '')), safe='')}/"
        for link in _links(record, 0):
            path = urlsplit(link).path
            if base_path and not path.startswith(base_path + "/"):
                continue
            before, found, after = path.removeprefix(base_path).partition(segment)
            if found and after.strip("/") and "{" not in path:
                yield f"{before}/{{{placeholder}}}/{after.strip('/')}"


def _links(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("http://", "https://", "/")):
        yield value
    elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
        for inner in value.values():
            yield from _links(inner, depth + 1)
