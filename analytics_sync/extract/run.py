"""The read run: all resources of one source, read once.

In: the source, the selected assets, a window. Out: for each resource its ``ReadResult`` or its
error. Resources are read concurrently. A parent is read once, however many children it has. When a
resource fails, only its own children fail with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.gc_tuning import infrequent_gc
from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.stopping import Stop
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.collector import Consumer
from analytics_sync.extract.convert.inferred_types import ExistingTable
from analytics_sync.extract.journal.journal import Journals
from analytics_sync.extract.judges.finished_read import judge_parent
from analytics_sync.extract.parents import ParentValues
from analytics_sync.extract.progress import RunProgress
from analytics_sync.extract.resource_reader import ResourceReader
from analytics_sync.extract.rest_client.account import Account
from analytics_sync.extract.rest_client.call import ExchangeListener
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.result import ReadResult


class ReadRun:
    """Reads the selected resources of a source. Use it as a context manager.

    Args:
        source: The declaration.
        window: The window of windowed resources; None reads everything.
        only: Names of the assets to read; None reads all.
        resume: Whether to use the pages that an earlier run has read but not loaded.
        sleep: Waits for some seconds; None waits until the run is stopped at most. Tests replace it.
        stop: Set when the run must end now; None for a flag of its own.
        progress: Told of what the run does; None for one that nobody looks at.
        page_limit: For a trial, the largest number of pages of each resource; None reads all pages. A
            trial uses and leaves no journal.
        on_response: Told of each response, from several threads; None tells nobody.

    Raises:
        MissingSetting: The base URL or a credential is not set.
    """

    def __init__(
        self,
        source: Source,
        window: Window | None = None,
        only: Iterable[str] | None = None,
        *,
        resume: bool = True,
        sleep: Callable[[float], None] | None = None,
        stop: Stop | None = None,
        progress: RunProgress | None = None,
        page_limit: int | None = None,
        on_response: ExchangeListener | None = None,
    ) -> None:
        self.source = source
        self.stop = stop or Stop()
        self.progress = progress or RunProgress()
        self.page_limit = page_limit
        resume = resume and page_limit is None
        self.window = window
        wanted = {r.name for r in source.assets} if only is None else set(only)
        # Parents first: Dagster expects materializations in this order.
        self.resources = tuple(
            sorted(
                (r for r in source.assets if r.name in wanted),
                key=lambda r: len(list(source.ancestors(r))),
            )
        )
        settings = Settings(source)
        self._session = Session(
            settings, sleep=sleep, progress=self.progress, on_response=on_response
        )
        self.redact = self._session.redact
        self.account = Account(settings, self._session.base_url, self.redact.data_text)
        self._folder = LockedTempFolder("analytics-sync-read-")
        # Twice as many threads as connections: a series that waits for its turn holds no connection.
        connections = source.client.max_connections
        self._resource_pool = ThreadPoolExecutor(connections, thread_name_prefix="resource")
        self._series_pool = ThreadPoolExecutor(2 * connections, thread_name_prefix="series")
        self._prefetch_pool = ThreadPoolExecutor(connections, thread_name_prefix="prefetch")
        self._buffers = TableBuffers(self._folder.path)
        self._journals = Journals(self._session, source.client.resume_within if resume else 0)
        self._reader = ResourceReader(
            self._session,
            settings,
            self._series_pool,
            self._prefetch_pool,
            self._buffers,
            self._journals,
            self.stop,
            self.progress,
            page_limit,
        )
        self._contexts = ExitStack()
        self._lock = threading.Lock()
        self._reads: dict[tuple[str, bool], Future[_Outcome]] = {}
        self._results: dict[str, Future[_Outcome]] = {}
        self._is_started = False
        self.tables: Mapping[str, ExistingTable] = {}
        """The tables as they were before the load, as ``start`` was given them."""

    def __enter__(self) -> ReadRun:
        self._contexts.enter_context(infrequent_gc())
        self._contexts.enter_context(self.redact.in_logs())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # what is still being read is of no use
            self.stop.set()
        for pool in (self._resource_pool, self._series_pool, self._prefetch_pool):
            pool.shutdown(wait=True, cancel_futures=True)
        self._buffers.close()
        self._session.close()
        self._journals.close()
        self._folder.close()
        self._contexts.close()

    def start(self, tables: Mapping[str, ExistingTable] | None = None) -> None:
        """Start to read all resources. Later calls do nothing.

        Args:
            tables: The tables by name, as the warehouse has them. They count for resources that
                declare no columns. None when no table exists yet.
        """
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
            self.tables = tables or {}
            for resource in self.resources:
                if resource.name in self._results:  # it has failed already
                    continue
                self._results[resource.name] = self._resource_pool.submit(
                    self._outcome, resource, True
                )

    @property
    def windows(self) -> dict[str, Window]:
        """The window of each windowed resource; empty if the run has no window."""
        if self.window is None:
            return {}
        return {r.name: self.window for r in self.resources if self.source.windowed(r)}

    def result(self, name: str) -> ReadResult:
        """The finished read of a resource; waits for it.

        Raises:
            ExtractError: The resource could not be read.
        """
        self.start()
        return self._results[name].result().result

    def fail(self, name: str, error: Exception) -> None:
        """Turn the read of a resource into a failure: it must not be read, or its rows not loaded."""
        failed: Future[_Outcome] = Future()
        failed.set_exception(error)
        self._results[name] = failed

    def failures(self) -> dict[str, Exception]:
        """The resources that could not be read or loaded; waits for all."""
        self.start()
        failed = {}
        for name, future in self._results.items():
            error = future.exception()
            if isinstance(error, Exception):
                failed[name] = error
            elif error is not None:
                raise error
        return failed

    def resources_to_read(self) -> list[Resource]:
        """The resources of the run, each after the parents that are read for it."""
        found: dict[str, Resource] = {}
        for resource in self.resources:
            chain = [resource]
            while chain[-1].parent is not None and self._reader.configured(chain[-1]) is None:
                chain.append(self.source.resources[chain[-1].parent])
            found = {**found, **{r.name: r for r in reversed(chain) if r.name not in found}}
        return list(found.values())

    def first_request(self, resource: Resource) -> str:
        """The first request of a resource as text, with secrets masked. Nothing is sent.

        Raises:
            ExtractError: No request can be made, as without a setting of the path.
        """
        children = [r for r in self.resources if r.parent == resource.name]
        is_windowed = resource in self.resources or any(
            self._is_parent_windowed(resource, child) for child in children
        )
        return self._reader.first_request(resource, self.window if is_windowed else None)

    def loaded(self) -> None:
        """Delete the journals, because the rows are in the warehouse.

        A resource that failed keeps its journal, and so do the parents that were read only for it.
        """
        failed = [self.source.resources[name] for name in self.failures()]
        selected = {r.name for r in self.resources}
        only_for_failed = {a.name for r in failed for a in self.source.ancestors(r)} - selected
        self._journals.discard(unless={r.name for r in failed} | only_for_failed)

    def _outcome(self, resource: Resource, windowed: bool) -> _Outcome:
        """The read of ``resource``: the first caller reads, all other callers wait."""
        key = (resource.name, windowed or self.window is None)
        with self._lock:
            future = self._reads.get(key)
            is_first = future is None
            if future is None:
                future = self._reads[key] = Future()
        if is_first:
            try:
                future.set_result(self._read(resource, windowed))
            except BaseException as e:
                future.set_exception(e)
        return future.result()

    def _read(self, resource: Resource, windowed: bool) -> _Outcome:
        window = self.window if windowed else None
        parent = self._parent_outcome(resource, window)
        parents = parent.values[resource.name] if parent is not None else None
        consumers = {
            child.name: Consumer(ParentValues(child, resource), windowed=child.incremental is None)
            for child in self.source.resources.values()
            if child.parent == resource.name
        }
        table = self.tables.get(resource.table)
        try:
            result = self._reader.read(resource, window, parents, list(consumers.values()), table)
        except ExtractError:
            raise
        except OSError as e:
            raise ExtractError(
                Place(resource.source, resource.name, window),
                f"the records could not be kept on disk: {self.redact(str(e))}.",
                "Make room in the folder for temporary files, or set TMPDIR, then run again.",
            ) from e
        except RecursionError as e:
            raise ExtractError(
                Place(resource.source, resource.name, window),
                "a record is nested too deep to be written as JSON.",
                "Look at the API's answer, or report it to the API.",
            ) from e
        except Exception as e:  # a bug in this package must not fail the other resources
            raise ExtractError(
                Place(resource.source, resource.name, window),
                f"unexpected {type(e).__name__}: {self.redact(str(e))}.",
                "This is a bug in analytics_sync; please report it with the traceback below.\n"
                + self.redact.trace(e),
            ) from None  # the original error may hold a secret
        if parent is not None and self.page_limit is None:
            judge_parent(parent.result, result, Place(resource.source, resource.name, window))
        return _Outcome(result, {name: c.values for name, c in consumers.items()})

    def _parent_outcome(self, resource: Resource, window: Window | None) -> _Outcome | None:
        """The finished read of the parent; None without one, or when settings take its place.

        Raises:
            ExtractError: The parent could not be read.
        """
        if resource.parent is None or self._reader.configured(resource) is not None:
            return None
        parent = self.source.resources[resource.parent]
        try:
            return self._outcome(parent, self._is_parent_windowed(parent, resource))
        except ExtractError as e:
            raise ExtractError(
                Place(resource.source, resource.name, window),
                f"its parent {parent.name} could not be read: {e.happened}",
                e.advice,
            ) from e

    def _is_parent_windowed(self, parent: Resource, child: Resource) -> bool:
        """Whether the windowed read of the parent serves the child.

        A child with a cursor of its own needs all parents. If the API does not filter the parent's
        listing, the windowed read lists all parents anyway.
        """
        if child.incremental is None:
            return True
        incremental = parent.incremental
        is_filtered = incremental is not None and (
            incremental.start_param or incremental.end_param or incremental.row_order
        )
        return not is_filtered and self.source.window_owner(parent) in (parent, None)


@dataclass(frozen=True)
class _Outcome:
    """The finished read of a resource, and the values that each of its children needs."""

    result: ReadResult
    values: Mapping[str, ParentValues]
