"""Findings: evidence in the responses against the declaration, or against completeness.

In: a message about a response, and the check that it concerns. Out: the messages of each check. They
end up in the metadata of the materialization, and the check of that name fails.
"""

from __future__ import annotations

import threading

from analytics_sync.common.shown import shown

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
_MAX_CHARACTERS = 4000  # of a message: room for 20 names of 80 characters, twice


class Findings:
    """The findings of one read. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str, dict[str, None]] = {}

    def add(self, check: str, message: str) -> None:
        """Record a finding; an equal message counts once.

        Args:
            check: The check that fails, one of the constants of this module.
            message: The response's claim, the value found, and the key of the catalog file.
        """
        with self._lock:
            messages = self._messages.setdefault(check, {})
            if len(messages) < _MAX_MESSAGES:
                messages.setdefault(shown(message, _MAX_CHARACTERS))

    def of(self, check: str) -> list[str]:
        """The messages of one check, in the order of their arrival."""
        with self._lock:
            return list(self._messages.get(check, ()))

    def by_check(self) -> dict[str, list[str]]:
        """The messages of all checks that have some."""
        with self._lock:
            return {check: list(messages) for check, messages in self._messages.items()}
