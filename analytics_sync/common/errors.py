"""What can go wrong while reading, each with what happened, where, and what to do next.

In: a ``Place`` and a sentence. Out: exceptions whose first line is complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics_sync.common.window import Window


@dataclass(frozen=True)
class Place:
    """Where in the work something happened: source, resource, window."""

    source: str
    resource: str = ""
    window: Window | None = None

    def __str__(self) -> str:
        name = f"{self.source}/{self.resource}" if self.resource else self.source
        return f"{name} {self.window}" if self.window else name


def printable(text: str) -> str:
    """The text without line breaks, and with everything that a terminal would obey or that turns
    the reading direction as an escape: it may come from a server."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ExtractError(Exception):
    """A resource could not be read; its table stays as it was.

    Args:
        place: Source, resource and window.
        happened: What happened, without secrets.
        advice: What to do next.
    """

    def __init__(self, place: Place, happened: str, advice: str = "") -> None:
        self.place = place
        self.happened = printable(happened)
        self.advice = advice
        super().__init__(f"{place}: {self.happened}" + (f" {advice}" if advice else ""))


class MissingSetting(ExtractError):
    """A setting that the source needs is not there."""


class HttpStatusError(ExtractError):
    """The API answered with an error status, after the declared retries.

    Args:
        status: The HTTP status.
    """

    def __init__(self, place: Place, happened: str, advice: str = "", *, status: int) -> None:
        self.status = status
        super().__init__(place, happened, advice)


class LimitExceeded(ExtractError):
    """More bytes or time than the source's limits allow."""


class ConnectionFailed(ExtractError):
    """No answer, or only part of one, after the declared retries."""


class ForeignOrigin(ExtractError):
    """A link or redirect leads to another scheme, host or port than the configured one."""


class InvalidResponse(ExtractError):
    """The answer is not provably data: HTML, null, an error body, a missing selector."""


class PaginationStuck(ExtractError):
    """Paging does not move on: the same cursor again, an ignored offset, more pages than allowed."""
