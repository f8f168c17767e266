"""One resource, read from its first to its last page.

In: the declaration, a window, the parents' values. Out: a ``ReadResult``: a spool of tables, the
rejected records, and what it cost; or an error, and then nothing else of it is used. Walks over children
and over parts of a window go on side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor

from analytics_sync.catalog import Resource
from analytics_sync.catalog.models import DataType
from analytics_sync.common.errors import (
    ConnectionFailed,
    ExtractError,
    HttpStatusError,
    Place,
    printable,
)
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.collector import Consumer, PageCollector
from analytics_sync.extract.concurrency import Job, run_concurrently
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.journal import Journals
from analytics_sync.extract.page_reader import PageReader, ReadContext
from analytics_sync.extract.parents import Parent, ParentValues
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.result import Page, ReadResult
from analytics_sync.extract.slicer import Slicer

_CHILD_GONE = frozenset({403, 404})
_AT_ONCE = 64  # walks that are handed to the threads that all resources share


class ResourceReader:
    """Reads resources of one source.

    Args:
        session: HTTP.
        settings: For setting-bound parameters.
        walkers: Threads for walks.
        ahead: Threads for requests ahead of their turn.
        spools: Where what is read waits.
        journals: What earlier runs have read.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        walkers: Executor,
        ahead: Executor,
        buffers: TableBuffers,
        journals: Journals,
    ) -> None:
        self._session = session
        self._settings = settings
        self._walkers = walkers
        self._ahead = ahead
        self._buffers = buffers
        self._journals = journals

    def read(
        self,
        resource: Resource,
        window: Window | None,
        parents: ParentValues | None,
        consumers: Sequence[Consumer] = (),
        existing_types: Mapping[str, DataType] | None = None,
    ) -> ReadResult:
        """Read everything ``resource`` has in ``window``.

        Args:
            resource: What to read.
            window: None for everything.
            parents: Of a child that is walked; None otherwise.
            consumers: Children to tell about the records.
            known: Types of columns that the table has already, where none are declared.

        Raises:
            ExtractError: Of any kind; the resource then counts as not read.
        """
        start = time.monotonic()
        result = ReadResult(resource)
        journal = self._journals.open(resource, window)
        place = Place(resource.source, resource.name, window)
        deadline = start + self._session.max_seconds
        context = ReadContext(resource, window, place, result, journal, deadline)
        sink = PageCollector(
            resource, window, result, consumers, self._buffers, existing_types or {}
        )
        walks = PageReader(context, self._session, self._settings, self._ahead)
        try:
            if parents is not None:
                children = _Children(context, walks, parents)
                self._gather(children.next_job, sink, in_order=True)
                children.judge()
            else:
                configured = self.configured(resource) if resource.parent else None
                self._gather(self._whole(context, walks, configured), sink, in_order=False)
        except (HttpStatusError, ConnectionFailed):
            raise
        except ExtractError:  # what was read is in doubt: a later run shall ask for all of it
            journal.discard()
            raise
        sink.close()
        result.pages_kept = journal.kept
        result.seconds = time.monotonic() - start
        return result

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

    def _gather(
        self, next_job: Callable[[bool], Job[Page] | None], sink: PageCollector, *, in_order: bool
    ) -> None:
        run_concurrently(self._walkers, _AT_ONCE, next_job, sink.add, in_order=in_order)

    def _whole(
        self, context: ReadContext, walks: PageReader, parent: Parent | None
    ) -> Callable[[bool], Job[Page] | None]:
        """The jobs that read all of a resource that is nobody's child, or one parent's children."""
        resource, window = context.resource, context.window
        own = resource.incremental if resource.cursor else None
        if own is None or window is None:
            jobs = iter([lambda: walks.pages(parent, window)])
            return lambda _: next(jobs, None)
        return Slicer(
            own,
            window,
            lambda part, ignore_journal: walks.pages(parent, part, ignore_journal=ignore_journal),
            self._session.at_once,
            Converter(resource).span,
            context.journal.will_be_long,
        ).next_job


class _Children:
    """The children of many parents: a job for each, and what became of them."""

    def __init__(self, context: ReadContext, walks: PageReader, parents: ParentValues) -> None:
        self._context = context
        self._walks = walks
        self._waiting = enumerate(parents)
        self._refused: dict[int, tuple[Parent, HttpStatusError]] = {}
        self._count = context.result.children = len(parents)
        context.result.parents_without = parents.skipped

    def next_job(self, _: bool) -> Job[Page] | None:
        """Read the next parent's."""
        found = next(self._waiting, None)
        return (lambda: self._read(*found)) if found else None

    def _read(self, number: int, parent: Parent) -> Iterator[Page]:
        first = True
        try:
            for page in self._walks.pages(parent, self._context.window):
                first = False
                yield page
        except HttpStatusError as e:
            # later pages that are gone are no child that is gone: a part would be missing
            if not first or e.status not in _CHILD_GONE | self._context.resource.ignored_statuses:
                raise
            self._refused[number] = parent, e

    def judge(self) -> None:
        """Note the children that were refused.

        Raises:
            HttpStatusError: All of them were.
        """
        context = self._context
        refused = [self._refused[number] for number in sorted(self._refused)]
        for parent, error in refused:
            named = ", ".join(f"{name}={value}" for name, value in parent.params)
            context.result.skipped.append(printable(f"{named}: {error.status}"))
        ignored = context.resource.ignored_statuses
        answered = len(refused) < self._count or any(e.status in ignored for _, e in refused)
        if refused and not answered:
            _, last = refused[-1]
            raise HttpStatusError(
                context.place,
                f"all {self._count} children answered {last.status}, the last: {last.happened}",
                last.advice,
                status=last.status,
            )
