"""The resource reader: one resource, from its first page to its last.

In: the declaration, a window, the parents' values. Out: a ``ReadResult``: a buffer of tables, the
rejected records, and the cost; or an error, and then none of its tables is used. The children of many
parents and the slices of a window are read concurrently.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import (
    ConnectionFailed,
    ExtractError,
    HttpStatusError,
    Place,
)
from analytics_sync.common.stopping import Stop
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.children import Children
from analytics_sync.extract.collector import Consumer, PageCollector
from analytics_sync.extract.concurrency import Job, run_concurrently
from analytics_sync.extract.convert.cursor import CursorReader
from analytics_sync.extract.convert.inferred_types import ExistingTable
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.journal.journal import Journals
from analytics_sync.extract.judges.finished_read import judge_records, judge_shortfall
from analytics_sync.extract.page_reader import PageReader
from analytics_sync.extract.parents import Parent, ParentValues, named_parent
from analytics_sync.extract.processing import Processing
from analytics_sync.extract.progress import RunProgress
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.result import Page, ReadResult
from analytics_sync.extract.trial import PageLimit
from analytics_sync.extract.windows.incremental import with_lag
from analytics_sync.extract.windows.slicer import Slicer

_MAX_QUEUED_SERIES = 64  # per resource, because all resources of a run share the threads


class ResourceReader:
    """Reads resources of one source.

    Args:
        session: Sends the requests.
        settings: Values of parameters that come from settings.
        series_pool: Threads for request series.
        prefetch_pool: Threads for prefetched requests.
        buffers: Makes the table buffers.
        journals: The pages that earlier runs have kept.
        stop: Set when the run must end now.
        progress: Told of each resource that is read.
        max_pages: The pages of each resource in a trial; None for a usual read.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        series_pool: Executor,
        prefetch_pool: Executor,
        buffers: TableBuffers,
        journals: Journals,
        stop: Stop,
        progress: RunProgress,
        max_pages: int | None = None,
    ) -> None:
        self._session = session
        self._settings = settings
        self._series_pool = series_pool
        self._prefetch_pool = prefetch_pool
        self._buffers = buffers
        self._journals = journals
        self._stop = stop
        self._progress = progress
        self._max_pages = max_pages

    def read(
        self,
        resource: Resource,
        window: Window | None,
        parents: ParentValues | None,
        consumers: Sequence[Consumer] = (),
        table: ExistingTable | None = None,
    ) -> ReadResult:
        """Read all records that ``resource`` has in ``window``.

        Args:
            resource: The resource to read.
            window: None for everything.
            parents: The values of a child's parents; None when the resource is no child, or when
                settings take the place of its parents.
            consumers: Children that need the records.
            table: The table as it is before the load. It counts where the resource declares no
                columns. None without one.

        Raises:
            ExtractError: Of any kind; the resource then counts as not read.
            Stopped: The run is being stopped; the journal stays for the next run.
        """
        start = time.monotonic()
        result = ReadResult(resource)
        place = Place(resource.source, resource.name, window)
        window = with_lag(resource, window)
        journal = self._journals.open(resource, window)
        deadline = Deadline.after(self._session.max_seconds, stop=self._stop)
        limit = PageLimit(self._max_pages) if self._max_pages is not None else None
        processing = Processing(resource, place, self._session.redact)
        context = ReadContext(resource, window, place, result, journal, deadline, processing, limit)
        collector = self._collector(context, consumers, table or ExistingTable())
        reader = PageReader(context, self._session, self._settings, self._prefetch_pool)
        reading = self._progress.begin(place, result, len(parents) if parents is not None else None)
        try:
            self._read_pages(context, reader, parents, collector)
            if limit is None:
                reader.finish()
                judge_shortfall(context)
        except (HttpStatusError, ConnectionFailed):
            raise
        except ExtractError:  # the kept pages are in doubt: a later run must request all again
            journal.discard()
            raise
        finally:
            self._progress.end(reading)
        collector.close()
        if limit is None:
            judge_records(context)
        else:
            result.proven_complete, result.reported_total = False, None
            result.findings.add(COMPLETE, limit.finding)
        result.pages_kept = journal.reused
        result.seconds = time.monotonic() - start
        return result

    def _collector(
        self, context: ReadContext, consumers: Sequence[Consumer], table: ExistingTable
    ) -> PageCollector:
        return PageCollector(
            context.resource,
            context.window,
            context.result,
            consumers,
            self._buffers,
            table,
            self._session.redact,
            partial(context.deadline.check, context.place),
        )

    def first_request(self, resource: Resource, window: Window | None) -> str:
        """The first request of a resource as text. Fields of its parent have names in place of values.

        Raises:
            ExtractError: No request can be made.
        """
        place = Place(resource.source, resource.name, window)
        window = with_lag(resource, window)
        journal = self._journals.open(resource, window)
        deadline = Deadline.after(self._session.max_seconds, stop=self._stop)
        processing = Processing(resource, place, self._session.redact)
        result = ReadResult(resource)
        context = ReadContext(resource, window, place, result, journal, deadline, processing)
        reader = PageReader(context, self._session, self._settings, self._prefetch_pool)
        parent = self.configured(resource) if resource.parent else None
        return reader.first_request(parent or named_parent(resource))

    def configured(self, resource: Resource) -> Parent | None:
        """The parent values that settings give; None unless settings give all of them."""
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

    def _read_pages(
        self,
        context: ReadContext,
        reader: PageReader,
        parents: ParentValues | None,
        collector: PageCollector,
    ) -> None:
        """Read all pages: of the children of each parent, or of the one listing."""
        if parents is not None:
            children = Children(context, reader, parents)
            self._run(children.next_job, collector, in_order=True)
            children.judge()
            return
        configured = self.configured(context.resource) if context.resource.parent else None
        self._run(self._jobs(context, reader, configured), collector, in_order=False)
        if configured is not None:
            context.result.parents_read.add(configured.key)

    def _run(
        self,
        next_job: Callable[[bool], Job[Page] | None],
        collector: PageCollector,
        *,
        in_order: bool,
    ) -> None:
        run_concurrently(
            self._series_pool, _MAX_QUEUED_SERIES, next_job, collector.add, in_order=in_order
        )

    def _jobs(
        self, context: ReadContext, reader: PageReader, parent: Parent | None
    ) -> Callable[[bool], Job[Page] | None]:
        """The jobs that read a resource without parents, or the children of one parent."""
        resource, window = context.resource, context.window
        incremental = resource.incremental if resource.cursor else None
        if incremental is None or window is None or context.page_limit is not None:
            jobs = iter([lambda: reader.pages(parent, window)])
            return lambda _: next(jobs, None)
        return Slicer(
            incremental,
            window,
            lambda slice_, ignore: reader.pages(parent, slice_, ignore_journal=ignore),
            self._session.max_concurrent_requests,
            CursorReader(resource),
            context.journal.will_be_long,
        ).next_job
