"""Prefetching of pages.

In: the page requests that a paginator predicts from a total. Out: the response of a predicted request.
The page series decides which pages are used; unused responses are dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future

from analytics_sync.extract.rest_client.paginators.paginator import PageRequest
from analytics_sync.extract.rest_client.response import Response


class Prefetcher:
    """Sends predicted requests in background threads. True while a response is pending.

    Args:
        pool: Runs the requests. No task in it may wait for a page series.
        fetch: Sends one request.
    """

    def __init__(self, pool: Executor, fetch: Callable[[PageRequest], Response]) -> None:
        self._pool = pool
        self._fetch = fetch
        self._max_pending = 0
        self._predicted: deque[PageRequest] = deque()
        self._pending: deque[tuple[PageRequest, Future[Response]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._pending)

    def prefetch(self, requests: Iterable[PageRequest], max_pending: int) -> None:
        """Send these requests in their order, at most ``max_pending`` at a time."""
        self.close()
        self._max_pending = max_pending
        self._predicted.extend(requests)
        self._fill()

    def get(self, request: PageRequest) -> Response | None:
        """The response to the next request, if it was predicted; waits for it.

        Any other request proves the prediction wrong, and drops all that is pending.

        Raises:
            ExtractError: The request has failed.
        """
        if not self._pending or self._pending[0][0] != request:
            self.close()
            return None
        _, response = self._pending.popleft()
        self._fill()
        return response.result()

    def close(self) -> None:
        """Drop all pending requests."""
        self._predicted.clear()
        while self._pending:
            self._pending.pop()[1].cancel()

    def _fill(self) -> None:
        while self._predicted and len(self._pending) < self._max_pending:
            request = self._predicted.popleft()
            self._pending.append((request, self._pool.submit(self._fetch, request)))
