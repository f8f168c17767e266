"""A defect of a declaration, and the rules that find it.

In: a finished resource and its source. Out: defects with the place of the key that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Resource, Source

Path = tuple[str | int, ...]
PARAMS: Path = ("endpoint", "params")


@dataclass(frozen=True)
class Defect:
    """A defect of one resource.

    Attributes:
        path: The key below the resource, or below the file if it begins with ``client``.
        reason: What is wrong, and what comes of it.
        proposal: What to write in its place.
    """

    path: Path
    reason: str
    proposal: str


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        name: Its name, which ``--ignore`` takes.
        title: What it finds.
        find: Finds the defects of a resource.
    """

    name: str
    title: str
    find: Callable[[Source, Resource], Iterator[Defect]]


def plain(name: str) -> str:
    """A name without signs and capitals: ``page[size]``, ``pageSize`` and ``page_size`` are one name."""
    return "".join(c for c in name.casefold() if c.isalnum())


def in_query(resource: Resource) -> Iterator[tuple[Path, str, Any]]:
    """The constants of the query: the key above, the name, the value."""
    for name, value in resource.params.items():
        if isinstance(value, int | float | str):
            yield PARAMS, name, value


def in_body(resource: Resource) -> Iterator[tuple[Path, str, Any]]:
    """The constants of the body at any depth: the key above, the name, the value."""
    body = resource.post.json if resource.post else None
    if isinstance(body, Mapping):
        yield from _in_object(("endpoint", "json"), body)


def _in_object(place: Path, body: Mapping[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _in_object((*place, name), value)
        elif isinstance(value, int | float | str):
            yield place, name, value


def number_of(value: object) -> float | None:
    """The number that a value is, or that its text spells; None for all others."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
