"""All the reading of one source in one run.

In: the source, the assets asked for, a window. Out: for each resource its ``ReadResult`` or its
error. Resources are read side by side, a parent once however many children it has, and one that
fails takes only its own children with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.models import DataType
from analytics_sync.common.errors import ExtractError, Place
from analytics_sync.common.gc_tuning import infrequent_gc
from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffers
from analytics_sync.extract.collector import Consumer
from analytics_sync.extract.journal import Journals
from analytics_sync.extract.parents import ParentValues
from analytics_sync.extract.resource_reader import ResourceReader
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.result import ReadResult


class ReadRun:
    """Reads the selected resources of a source; use it as a context manager.

    Args:
        source: The declaration.
        window: For windowed resources; None reads everything.
        only: Names of the assets to read; all when None.
        go_on: Whether a read that an earlier run did not bring to its load goes on where it was.
        sleep: Replaced in tests.

    Raises:
        MissingSetting: The base URL or a credential is not set.
    """

    def __init__(
        self,
        source: Source,
        window: Window | None = None,
        only: Iterable[str] | None = None,
        *,
        go_on: bool = True,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.source = source
        self.window = window
        wanted = {r.name for r in source.assets} if only is None else set(only)
        # parents first: Dagster wants materializations in that order
        self.resources = tuple(
            sorted(
                (r for r in source.assets if r.name in wanted),
                key=lambda r: len(list(source.ancestors(r))),
            )
        )
        settings = Settings(source)
        self._session = Session(settings, sleep=sleep)
        self.redact = self._session.redact
        self._folder = LockedTempFolder("analytics-sync-read-")
        # connections are what is limited; a walk that waits to be heard of has none
        connections = source.client.max_connections
        self._side_by_side = ThreadPoolExecutor(connections, thread_name_prefix="resource")
        self._walkers = ThreadPoolExecutor(2 * connections, thread_name_prefix="walk")
        self._ahead = ThreadPoolExecutor(connections, thread_name_prefix="ahead")
        self._buffers = TableBuffers(self._folder.path)
        self._journals = Journals(self._session, source.client.resume_within if go_on else 0)
        self._reader = ResourceReader(
            self._session,
            settings,
            self._walkers,
            self._ahead,
            self._buffers,
            self._journals,
        )
        self._calm = ExitStack()
        self._lock = threading.Lock()
        self._started: dict[tuple[str, bool], Future[_Outcome]] = {}
        self._results: dict[str, Future[_Outcome]] = {}
        self.known_types: Mapping[str, Mapping[str, DataType]] = {}
        """Table -> column -> type, as the warehouse has them; for resources that declare none."""

    def __enter__(self) -> ReadRun:
        self._calm.enter_context(infrequent_gc())
        self._calm.enter_context(self.redact.in_logs())
        return self

    def __exit__(self, *_: object) -> None:
        self._side_by_side.shutdown(wait=True, cancel_futures=True)
        self._walkers.shutdown(wait=True, cancel_futures=True)
        self._ahead.shutdown(wait=True, cancel_futures=True)
        self._buffers.close()
        self._session.close()
        self._journals.close()
        self._folder.close()
        self._calm.close()

    def start(self) -> None:
        """Begin reading all resources, if that has not happened yet."""
        with self._lock:
            for resource in self.resources:
                if resource.name not in self._results:
                    self._results[resource.name] = self._side_by_side.submit(
                        self._outcome, resource, True
                    )

    def result(self, name: str) -> ReadResult:
        """The finished reading of a resource; waits for it.

        Raises:
            ExtractError: It could not be read.
        """
        self.start()
        return self._results[name].result().result

    def failures(self) -> dict[str, Exception]:
        """The resources that could not be read; waits for all."""
        self.start()
        failed = {}
        for name, future in self._results.items():
            error = future.exception()
            if isinstance(error, Exception):
                failed[name] = error
            elif error is not None:
                raise error
        return failed

    def loaded(self) -> None:
        """What was read is in the warehouse: a later run need not be told of it.

        Of a resource that failed, and of what was read only for its sake, the pages stay.
        """
        failed = [self.source.resources[name] for name in self.failures()]
        wanted = {r.name for r in self.resources}
        only_for_it = {a.name for r in failed for a in self.source.ancestors(r)} - wanted
        self._journals.discard(unless={r.name for r in failed} | only_for_it)

    def _outcome(self, resource: Resource, windowed: bool) -> _Outcome:
        """The reading of ``resource``: whoever asks first reads, everybody else waits."""
        key = (resource.name, windowed or self.window is None)
        with self._lock:
            future = self._started.get(key)
            mine = future is None
            if future is None:
                future = self._started[key] = Future()
        if mine:
            try:
                future.set_result(self._read(resource, windowed))
            except BaseException as e:
                future.set_exception(e)
        return future.result()

    def _read(self, resource: Resource, windowed: bool) -> _Outcome:
        window = self.window if windowed else None
        parents = None
        if resource.parent is not None and self._reader.configured(resource) is None:
            parent = self.source.resources[resource.parent]
            try:
                parents = self._outcome(parent, self._parent_windowed(parent, resource)).values[
                    resource.name
                ]
            except ExtractError as e:
                raise ExtractError(
                    Place(resource.source, resource.name, window),
                    f"its parent {parent.name} could not be read: {e.happened}",
                    e.advice,
                ) from e
        consumers = {
            child.name: Consumer(ParentValues(child, resource), windowed=child.incremental is None)
            for child in self.source.resources.values()
            if child.parent == resource.name
        }
        try:
            known = self.known_types.get(resource.table)
            result = self._reader.read(resource, window, parents, list(consumers.values()), known)
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
        except Exception as e:  # a mistake of ours must not take the other resources with it
            raise ExtractError(
                Place(resource.source, resource.name, window),
                f"unexpected {type(e).__name__}: {self.redact(str(e))}.",
                "This is a bug in analytics_sync; please report it with the traceback below.\n"
                + self.redact.trace(e),
            ) from None  # what lies beneath may hold what must not be shown
        return _Outcome(result, {name: c.values for name, c in consumers.items()})

    def _parent_windowed(self, parent: Resource, child: Resource) -> bool:
        """Whether the windowed reading of the parent serves the child.

        A child with a cursor of its own needs all parents. When the API does not cut the parent's
        listing, the windowed reading passes all of them anyway.
        """
        if child.incremental is None:
            return True
        own = parent.incremental
        cut = own is not None and (own.start_param or own.end_param or own.row_order)
        return not cut and self.source.window_owner(parent) in (parent, None)


class _Outcome:
    def __init__(self, result: ReadResult, values: dict[str, ParentValues]) -> None:
        self.result = result
        self.values = values
