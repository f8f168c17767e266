"""The limits of the interpreter: a file may ask for no more work than a configuration needs.

In: sizes and steps. Out: ``TooMuchWork``, which ends the reading of the file.
"""

from __future__ import annotations

from typing import Any

MAX_STEPS = 400_000
MAX_CALLS = 24
MAX_TEXT = 1 << 18
MAX_ITEMS = 20_000
MAX_BITS = 256


class TooMuchWork(Exception):
    """The file asks for more steps, text or items than a configuration needs."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


class Work:
    """A count of steps, up to a limit."""

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self.limit = limit
        self.steps = 0

    def step(self, line: int, count: int = 1) -> None:
        """Count steps.

        Raises:
            TooMuchWork: There are more than the limit.
        """
        self.steps += count
        if self.steps > self.limit:
            raise TooMuchWork(f"more than {self.limit:,} steps", line)


def unwritable(data: Any) -> str:
    """Why no file can hold a number or text; empty if a file can."""
    if isinstance(data, int) and data.bit_length() > MAX_BITS:
        return f"a number of more than {MAX_BITS} bits; text goes in quotes"
    if isinstance(data, str) and any("\ud800" <= c <= "\udfff" for c in data):
        return "text with half a character (a surrogate); write the whole character"
    return ""


def check_plain_size(data: Any, line: int) -> None:
    """Refuse a result that is too large.

    Raises:
        TooMuchWork: The text or the list is longer than any configuration has.
    """
    if isinstance(data, str) and len(data) > MAX_TEXT:
        raise TooMuchWork(f"a text of more than {MAX_TEXT:,} characters", line)
    if isinstance(data, list | dict) and len(data) > MAX_ITEMS:
        raise TooMuchWork(f"more than {MAX_ITEMS:,} items", line)
