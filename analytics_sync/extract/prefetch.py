"""Pages that are asked for before it is their turn.

In: the steps a walk will probably take, because the API numbers its pages and says how many there are.
Out: the answer of a step, if it was foreseen. The walk decides as ever: what it does not ask for is
dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future

from analytics_sync.extract.rest_client.paginator import PageRequest
from analytics_sync.extract.rest_client.response import Response


class Prefetcher:
    """Answers on their way.

    Args:
        pool: Where requests run; nothing in it may wait for a walk.
        fetch: Asks for one step.
    """

    def __init__(self, pool: Executor, fetch: Callable[[PageRequest], Response]) -> None:
        self._pool = pool
        self._fetch = fetch
        self._at_once = 0
        self._steps: deque[PageRequest] = deque()
        self._coming: deque[tuple[PageRequest, Future[Response]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._coming)

    def prefetch(self, steps: Iterable[PageRequest], at_once: int) -> None:
        """Ask for these, in their order, so many at a time."""
        self.close()
        self._at_once = at_once
        self._steps.extend(steps)
        self._fill()

    def get(self, step: PageRequest) -> Response | None:
        """The answer, when this step was foreseen; waits for it.

        Raises:
            ExtractError: The request has failed.
        """
        if not self._coming or self._coming[0][0] != step:
            self.close()
            return None
        _, answer = self._coming.popleft()
        self._fill()
        return answer.result()

    def close(self) -> None:
        """Drop what is on its way."""
        self._steps.clear()
        while self._coming:
            self._coming.pop()[1].cancel()

    def _fill(self) -> None:
        while self._steps and len(self._coming) < self._at_once:
            step = self._steps.popleft()
            self._coming.append((step, self._pool.submit(self._fetch, step)))
