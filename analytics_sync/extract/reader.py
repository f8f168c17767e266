"""One resource, read from its first to its last page.

In: the declaration, a window, the parents' values. Out: a ``Reading``: a spool of tables, the
rejected records, and what it cost; or an error, and then nothing else of it is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics_sync.extract.columns import Converter
from analytics_sync.extract.errors import (
    HttpError,
    NoProgress,
    Place,
    ReadError,
    Unreachable,
    printable,
)
from analytics_sync.extract.journal import Journal, Journals
from analytics_sync.extract.jsonpath import lookup
from analytics_sync.extract.pagination import Step, Walk, whole_number
from analytics_sync.extract.parents import Parent, ParentValues, inherit
from analytics_sync.extract.reading import Consumer, Page, Reading, Sink
from analytics_sync.extract.selector import select
from analytics_sync.extract.session import Answer, Session
from analytics_sync.extract.settings import Settings
from analytics_sync.extract.url import fill_path, join, placeholders, refuse_strange, slashes
from analytics_sync.extract.window import Window, requests_for
from analytics_sync.spec import Resource
from analytics_sync.spec.file import DataType

_CHILD_GONE = frozenset({403, 404})


@dataclass(frozen=True)
class _Errand:
    """One reading on its way: what, which part of it, and where things are taken down."""

    resource: Resource
    window: Window | None
    place: Place
    reading: Reading
    journal: Journal
    deadline: float


class Reader:
    """Reads resources of one source.

    Args:
        session: HTTP.
        settings: For setting-bound parameters.
        pool: For the requests of children.
        folder: For spools.
        journals: What earlier runs have read.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        pool: ThreadPoolExecutor,
        folder: Path,
        journals: Journals,
    ) -> None:
        self._session = session
        self._settings = settings
        self._pool = pool
        self._folder = folder
        self._journals = journals

    def read(
        self,
        resource: Resource,
        window: Window | None,
        parents: ParentValues | None,
        consumers: Sequence[Consumer] = (),
        known: Mapping[str, DataType] | None = None,
    ) -> Reading:
        """Read everything ``resource`` has in ``window``.

        Args:
            resource: What to read.
            window: None for everything.
            parents: Of a child that is walked; None otherwise.
            consumers: Children to tell about the records.
            known: Types of columns that the table has already, where none are declared.

        Raises:
            ReadError: Of any kind; the resource then counts as not read.
        """
        start = time.monotonic()
        reading = Reading(resource)
        journal = self._journals.open(resource, window)
        place = Place(resource.source, resource.name, window)
        deadline = start + self._session.max_seconds
        errand = _Errand(resource, window, place, reading, journal, deadline)
        sink = Sink(resource, window, reading, consumers, self._folder, known or {})
        try:
            if parents is None:
                configured = self.configured(resource) if resource.parent else None
                for page in self._pages(errand, configured):
                    sink.add(page)
            else:
                reading.children = len(parents)
                reading.parents_without = parents.skipped
                self._read_children(errand, parents, sink)
        except (HttpError, Unreachable):
            raise
        except ReadError:  # what was read is in doubt: a later run shall ask for all of it
            journal.discard()
            raise
        sink.close()
        reading.pages_kept = journal.kept
        reading.seconds = time.monotonic() - start
        return reading

    def configured(self, resource: Resource) -> Parent | None:
        """The values that settings give in place of a walk; None unless they give all of them."""
        resolved = resource.resolved
        values: dict[str, object] = {}
        for name, param in resolved.items():
            value = self._settings.get(param.config) if param.config else None
            if value is None:
                return None
            values[name] = value
        by_field = {param.field: values[name] for name, param in resolved.items()}
        inherited = {n: by_field[f] for n, f in resource.inherited.items() if f in by_field}
        return Parent(tuple(values.items()), tuple(inherited.items()))

    def _read_children(self, errand: _Errand, parents: Iterable[Parent], sink: Sink) -> None:
        resource, reading = errand.resource, errand.reading

        def one(parent: Parent) -> list[Page] | HttpError:
            pages: list[Page] = []
            try:
                for page in self._pages(errand, parent):
                    pages.append(page)  # noqa: PERF402 - what came before an error counts
            except HttpError as e:
                # later pages that are gone are no child that is gone: a part would be missing
                if not pages and e.status in _CHILD_GONE | resource.ignored_statuses:
                    return e
                raise
            return pages

        refused: HttpError | None = None
        answered = False
        for parent, pages in _in_order(self._pool, one, parents):
            if isinstance(pages, HttpError):
                named = ", ".join(f"{name}={value}" for name, value in parent.params)
                reading.skipped.append(printable(f"{named}: {pages.status}"))
                refused = pages if pages.status in _CHILD_GONE else refused
                answered = answered or pages.status in resource.ignored_statuses
                continue
            answered = True
            for page in pages:
                sink.add(page)
        if refused is not None and not answered:
            raise HttpError(
                errand.place,
                f"all {reading.children} children answered {refused.status}, "
                f"the last: {refused.happened}",
                refused.advice,
                status=refused.status,
            )

    def _pages(self, errand: _Errand, parent: Parent | None) -> Iterator[Page]:
        """The records of each page of one walk, or of one walk a month where the API wants that."""
        resource, window, redact = errand.resource, errand.window, self._session.redact
        own = resource.incremental if resource.cursor else None
        params = self._params(resource, parent)
        inside = set(placeholders(resource.path))
        values = {n: params[n] for n in inside}
        path = fill_path(resource.path, values, slashes(resource), errand.place, redact)
        url = join(self._session.base_url, path)
        query = {n: v for n, v in params.items() if n not in inside}
        given = {n: v for n, v in query.items() if n in resource.resolved or n in resource.settings}
        refuse_strange(given, errand.place, redact)
        walks: list[dict[str, object]] = requests_for(own, window) if own and window else [{}]
        for bounds in walks:
            yield from self._walk(errand, url, {**query, **bounds}, parent)

    def _walk(
        self, errand: _Errand, url: str, query: dict[str, object], parent: Parent | None
    ) -> Iterator[Page]:
        resource, window = errand.resource, errand.window
        place, reading = errand.place, errand.reading
        redact = self._session.redact
        walk = Walk(resource.paginator, place, redact)
        order = resource.incremental.row_order if resource.incremental else None
        converter = Converter(resource) if order and window else None
        step = walk.first()
        told: int | None = None
        got = 0

        def fetch(step: Step) -> Answer:
            return self._session.get(
                step.link or url,
                {} if step.link else {**query, **step.params},
                place=place,
                policy=resource.error_handler,
                counters=reading.counters,
                headers=resource.headers,
                deadline=errand.deadline,
            )

        def records_of(answer: Answer) -> list[Any]:
            return select(answer.body, resource, place, f"GET {redact(answer.url)}", redact)

        kept = errand.journal.walk(url, query)
        kept.still_true(
            lambda step: _unless_refused(fetch, step),
            lambda a, b: _keys(resource, records_of(a)) == _keys(resource, records_of(b)),
        )
        for number in range(self._session.max_pages):
            answer = kept.get(number, step)
            is_new = answer is None
            if answer is None:
                try:
                    answer = fetch(step)
                except HttpError as e:
                    if reading.children is None and e.status in resource.ignored_statuses:
                        reading.ended(f"status {e.status}, ignored", told, got, whole=False)
                        return
                    raise
            records = records_of(answer)
            turn = walk.turn(answer, records)
            if is_new:  # and known to be a page
                kept.add(number, step, answer)
            if number == 0 and resource.count_path is not None:
                told = whole_number(answer.body, resource.count_path)
            if turn.keep:
                got += len(records)
                with reading.counters.lock:
                    reading.pages += 1
                own = inherit(records, parent) if parent is not None else records
                yield Page(own, answer.at)
            if turn.step is None:
                kept.end()
                reading.ended(turn.end, told, got, whole=turn.whole)
                return
            if converter and window and converter.beyond(records, window, order == "desc"):
                kept.end()
                reading.ended("the window's edge", None, got, whole=True)
                return
            step = turn.step
        raise NoProgress(
            place,
            f"more than {self._session.max_pages:,} pages.",
            "If there really are that many, raise client.max_pages.",
        )

    def _params(self, resource: Resource, parent: Parent | None) -> dict[str, object]:
        params: dict[str, object] = {}
        from_parent = dict(parent.params) if parent else {}
        for name, declared in resource.params.items():
            if name in resource.settings:
                params[name] = self._settings.param(
                    resource.settings[name], f"{resource.name}: parameter {name}"
                )
            else:
                params[name] = from_parent.get(
                    name, None if name in resource.resolved else declared
                )
        return params


def _unless_refused(fetch: Callable[[Step], Answer], step: Step) -> Answer | None:
    """None when the API does not take that request any more: cursors expire."""
    try:
        return fetch(step)
    except HttpError as e:
        if 400 <= e.status < 500 and e.status not in {401, 403, 429}:
            return None
        raise


def _keys(resource: Resource, records: list[Any]) -> list[list[Any]]:
    """What tells the records of a page apart, in their order."""
    return [[lookup(record, path) for path in resource.primary_key] for record in records]


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Parent], Any], parents: Iterable[Parent]
) -> Iterator[tuple[Parent, Any]]:
    """Run ``work`` for all parents side by side, a bounded number ahead, results in order."""
    running: list[tuple[Parent, Future[Any]]] = []
    try:
        for parent in parents:
            running.append((parent, pool.submit(work, parent)))
            if len(running) > 64:
                first, future = running.pop(0)
                yield first, future.result()
        while running:
            first, future = running.pop(0)
            yield first, future.result()
    finally:
        for _, future in running:
            future.cancel()
