"""Findings: evidence in the responses against the declaration, or against completeness.

In: a message about a response, the check that it concerns, and the time that it concerns if that is known. Out:
the messages of each check. They end up in the metadata of the materialization, and the check of that name
fails: of the partitions that the message concerns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from analytics_sync.common.shown import shown
from analytics_sync.common.window import Window

COMPLETE = "complete"
"""The API says that there is more than was read."""
WINDOW_BOUNDS = "window_bounds"
"""The records do not fit the bounds that were sent."""
PRIMARY_KEY_UNIQUE = "primary_key_unique"
"""Different records share a primary key."""
DECLARED_SCHEMA = "declared_schema"
"""Too many records cannot be placed, or a field has no value any more."""

HISTORY = "history"
"""Dagster reports a load that the warehouse does not have."""

_MAX_MESSAGES = 20  # a check; further ones would only repeat the first
_MAX_WINDOWS = 1000  # of a message; with more it concerns all partitions
_MORE = "There are more findings. The first of them are shown."
_MAX_CHARACTERS = 4000  # of a message: room for 20 names of 80 characters, twice

OfWindows = Callable[[Sequence[Window]], Sequence[str]]
"""Judges each of some windows."""


class Findings:
    """The findings of one read. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str, dict[str, list[Window] | None]] = {}
        self._judged: list[tuple[str, str, OfWindows]] = []

    def add(self, check: str, message: str, windows: Iterable[Window] | None = None) -> None:
        """Record a finding; an equal message counts once.

        Args:
            check: The check that fails, one of the constants of this module.
            message: The response's claim, the value found, and the key of the catalog file.
            windows: The times that the finding concerns: no other rows are in doubt. None if all are.
        """
        found = None if windows is None else list(windows)
        said = shown(message, _MAX_CHARACTERS)
        with self._lock:
            messages = self._messages.setdefault(check, {})
            if said not in messages and len(messages) >= _MAX_MESSAGES:
                said = _MORE
            known = messages.setdefault(said, [])
            together = None if known is None or found is None else [*known, *found]
            messages[said] = None if together and len(together) > _MAX_WINDOWS else together

    def add_judged(self, check: str, message: str, of_windows: OfWindows) -> None:
        """Record a finding that is judged again for each window, as a share of its records is.

        Args:
            check: The check that fails.
            message: The finding about the whole read; empty without one.
            of_windows: The finding about each of some windows; empty where there is none.
        """
        if message:
            self.add(check, message)
        with self._lock:
            self._judged.append((check, shown(message, _MAX_CHARACTERS), of_windows))

    def of(self, check: str) -> list[str]:
        """The messages of one check, in the order of their arrival."""
        with self._lock:
            return list(self._messages.get(check, ()))

    def placed(self, check: str) -> list[tuple[str, list[Window] | None]]:
        """The messages of one check, each with the times that it concerns; None for all."""
        with self._lock:
            return list(self._messages.get(check, {}).items())

    def by_check(self) -> dict[str, list[str]]:
        """The messages of all checks that have some."""
        with self._lock:
            return {check: list(messages) for check, messages in self._messages.items()}

    def by_window(self, windows: Sequence[Window]) -> list[dict[str, list[str]]]:
        """The messages of each check that concern each of some windows.

        A message that concerns none of them concerns all: it is about a time beside them, such as a
        lookback, and no message may get lost.
        """
        with self._lock:
            found, judged = {c: dict(m) for c, m in self._messages.items()}, [*self._judged]
        by_window: list[dict[str, list[str]]] = [{} for _ in windows]
        for check, message, of_windows in judged:
            said = of_windows(windows)
            if any(said):  # it takes the place of the finding about the whole read
                found.get(check, {}).pop(message, None)
            for own, text in zip(by_window, said, strict=True):
                if text:
                    own.setdefault(check, []).append(shown(text, _MAX_CHARACTERS))
        _place(found, windows, by_window)
        return by_window


def _place(
    found: dict[str, dict[str, list[Window] | None]],
    windows: Sequence[Window],
    by_window: list[dict[str, list[str]]],
) -> None:
    """Add messages to the windows that they concern."""
    for check, messages in found.items():
        for message, concerned in messages.items():
            numbers = [n for n, w in enumerate(windows) if concerned and _overlaps(w, concerned)]
            for n in numbers or range(len(windows)):
                by_window[n].setdefault(check, []).append(message)


def _overlaps(window: Window, others: Iterable[Window]) -> bool:
    days = window.of_dates()  # a cursor without a time of day is a day in the zone of the window
    both = Window(min(window.start, days.start), max(window.end, days.end))
    return any(both.overlaps(other) for other in others)
