"""The rate suite: do processes that know nothing of each other keep a limit together, and use it?

Out: one case. The server counts what arrives, and refuses what is too much.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

from benchmarks.harness.measure import Way, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import Job
from benchmarks.workload.routes import Events, Query
from benchmarks.workload.server import Refusal, Routes, Server

_REQUESTS, _SECONDS = 50, 1.0


class _Limited:
    """An API that takes so many requests a second, from whomever."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._arrivals: list[float] = []
        self._refused = 0

    def page(self, path: str, query: Query) -> bytes | Refusal:
        """A route: a page, or 429."""
        with self._lock:
            self._arrivals.append(time.monotonic())
            if _within(self._arrivals) > _REQUESTS:
                self._refused += 1
                return Refusal("429 Too Many Requests", 1)
        return self._events.numbered(path, query)

    def report(self, _: str, __: Query) -> bytes:
        """A route: how the limit was kept, since the last report."""
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            refused, self._refused = self._refused, 0
        took = arrivals[-1] - arrivals[0]
        told = {
            "requests": len(arrivals),
            "at most in 1 s": max(_within(arrivals[: n + 1]) for n in range(len(arrivals))),
            "refused": refused,
            # as many as are allowed may come at once, and the next when that is a span ago
            "of the limit": (len(arrivals) - 1) // _REQUESTS * _SECONDS / took,
        }
        return json.dumps(told).encode()


def _within(arrivals: Sequence[float]) -> int:
    """How many came in the span that ends with the last."""
    count = 0
    for arrival in reversed(arrivals):
        if arrivals[-1] - arrival >= _SECONDS:
            break
        count += 1
    return count


def run(options: Options) -> list[Case]:
    """Eight processes of 125 requests; quick: four of 30."""
    processes, each = (4, 30) if options.quick else (8, 125)
    name = f"{processes} processes of {each} requests, {_REQUESTS} a second allowed"
    options.say(f"rate: {name}")
    events = Events(10 * each, size=10)
    names = [f"resource_{number}" for number in range(processes)]
    limit = {"requests": _REQUESTS, "seconds": _SECONDS}
    source = declared.source(
        [declared.events(name, f"/of/{name}", declared.NUMBERED) for name in names],
        rate_limit=limit,
    )
    jobs = [{"source": source, "only": [name], "tables": {name: events.records}} for name in names]

    def routes() -> Routes:
        api = _Limited(events)
        return {"/of": api.page, "/report": api.report}

    with Server(routes) as server:
        job = Job(server.url, options={"each": jobs, "tables": {}})
        ways = [Way("ours, side by side", "fleet")]
        rounds = 1 if options.quick else options.rounds
        results = measure(ways, job, rounds, None, options.say)
    for result in results:
        result.peak_mb = None  # that of the process that started the others
    return [Case(name, {"processes": processes, **limit}, results)]


SUITE = Suite("rate", "do several processes keep a rate limit, and use it?", run, draw_cases)
