"""The progress of a run: which resources are read, how far they are, and what the run waits for.

In: the results of reads, as they fill; waits; the phases of a load. Out: lines for a log, at once for each
event and every 10 seconds for each resource. The reader does nothing for it per record or page: the lines
come from the counts that a result has anyway.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from analytics_sync.common.errors import Place
from analytics_sync.common.shown import counted
from analytics_sync.extract.result import ReadResult

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_LOOKS = 1.0
_SHORTEST_WAIT = 3.0  # seconds of a wait for the rate limit that gets a line
_LONG_ENTRY = 2.0  # seconds of a wait for a lock that gets a line
_SAME_WAIT_SECONDS = 1.0  # waits of several threads that end within this are one


def followed() -> list[RunProgress]:
    """The progress of each run of this process whose lines somebody takes."""
    return list(_followed)


@dataclass
class Reading:
    """One resource while it is read.

    Attributes:
        place: Source, resource and window.
        result: The counts, which change.
        of_parents: Number of parents whose children are read; None when the resource is no child.
        waits_until: When the last wait ends, on the monotonic clock.
    """

    place: Place
    result: ReadResult
    of_parents: int | None = None
    began: float = field(default_factory=time.monotonic)
    waits_until: float = 0.0
    waits_for: str = ""
    _last: tuple[float, int] = (0.0, 0)

    @property
    def share(self) -> float | None:
        """The share that is done, from 0 to 1; None where the API tells no total."""
        result = self.result
        if self.of_parents:
            return min(1.0, len(result.parents_read) / self.of_parents)
        total = result.announced
        return min(1.0, result.records / total) if total else None

    def line(self) -> str:
        """Pages, records, records a second since the line before, and the share."""
        now, result = time.monotonic(), self.result
        since, before = self._last if self._last[0] else (self.began, 0)
        speed = (result.records - before) / max(now - since, 0.001)
        self._last = now, result.records
        said = (
            f"{self.place}: {counted(result.pages, 'page')}, {counted(result.records, 'record')}, "
            f"{speed:,.0f} records/s"
        )
        if self.of_parents:
            said += f", {len(result.parents_read):,} of {counted(self.of_parents, 'parent')}"
        elif (share := self.share) is not None:
            said += f", {share:.0%} of {result.announced:,}"
        return said + self.waiting()

    def waiting(self) -> str:
        """The wait of a request, after a semicolon; empty without one."""
        seconds = self.waits_until - time.monotonic()
        return f"; {self.waits_for}: {seconds:.0f} s more" if seconds > 0 else ""


class RunProgress:
    """The progress of one run. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: SimpleQueue[str | None] = SimpleQueue()
        self._readings: list[Reading] = []
        self._phases: list[_Phase] = []

    def begin(self, place: Place, result: ReadResult, of_parents: int | None = None) -> Reading:
        """Note that a resource is read from now on."""
        reading = Reading(place, result, of_parents)
        with self._lock:
            self._readings.append(reading)
        self._messages.put(f"{place}: reading")
        return reading

    def end(self, reading: Reading) -> None:
        """Note that a resource is read no longer."""
        with self._lock:
            self._readings.remove(reading)

    @property
    def readings(self) -> list[Reading]:
        """The resources that are read now."""
        with self._lock:
            return list(self._readings)

    @property
    def phases(self) -> list[str]:
        """What the run does now beside reading."""
        with self._lock:
            return [phase.doing for phase in self._phases]

    def wait(self, place: Place, reason: str, seconds: float) -> None:
        """Note that a request waits before it is sent again."""
        until = time.monotonic() + seconds
        with self._lock:
            for reading in self._readings:
                if reading.place == place:
                    if until <= reading.waits_until + _SAME_WAIT_SECONDS:
                        return
                    reading.waits_until, reading.waits_for = until, reason
        self._messages.put(f"{place}: {reason}: waiting {seconds:,.0f} s")

    def wait_for_slot(self, place: Place, seconds: float) -> None:
        """Note that a request waits for the rate limit, unless the wait is short."""
        if seconds > _SHORTEST_WAIT:
            self.wait(place, "rate limit", seconds)

    @contextmanager
    def phase(self, doing: str, *, after: float = 0.0, end: str = "") -> Iterator[None]:
        """Note what the run does beside reading, for the time of the block.

        Args:
            doing: The source, and what is done.
            after: Seconds after which the first line is due.
            end: Said at the end, with the seconds; empty for no line then.
        """
        phase = _Phase(doing, after)
        with self._lock:
            self._phases.append(phase)
        if not after:
            phase.is_said = True
            self._messages.put(doing)
        try:
            yield
        finally:
            with self._lock:
                self._phases.remove(phase)
        if end:
            self._messages.put(f"{end} in {time.monotonic() - phase.began:.1f} s")

    @contextmanager
    def entering(self, doing: str, entered: AbstractContextManager[Any]) -> Iterator[None]:
        """Enter a context and run the block in it. What takes more than a moment to enter is said."""
        with ExitStack() as stack:
            with self.phase(doing, after=_LONG_ENTRY):
                stack.enter_context(entered)
            yield

    def say(self, line: str) -> None:
        """Say one line."""
        self._messages.put(line)

    def close(self) -> None:
        """End ``lines``."""
        self._messages.put(None)

    def lines(self) -> Iterator[str]:
        """All lines, each when it is due, until ``close``. Who follows gets them too."""
        _followed.append(self)
        try:
            for line in self._lines():
                for follow in _followers:
                    follow(line)
                yield line
        finally:
            _followed.remove(self)

    def _lines(self) -> Iterator[str]:
        next_status = time.monotonic() + _SECONDS_BETWEEN_LINES
        while True:
            now = time.monotonic()
            if now >= next_status:
                next_status = now + _SECONDS_BETWEEN_LINES
                yield from (reading.line() for reading in self.readings)
                yield from (phase.line() for phase in self._due(0.0))
            yield from (phase.doing for phase in self._due(now))
            try:
                line = self._messages.get(timeout=min(next_status - now, _SECONDS_BETWEEN_LOOKS))
            except Empty:
                continue
            if line is None:
                return
            yield line

    def _due(self, now: float) -> list[_Phase]:
        """The phases that have been said before; with a time, those whose first line is due."""
        with self._lock:
            if not now:
                return [phase for phase in self._phases if phase.is_said]
            due = [p for p in self._phases if not p.is_said and now >= p.began + p.after]
            for phase in due:
                phase.is_said = True
            return due


@dataclass
class _Phase:
    """What a run does beside reading."""

    doing: str
    after: float
    began: float = field(default_factory=time.monotonic)
    is_said: bool = False

    def line(self) -> str:
        return f"{self.doing}, for {time.monotonic() - self.began:.0f} s so far"


@contextmanager
def following(follow: Callable[[str], None]) -> Iterator[None]:
    """Call a function with each line of each run of this process, for the time of the block."""
    _followers.append(follow)
    try:
        yield
    finally:
        _followers.remove(follow)


_followed: list[RunProgress] = []
_followers: list[Callable[[str], None]] = []
