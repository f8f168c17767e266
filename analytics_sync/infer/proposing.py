"""The proposal of a resource: all choices, put together.

In: an ``Asker``, or answers from a file. Out: a ``Proposal`` for the resource, and one for each of its children.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analytics_sync.common.errors import InvalidResponse, Place
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.json_path import compile_field
from analytics_sync.common.shown import counted
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.children import FoundChild, find_children
from analytics_sync.infer.columns import propose_columns, type_of
from analytics_sync.infer.fields import fields_of, values_at
from analytics_sync.infer.key import propose_key, singular
from analytics_sync.infer.pages import AnsweredPage, PageTaker
from analytics_sync.infer.paging import Paging, propose_paging, unproven_paging
from analytics_sync.infer.proposal import (
    Choice,
    Proposal,
    ProposedColumn,
    ProposedParent,
    left_open,
)
from analytics_sync.infer.record_place import PlaceOfRecords, chosen_place, find_records
from analytics_sync.infer.target import Target
from analytics_sync.infer.times import TimeField
from analytics_sync.infer.windows import ProposedWindow, propose_window

_MIN_RECORDS = 50  # of a field that is said to be never null
_MIN_LONG_ID = 16  # characters; a UUID has 36
_NO_CHILDREN_YET = "its pages were not asked for"


def propose(
    asker: Asker,
    place: Place,
    target: Target,
    declared: Sequence[str] = (),
    children: Sequence[str] = (),
    selector: str | None = None,
) -> list[Proposal]:
    """The proposals for a resource and its children, from the answers of its API.

    Args:
        asker: Sends the requests.
        place: Names the resource.
        target: What is asked.
        declared: Parameters of cursors that other resources of the source declare.
        children: Paths below a record that the caller names.
        selector: The place of the records, if the caller names it.

    Raises:
        CatalogError: The place that the caller names is another form of path.
        ExtractError: The API cannot be read, or shows no records.
    """
    response = asker.first()
    found = _place_of(response.body, place, selector)
    taker, first = _first_page(found, response, place.resource)
    paging = propose_paging(asker, taker, first, declared)
    window = propose_window(asker, taker, first)
    proposal = _proposal(place.resource, target, found, paging, window)
    if asker.left <= 0:
        proposal = replace(
            proposal,
            notes=[f"TODO: all {asker.asked} requests were used; --requests allows more"],
        )
    key = proposal.key.value
    keys = compile_field(key[0]).keys if isinstance(key, list) and len(key) == 1 else ()
    if len(keys) != 1:
        return [proposal]
    placeholder = f"{singular(place.resource)}_id"
    asked = find_children(asker, target.path, first.records, keys[0], placeholder, children)
    proposals, notes = [proposal], list(proposal.notes)
    for child in asked:
        if isinstance(child, str):
            notes.append(f"no child: {child}")
        else:
            parent = ProposedParent(place.resource, key[0], placeholder)
            proposals.append(_child(child, parent, values_at(first.records, keys).values))
    return [replace(proposal, notes=notes), *proposals[1:]]


def propose_from_answers(
    bodies: Sequence[Any], place: Place, selector: str | None = None
) -> Proposal:
    """The proposal for a resource, from answers that were kept in a file.

    Raises:
        CatalogError: The place that the caller names is another form of path.
        InvalidResponse: The answers show no records.
    """
    found = _place_of(bodies[0], place, selector)
    pages = []
    for body in bodies:
        _, page = _first_page(found, Response("", 200, {}, body), place.resource)
        pages.append(page)
    paging = replace(unproven_paging(pages[0]), pages=pages)
    target = Target("", f"/{place.resource}")
    proposal = _proposal(place.resource, target, found, paging, ProposedWindow(None))
    note = "TODO: the path is that of the resource's name; a file of answers does not show it"
    return replace(proposal, notes=[note])


def _place_of(body: Any, place: Place, selector: str | None) -> PlaceOfRecords:
    found = find_records(body, place.resource) if selector is None else chosen_place(selector, body)
    problem = found if isinstance(found, str) else ""
    if isinstance(found, PlaceOfRecords) and not found.records(body):
        problem = f"there are no objects at {found.choice.value}"
    if isinstance(found, str) or problem:
        raise InvalidResponse(
            place,
            f"the records were not found: {problem}.",
            "Name their place by --selector, or ask another address.",
        )
    return found


def _first_page(
    found: PlaceOfRecords, response: Response, resource: str
) -> tuple[PageTaker, AnsweredPage]:
    records = found.records(response.body) or []
    key = propose_key(records, resource, 1).value
    keys = compile_field(key[0]).keys if isinstance(key, list) else None
    taker = PageTaker(found, keys)
    page = taker.page(response)
    return taker, page if page is not None else AnsweredPage(response, [], ())


def _proposal(
    name: str, target: Target, found: PlaceOfRecords, paging: Paging, window: ProposedWindow
) -> Proposal:
    by_content = {dumps(record): record for page in paging.pages for record in page.records}
    records = list(by_content.values())
    key, key_field = propose_key(records, name, len(paging.pages)), None
    if found.kind == "map":
        key, key_field = _key_of_map(found, paging.pages)
        if key_field is not None:
            records = [
                {key_field: map_key, **record}
                for page in paging.pages
                for map_key, record in found.pairs(page.response.body)
            ]
    columns = list(_columns(records, key, window.cursor))
    return Proposal(
        name, target.path, target.params, found.choice, key, columns,
        _required(records, key, columns), paging.paginator, window.choice, paging.count_path, key_field,
    )  # fmt: skip


def _key_of_map(found: PlaceOfRecords, pages: Sequence[AnsweredPage]) -> tuple[Choice, str | None]:
    """The key of records in a map: the field that repeats the key of the map, or a field that takes it."""
    pairs = [pair for page in pages for pair in found.pairs(page.response.body)]
    names = set().union(*(record for _, record in pairs))
    for name in sorted(names):
        if all(str(record.get(name)) == key for key, record in pairs):
            return Choice([name], "the key under which the API gives the record", "proven"), None
    field = next(name for name in ("id", "key", "map_key", "record_key") if name not in names)
    return Choice([field], "the key under which the API gives the record", "proven"), field


def _columns(
    records: Sequence[Mapping[str, Any]], key: Choice, cursor: TimeField | None
) -> Iterator[ProposedColumn]:
    key_paths = key.value if isinstance(key.value, list) else []
    fields = fields_of(records)
    known = {field.path for field in fields}
    fields += [
        values_at(records, compile_field(path).keys) for path in key_paths if path not in known
    ]
    for column in propose_columns(fields, key_paths):
        if cursor is None or column.path != cursor.path:
            yield column
        elif cursor.unit is not None:
            yield replace(column, data_type="timestamp", format=cursor.unit, note="")
        else:
            yield column


def _required(
    records: Sequence[Mapping[str, Any]], key: Choice, columns: Sequence[ProposedColumn]
) -> Choice:
    typed = {column.path for column in columns if column.data_type is not None}
    own = key.value if isinstance(key.value, list) else []
    paths = [f.path for f in fields_of(records) if f.is_in_all and f.path in typed]
    paths = [path for path in paths if path not in own]
    if not paths:
        return left_open("no field beside the key has a value in each record")
    if len(records) < _MIN_RECORDS:
        named = ", ".join(paths)
        return left_open(f"never null in {counted(len(records), 'record')}, which are few: {named}")
    return Choice(paths, f"never null in {counted(len(records), 'record')}")


def _child(child: FoundChild, parent: ProposedParent, ids: Sequence[Any]) -> Proposal:
    records = [record for of_parent in child.records for record in of_parent]
    own = propose_key(records, child.name, len(child.records))
    key = _key_of_child(child, own, parent)
    kind, _ = type_of(ids, parent.field, is_key=True)
    first = ProposedColumn(parent.placeholder, kind, f"{parent.field} of {parent.resource}")
    columns = [c for c in _columns(records, own, None) if c.path != parent.placeholder]
    paginator = left_open(f"only certain links are followed; {_NO_CHILDREN_YET}")
    return Proposal(
        child.name, child.path, {}, child.place.choice, key, [first, *columns],
        _required(records, own, columns), paginator, parent=parent,
    )  # fmt: skip


def _key_of_child(child: FoundChild, own: Choice, parent: ProposedParent) -> Choice:
    """The key of a child: with that of its parent, unless its ids are long texts that no two parents share.

    A short text may be a name within the parent, such as ``main``.
    """
    if not isinstance(own.value, list):
        return own
    keys = compile_field(own.value[0]).keys
    ids = [set(map(repr, values_at(r, keys).values)) for r in child.records]
    values = [v for r in child.records for v in values_at(r, keys).values]
    is_shared = len(ids) > 1 and bool(set.intersection(*ids))
    if len(ids) > 1 and not is_shared and all(map(_is_long_text, values)):
        return own
    reason = (
        f"{own.reason}; ids of children may be numbers within their {singular(parent.resource)}"
    )
    return Choice([parent.placeholder, *own.value], reason)


def _is_long_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _MIN_LONG_ID
