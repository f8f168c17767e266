"""Work that yields, done side by side.

In: jobs, each of which makes an iterator, and threads to run them. Out: each result, handed over in the
thread that made it where order allows, so that what was just decoded is used while it is in the
processor's cache. An error of one job ends all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
Job = Callable[[], Iterator[T]]


def run_concurrently(
    pool: Executor,
    at_once: int,
    next_job: Callable[[bool], Job[T] | None],
    take: Callable[[T], None],
    *,
    in_order: bool,
) -> None:
    """Run jobs until there are no more, and all of them have ended.

    Args:
        pool: Where they run; others may use it too.
        at_once: How many are handed to the pool at a time.
        next_job: Gives the next job, or None while there is none; it is told whether nothing else is
            running, and None is the end of all then. Jobs may make more jobs.
        take: Called with each result, in many threads.
        in_order: Whether results of a job wait for those of the jobs before it. Those of one job
            always come in order.

    Raises:
        BaseException: What the first job to fail has raised.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = threading.Event()
    turns = _Ordered(take)

    def do(number: int, job: Job[T]) -> None:
        error: BaseException | None = None
        try:
            if not stop.is_set():
                for result in job():
                    if in_order:
                        turns.take(number, result)
                    else:
                        take(result)
                    del result  # it shall not outlive its use
                    if stop.is_set():
                        break
            turns.end(number)
        except BaseException as e:
            error = e
        ended.put(error)

    running = begun = 0
    try:
        while True:
            while (
                running < at_once
                and (not in_order or begun - turns.first < at_once)
                and (job := next_job(running == 0))
            ):
                pool.submit(do, begun, job)
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


class _Ordered(Generic[T]):
    """Results of the first job that has not ended are passed on; others wait."""

    def __init__(self, take: Callable[[T], None]) -> None:
        self.first = 0
        self._take = take
        self._lock = threading.Lock()
        self._waiting: dict[int, list[T]] = {}
        self._ended: set[int] = set()

    def take(self, number: int, result: T) -> None:
        with self._lock:
            if number == self.first:
                self._take(result)
            else:
                self._waiting.setdefault(number, []).append(result)

    def end(self, number: int) -> None:
        with self._lock:
            self._ended.add(number)
            while self.first in self._ended:
                self._ended.remove(self.first)
                self.first += 1
                for result in self._waiting.pop(self.first, ()):
                    self._take(result)
