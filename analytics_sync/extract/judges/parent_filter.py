"""The filter of children: does the API select the children of one parent by the query?

In: the first pages of the children of several parents. Out: an error if the API ignores the parameter that
names the parent. Many APIs ignore a parameter that they do not know. Each parent then gets the children of
all parents, with the fields that children inherit.

Two parents may have the same children. So a request for a parent that does not exist decides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Hashable, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.common.shown import shown
from analytics_sync.extract.parents import Parent
from analytics_sync.extract.rest_client.urls import placeholders
from analytics_sync.extract.result import Page
from analytics_sync.extract.row_hash import row_hash

_MAX_COMPARED = 8  # parents; an API that ignores the parameter gives the same for all of them
_STEP = 7919  # to the number of a parent that does not exist
_MAX_TRIES = 100
_MAX_CHARACTERS = 60  # of a value in a message

ReadChildren = Callable[[Parent], Generator[Page, None, None]]


class ParentFilter:
    """Compares the children of the parents of one read. Threads may share it.

    Args:
        resource: The child.
        parents: All parents.
        read: Reads the children of a parent.
        place: For messages.
    """

    def __init__(
        self, resource: Resource, parents: Iterable[Parent], read: ReadChildren, place: Place
    ) -> None:
        in_path = set(placeholders(resource.path))
        self._names = [name for name in resource.resolved if name not in in_path]
        self._own_key = [name for name in resource.primary_key if name not in resource.inherited]
        # The hash of a record without the fields of its parent; None if records have keys.
        self._inherited = tuple(resource.inherited) if resource.has_row_hash else None
        self._parents = parents
        self._read = read
        self._place = place
        # Unless a field or the hash tells the parent, a record is one row for all parents.
        is_told = bool(resource.inherited) or resource.has_row_hash
        self._settled = threading.Event()
        if not (self._names and self._own_key and is_told):
            self._settled.set()
        self._seen: dict[Hashable, Parent] = {}
        self._lock = threading.Lock()

    def add(self, parent: Parent, first_page: Page) -> None:
        """Compare the first page of a parent's children with those of other parents.

        Raises:
            ExtractError: The API ignores the parameters that name the parent.
        """
        if self._settled.is_set() or not first_page.records:
            return
        listing = self._listing(first_page)
        with self._lock:
            other = self._seen.setdefault(listing, parent)
            is_shared = self._values(other) != self._values(parent)
            if self._settled.is_set() or not is_shared:
                if len(self._seen) >= _MAX_COMPARED:
                    self._settled.set()
                return
            self._settled.set()
        nobody = self._nobody(parent)
        if nobody is not None and self._is_listing_of(nobody, listing):
            raise self._error(other, parent, nobody)

    def _listing(self, page: Page) -> Hashable:
        """The same for pages with the same records: their number, and the keys of two of them."""
        ends = (page.records[0], page.records[-1])
        if self._inherited is not None:
            without = self._inherited
            hashes = [row_hash(r, without) if isinstance(r, dict) else repr(r) for r in ends]
            return (len(page.records), *hashes)
        keys = [repr(lookup(record, name)) for record in ends for name in self._own_key]
        return (len(page.records), *keys) if repr(MISSING) not in keys else object()

    def _values(self, parent: Parent) -> dict[str, object]:
        """The values in the query."""
        values = dict(parent.params)
        return {name: values[name] for name in self._names}

    def _nobody(self, parent: Parent) -> Parent | None:
        """A parent that does not exist; None if no value for it is found."""
        others: dict[str, object] = {}
        for name, value in self._values(parent).items():
            known = {str(self._values(each)[name]) for each in self._parents}
            unknown = next((v for v in _like(value) if str(v) not in known), None)
            if unknown is None:
                return None
            others[name] = unknown
        return replace(
            parent, params=tuple((name, others.get(name, v)) for name, v in parent.params)
        )

    def _is_listing_of(self, nobody: Parent, listing: Hashable) -> bool:
        try:
            with closing(self._read(nobody)) as pages:
                page = next(pages, None)
        except ExtractError:  # the API knows that there is no such parent
            return False
        return page is not None and bool(page.records) and self._listing(page) == listing

    def _error(self, one: Parent, other: Parent, nobody: Parent) -> ExtractError:
        first, second, third = (self._shown(parent) for parent in (one, other, nobody))
        return ExtractError(
            self._place,
            f"the API gives the same records for {first}, {second} and {third}, which is no "
            f"parent: it ignores {' and '.join(self._names)}, so the records would get the fields of "
            "wrong parents.",
            "Correct the name of the parameter in endpoint.params, or the path. Without "
            "include_from_parent, the records are read as they are.",
        )

    def _shown(self, parent: Parent) -> str:
        values = self._values(parent).items()
        return ", ".join(f"{n}={shown(v, _MAX_CHARACTERS)}" for n, v in values)


def _like(value: object) -> Iterable[Any]:
    """Values that look like a value, and that nobody should have."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        kind = type(value)
        return (kind(int(value) + _STEP * n) for n in range(1, _MAX_TRIES))
    text = str(value)
    return (text[n:] + text[:n] for n in range(1, min(len(text), _MAX_TRIES)))
