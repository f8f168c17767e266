"""Concurrency: jobs that yield results, run in threads.

In: jobs, each of which makes an iterator, and threads to run them. Out: each result, passed on in the
thread that made it where the order allows. A page that was just decoded is then used while it is in
the processor's cache. An error in one job ends all jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
Job = Callable[[], Iterator[T]]


def run_concurrently(
    pool: Executor,
    max_running: int,
    next_job: Callable[[bool], Job[T] | None],
    take: Callable[[T], None],
    *,
    in_order: bool,
) -> None:
    """Run jobs until there are no more, and all of them have ended.

    Args:
        pool: Runs the jobs. Other callers may use it too.
        max_running: How many jobs are handed to the pool at a time.
        next_job: Gives the next job, or None while there is none. Its argument says whether no job
            is running; None is final then. A running job may make more jobs.
        take: Called with each result, in many threads.
        in_order: Whether the results of a job wait for the results of the jobs before it. The
            results of one job always come in order.

    Raises:
        BaseException: The error of the first job that failed.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = threading.Event()
    ordered = _Ordered(take)

    def run(number: int, job: Job[T]) -> None:
        deliver = partial(ordered.take, number) if in_order else take
        ended.put(_run_job(job, deliver, stop, partial(ordered.end, number)))

    running = begun = 0
    try:
        while True:
            while (
                running < max_running
                and (not in_order or begun - ordered.first < max_running)
                and (job := next_job(running == 0))
            ):
                pool.submit(run, begun, job)
                running, begun = running + 1, begun + 1
            if not running:
                return
            error = ended.get()
            running -= 1
            if error is not None:
                raise error
    finally:
        stop.set()
        for _ in range(running):
            ended.get()


def _run_job(
    job: Job[T], take: Callable[[T], None], stop: threading.Event, end: Callable[[], None]
) -> BaseException | None:
    """Pass on the results of one job until it ends or ``stop`` is set.

    Args:
        job: The job.
        take: Called with each result.
        stop: Set when another job has failed.
        end: Called after the last result.

    Returns:
        The error that ended the job, if any.
    """
    try:
        if not stop.is_set():
            for result in job():
                take(result)
                del result  # its memory must be free before the next result is made
                if stop.is_set():
                    break
        end()
    except BaseException as e:
        return e
    return None


class _Ordered(Generic[T]):
    """Passes on the results of the first job that has not ended; keeps those of later jobs.

    Attributes:
        first: The number of that job.
    """

    def __init__(self, take: Callable[[T], None]) -> None:
        self.first = 0
        self._take = take
        self._lock = threading.Lock()
        self._waiting: dict[int, list[T]] = {}
        self._ended: set[int] = set()

    def take(self, number: int, result: T) -> None:
        """Pass on a result of job ``number``, or keep it until the jobs before have ended."""
        with self._lock:
            if number == self.first:
                self._take(result)
            else:
                self._waiting.setdefault(number, []).append(result)

    def end(self, number: int) -> None:
        """Note that job ``number`` has ended; pass on the results that waited for it."""
        with self._lock:
            self._ended.add(number)
            while self.first in self._ended:
                self._ended.remove(self.first)
                self.first += 1
                for result in self._waiting.pop(self.first, ()):
                    self._take(result)
