"""The rate suite: do independent processes keep a rate limit together, and use all of it?

In: the options of the command line. Out: one case. The server counts all requests, and refuses
requests beyond the limit.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

from benchmarks.harness.measure import Contender, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import Job
from benchmarks.workload.routes import Events, Query
from benchmarks.workload.server import Refusal, Routes, Server

_REQUESTS, _SECONDS = 50, 1.0


class _LimitedApi:
    """Routes of an API that limits the requests of all its clients together.

    Args:
        events: Events that the API serves.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._arrivals: list[float] = []
        self._refused = 0

    def page(self, path: str, query: Query) -> bytes | Refusal:
        """Route of the pages: a page, or status 429."""
        with self._lock:
            self._arrivals.append(time.monotonic())
            if _arrivals_in_last_span(self._arrivals) > _REQUESTS:
                self._refused += 1
                return Refusal("429 Too Many Requests", 1)
        return self._events.numbered(path, query)

    def report(self, _: str, __: Query) -> bytes:
        """Route of the report: how the clients kept the limit since the last report."""
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            refused, self._refused = self._refused, 0
        seconds = arrivals[-1] - arrivals[0]
        # The limit allows a full span of requests at once, and the next ones a span later.
        least_seconds = (len(arrivals) - 1) // _REQUESTS * _SECONDS
        figures = {
            "requests": len(arrivals),
            "at most in 1 s": max(
                _arrivals_in_last_span(arrivals[: n + 1]) for n in range(len(arrivals))
            ),
            "refused": refused,
            "of the limit": least_seconds / seconds,
        }
        return json.dumps(figures).encode()


def _arrivals_in_last_span(arrivals: Sequence[float]) -> int:
    """Number of arrivals in the span that ends with the last arrival."""
    count = 0
    for arrival in reversed(arrivals):
        if arrivals[-1] - arrival >= _SECONDS:
            break
        count += 1
    return count


def run(options: Options) -> list[Case]:
    """Measure 8 processes of 125 requests each; quick: 4 of 30."""
    processes, requests = (4, 30) if options.quick else (8, 125)
    name = f"{processes} processes of {requests} requests, {_REQUESTS} a second allowed"
    options.log(f"rate: {name}")
    events = Events(10 * requests, page_size=10)
    names = [f"resource_{number}" for number in range(processes)]
    limit = {"requests": _REQUESTS, "seconds": _SECONDS}
    source = declared.source(
        [declared.events(name, f"/of/{name}", declared.NUMBERED_PAGINATOR) for name in names],
        rate_limit=limit,
    )
    jobs = [{"source": source, "only": [name], "tables": {name: events.records}} for name in names]

    def routes() -> Routes:
        api = _LimitedApi(events)
        return {"/of": api.page, "/report": api.report}

    with Server(routes) as server:
        job = Job(server.url, options={"each": jobs, "tables": {}})
        contenders = [Contender("ours, side by side", "fleet")]
        results = measure(contenders, job, options.rounds_to_run, None, options.log)
    for result in results:
        result.peak_mb = None  # It is the peak of the process that starts the others.
    return [Case(name, {"processes": processes, **limit}, results)]


SUITE = Suite("rate", "do several processes keep a rate limit, and use it?", run, draw_cases)
