"""Rules about keys and parents: rows that replace each other, and listings of which one parent is read.

In: a resource. Out: defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.catalog.config.params import PLACEHOLDER
from analytics_sync.commands.lint.defect import Defect, Rule, number_of, plain

_LOCAL = frozenset(
    {
        "number",
        "index",
        "idx",
        "position",
        "pos",
        "name",
        "line",
        "lineno",
        "linenumber",
        "seq",
        "no",
    }
    | {
        "sequence",
        "rank",
        "order",
        "ordinal",
        "step",
        "slug",
        "key",
        "code",
        "version",
        "row",
        "label",
    }
    | {"title", "path", "filename", "day", "date", "month", "week", "year", "iid", "offset", "slot"}
    | {
        "stepnumber",
        "itemnumber",
        "ordernumber",
        "sequencenumber",
        "rownumber",
        "chapter",
        "page",
        "level",
        "tag",
    }
)
_CHANGED = re.compile(r"updat|modif|chang|edited|lastseen|lastmod")
_UNFIT = frozenset({"bool", "double", "json"})
_ID = re.compile(
    r"\d{3,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24}|[0-9a-f]{32}|"
    r"[A-Z]{1,6}-?\d{2,}|\d{1,2}",
    re.IGNORECASE,
)
_YEAR_OR_VERSION = re.compile(r"v\d+|20\d\d|\d{1,2}\.\d+|20\d\d-\d\d(-\d\d)?", re.IGNORECASE)
_ID_PARAM = re.compile(r"(?P<parent>[a-z]+)[_\-]?(?:id|ids|uuid|key|gid|slug)$", re.IGNORECASE)


def key_within_parent(_: Source, resource: Resource) -> Iterator[Defect]:
    """The key tells the records of one parent apart, and not those of several."""
    if resource.parent is None or resource.has_row_hash or not resource.primary_key:
        return
    if any(name in resource.inherited for name in resource.primary_key):
        return
    if all(plain(name.rpartition(".")[2]) in _LOCAL for name in resource.primary_key):
        key, parent = ", ".join(resource.primary_key), resource.parent
        field = next(iter(resource.resolved.values())).field
        yield Defect(
            ("primary_key",),
            f"{key} tells the records of one {parent} apart: those of another one replace them",
            f"declare include_from_parent: {{{parent}_{plain(field)}: {field}}}, its column, and "
            f"primary_key: [{parent}_{plain(field)}, {key}]",
        )


def key_that_changes(_: Source, resource: Resource) -> Iterator[Defect]:
    """The key holds a time of change: each version of a record is a row of its own."""
    for name in resource.primary_key:
        if _CHANGED.search(plain(name.rpartition(".")[2])) and _is_time(resource, name):
            yield Defect(
                ("primary_key",),
                f"the key holds {name}, which changes with the record: each version becomes a row of its own",
                "leave it out of primary_key",
            )


def key_of_unfit_type(_: Source, resource: Resource) -> Iterator[Defect]:
    """The key is a type whose values repeat, or have several spellings."""
    for name in resource.primary_key:
        field = _field(resource, name)
        if field is not None and field.data_type in _UNFIT:
            yield Defect(
                ("columns", name),
                f"the key {name} is {field.data_type}: its values repeat, or are spelled in several ways",
                "declare text or bigint if the values are, or name another key",
            )


def fixed_parent(source: Source, resource: Resource) -> Iterator[Defect]:
    """One parent stands in the request as a constant: the records of the others are never read."""
    yield from _in_path(source, resource)
    for name, value in resource.params.items():
        found = _ID_PARAM.search(name)
        if found is None or not isinstance(value, int | str) or isinstance(value, bool):
            continue
        listing = _listing(source, resource, found["parent"])
        is_id = number_of(value) is not None or bool(_ID.fullmatch(str(value)))
        if listing is not None or is_id:
            yield Defect(
                ("endpoint", "params", name),
                f"{name}: {value} asks for the records of one {found['parent']}: those of the others are never read",
                _proposal(listing, name),
            )


def _in_path(source: Source, resource: Resource) -> Iterator[Defect]:
    segments = [part for part in resource.path.split("/") if part]
    for number, segment in enumerate(segments):
        before, after = segments[:number], segments[number + 1 :]
        if not before or PLACEHOLDER.search(before[-1] + segment):
            continue
        if _YEAR_OR_VERSION.fullmatch(segment):
            continue
        listing = _listed_at(source, resource, before) if after else None
        if listing is not None and _is_static(source, resource, [*before, segment]):
            listing = None
        if listing is None and not _ID.fullmatch(segment):
            continue
        yield Defect(
            ("endpoint", "path"),
            f"{segment} in the path is one of {before[-1]}: the records of the others are never read",
            _proposal(listing, "parent"),
        )
        return


def _listed_at(source: Source, resource: Resource, segments: list[str]) -> Resource | None:
    """The resource that lists what stands at a path."""
    for other in source.resources.values():
        if other is not resource and [part for part in other.path.split("/") if part] == segments:
            return other
    return None


def _is_static(source: Source, resource: Resource, segments: list[str]) -> bool:
    """Whether other paths have the same beginning: then it is no record, but a part of the API."""
    others = (other.path.split("/") for other in source.resources.values() if other is not resource)
    return any([p for p in path if p][: len(segments)] == segments for path in others)


def _listing(source: Source, resource: Resource, name: str) -> Resource | None:
    """The resource whose records a parameter names, by its own name."""
    wanted = {
        plain(name),
        f"{plain(name)}s",
        f"{plain(name)}es",
        f"{plain(name).removesuffix('y')}ies",
    }
    for other in source.resources.values():
        if other is not resource and plain(other.name) in wanted:
            return other
    return None


def _proposal(listing: Resource | None, name: str) -> str:
    if listing is None:
        return (
            "take it from a setting ({type: config, key: NAME}), or from the records of a parent "
            "({type: resolve, resource: PARENT, field: id})"
        )
    key = listing.primary_key[0] if listing.primary_key else "id"
    return (
        f"declare a parameter {{type: resolve, resource: {listing.name}, field: {key}}} in its place: the children "
        f"of all {listing.name} are read then (here {name})"
    )


RULES = (
    Rule("key-within-parent", "a key that is unique within its parent only", key_within_parent),
    Rule("key-that-changes", "a key that holds a time of change", key_that_changes),
    Rule("key-of-unfit-type", "a key of the type bool, double or json", key_of_unfit_type),
    Rule("fixed-parent", "one parent stands in the path or in a parameter as a constant", fixed_parent),
)  # fmt: skip


def _field(resource: Resource, name: str) -> Field | None:
    return next((f for f in (*resource.fields, *resource.hints) if f.name == name), None)


def _is_time(resource: Resource, name: str) -> bool:
    field = _field(resource, name)
    return field is None or field.data_type in ("timestamp", "date", "text", "bigint")
