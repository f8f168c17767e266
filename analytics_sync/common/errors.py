"""Errors of a read: each says where it happened, what happened, and what to do next.

In: a ``Place``, a sentence and an advice. Out: an exception whose first line is complete.

    ExtractError
    ├── MissingSetting     a required setting has no value
    ├── HttpStatusError    an error status, after all retries
    ├── ConnectionFailed   no response, or a part of one, after all retries
    ├── LimitExceeded      more bytes or time than the source's limits allow
    ├── ForeignOrigin      a link or redirect to another scheme, host or port
    ├── OtherAccount       the table holds rows of another address or account
    ├── InvalidResponse    a body that is not provably data
    └── PaginationStuck    pages that do not lead to an end
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics_sync.common.window import Window

_MAX_CHARACTERS = 4000  # of a message: a response chooses the length of its names


@dataclass(frozen=True)
class Place:
    """The place of an event: source, resource, window.

    Attributes:
        source: Name of the source.
        resource: Name of the resource; empty for the whole source.
        window: The window; None for a snapshot, or for the whole resource.
    """

    source: str
    resource: str = ""
    window: Window | None = None

    def __str__(self) -> str:
        name = f"{self.source}/{self.resource}" if self.resource else self.source
        return f"{name} {self.window}" if self.window else name


def printable(text: str) -> str:
    """The text with every unprintable character as an escape.

    The text may come from a server. It must not hold line breaks, commands to a terminal, or
    characters that change the reading direction.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ExtractError(Exception):
    """A resource could not be read. Its table stays as it was.

    Args:
        place: Source, resource and window.
        happened: What happened, without secrets.
        advice: What to do next.
    """

    def __init__(self, place: Place, happened: str, advice: str) -> None:
        self.place = place
        cut = len(happened) > _MAX_CHARACTERS
        self.happened = printable(happened[:_MAX_CHARACTERS]) + ("..." if cut else "")
        self.advice = advice
        super().__init__(f"{place}: {self.happened} {advice}")


class MissingSetting(ExtractError):
    """A setting that the source requires has no value."""


class HttpStatusError(ExtractError):
    """The API answered with a status that is no page, after the declared retries.

    Args:
        status: The HTTP status.
        is_ignored: Whether the response means "no records" by declaration.
        is_failure: Whether the response never means "no records": it is about a rate limit, or the
            declaration says so.
        body: The body of an ignored response; None for all others.
        is_quoted: Whether the declaration that ignores the response quotes its body.
    """

    def __init__(
        self,
        place: Place,
        happened: str,
        advice: str,
        *,
        status: int,
        is_ignored: bool = False,
        is_failure: bool = False,
        body: object = None,
        is_quoted: bool = False,
    ) -> None:
        self.status = status
        self.is_ignored = is_ignored
        self.is_failure = is_failure
        self.body = body
        self.is_quoted = is_quoted
        super().__init__(place, happened, advice)


class LimitExceeded(ExtractError):
    """More bytes or time than the source's limits allow."""


class ConnectionFailed(ExtractError):
    """No response arrived, or only a part of one, after the declared retries."""


class ForeignOrigin(ExtractError):
    """A link or redirect leads to another scheme, host or port than the configured one."""


class OtherAccount(ExtractError):
    """The table holds rows of another address or account than the configured one."""


class InvalidResponse(ExtractError):
    """The response is not provably data: HTML, null, an error body, a missing selector."""


class PaginationStuck(ExtractError):
    """Pagination makes no progress: a repeated cursor, an ignored offset, too many pages."""
