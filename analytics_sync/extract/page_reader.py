"""The page reader: the pages of one resource.

In: the context of a read, the values of a parent, a slice of the window. Out: the pages of the request
series that read them, one series after the other.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace

from analytics_sync.common.errors import HttpStatusError
from analytics_sync.common.window import Window
from analytics_sync.extract.journal.kept_pages import KeptPages
from analytics_sync.extract.judges.ignored import IgnoredSeries
from analytics_sync.extract.page_series import PageSeries
from analytics_sync.extract.parents import Parent
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.paginators.paginator import paginator_for
from analytics_sync.extract.rest_client.resource_request import ResourceRequest, request_of
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.result import Page
from analytics_sync.extract.windows.incremental import window_params
from analytics_sync.extract.windows.window_requests import WindowRequests


class PageReader:
    """Reads the pages of one resource. Threads may share it.

    Args:
        context: The context of the read.
        session: Sends the requests.
        settings: Values of parameters that come from settings.
        prefetch_pool: Threads for prefetched requests.
    """

    def __init__(
        self, context: ReadContext, session: Session, settings: Settings, prefetch_pool: Executor
    ) -> None:
        self._context = context
        self._session = session
        self._settings = settings
        self._prefetch_pool = prefetch_pool
        resource = context.resource
        incremental = resource.incremental if resource.cursor else None
        has_bounds = bool(incremental and (incremental.start_param or incremental.end_param))
        self.ignored = IgnoredSeries(context.result, context.place, has_bounds=has_bounds)
        """The series whose first response is ignored."""
        self._requests = (
            WindowRequests(incremental, context.result, self.ignored, context.page_limit)
            if incremental is not None and incremental.sends_bounds
            else None
        )

    def pages(
        self, parent: Parent | None, slice_: Window | None, *, ignore_journal: bool = False
    ) -> Generator[Page, None, None]:
        """The pages of one request series, or of one series a month where the API wants that.

        Args:
            parent: The parent whose children are read; None when the resource is no child.
            slice_: The time that the API filters by; None for everything.
            ignore_journal: Whether to request all pages, also those that an earlier run has kept.

        Raises:
            ExtractError: The pages cannot be read.
        """
        try:
            yield from self._pages(parent, slice_, ignore_journal=ignore_journal)
        except HttpStatusError as error:
            if not error.is_ignored:
                raise
            self.ignored.add(error)
            if self._context.result.children is not None:
                raise  # a child without records is named
            self.ignored.record_end(error)
        else:
            self.ignored.add_pages()

    def first_request(self, parent: Parent | None) -> str:
        """The first request of the window as text. Nothing is sent.

        Args:
            parent: The parent whose children are read; None when the resource is no child.

        Raises:
            ExtractError: The path or a parameter has no usable value.
        """
        context = self._context
        resource, window = context.resource, context.window
        incremental = resource.incremental if resource.cursor else None
        bounds: Mapping[str, object] = {}
        if incremental is not None and window is not None:
            first = self._requests.first_params(window) if self._requests else None
            bounds = first or window_params(incremental, window)[0]
        request = self._request(self._params(parent), bounds)
        paginator = paginator_for(resource.paginator, context.place, self._session.redact)
        params = paginator.first_request().params
        return self._session.shown.whole(
            request.url, request.page_query(params), request.headers, request.content(params)
        )

    def finish(self) -> None:
        """Judge the read as a whole, once all pages are read.

        Raises:
            ExtractError: As ``IgnoredSeries.judge``.
        """
        if self._requests is not None:
            self._requests.finish()
        self.ignored.judge()

    def _pages(
        self, parent: Parent | None, slice_: Window | None, *, ignore_journal: bool
    ) -> Generator[Page, None, None]:
        context = self._context
        incremental = context.resource.incremental if context.resource.cursor else None
        values = self._params(parent)

        def read(
            bounds: Mapping[str, object], part: Window | None = None
        ) -> Generator[Page, None, None]:
            request = self._request(values, bounds)
            kept_pages = KeptPages(context.journal, request, ignore_journal=ignore_journal)
            own = replace(context, slice_=part or slice_)
            series = PageSeries(
                own, self._session, self._prefetch_pool, request, parent, kept_pages
            )
            return series.pages()

        if self._requests is not None and slice_ is not None:
            yield from self._requests.pages(slice_, read)
            return
        bounds = window_params(incremental, slice_) if incremental and slice_ else [{}]
        absent: list[HttpStatusError] = []
        for params in bounds:
            has_pages = False
            try:
                with closing(read(params)) as pages:
                    for page in pages:
                        has_pages = True
                        yield page
                        del page  # its memory must be free before the next page is decoded
            except HttpStatusError as e:
                if has_pages or not self.ignored.may_be_absence(e):
                    raise
                absent.append(e)
        if absent and len(absent) == len(bounds):
            raise absent[0]
        for error in absent:
            self.ignored.record_end(error)

    def _request(
        self, values: Mapping[str, object], bounds: Mapping[str, object]
    ) -> ResourceRequest:
        """The request of the resource within bounds, checked."""
        context, session = self._context, self._session
        return request_of(
            context.resource, session.base_url, {**values, **bounds}, context.place, session.redact
        )

    def _params(self, parent: Parent | None) -> dict[str, object]:
        """All parameters: declared values, values of settings, values of the parent."""
        resource = self._context.resource
        params: dict[str, object] = {}
        from_parent = dict(parent.params) if parent else {}
        for name, declared in resource.params.items():
            if name in resource.settings:
                is_hidden = name in resource.hidden
                why = (
                    f"a text of {resource.name}"
                    if is_hidden
                    else f"{resource.name}: parameter {name}"
                )
                params[name] = self._settings.param(resource.settings[name], why)
            else:
                params[name] = from_parent.get(
                    name, None if name in resource.resolved else declared
                )
        return params
