"""What goes between the HTTP server and the APIs it serves.

In: nothing; plain values. Out: requests, answers, refusals, and the faults a test may put in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

Query = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a declared API.

    Attributes:
        source: Name of the source its address names.
        resource: Name of the resource its path names; None when there is no such path.
        path: Path below the source's base URL, percent-encoded as it came.
        query: Parameters, decoded, every value of each.
        headers: Names in lower case.
        number: How many requests this sandbox has had, this one included.
        link: The absolute address of this request with some parameters replaced.
    """

    source: str
    resource: str | None
    path: str
    query: Query
    headers: Mapping[str, str]
    number: int
    link: Callable[[Mapping[str, str]], str]

    def one(self, name: str) -> str | None:
        """The last value of a parameter, None if it was not sent."""
        values = self.query.get(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class ServedResponse:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong on purpose.

    Attributes:
        response: Sent in place of the real one; None is the real one.
        change: What becomes of the real answer, where ``response`` is None.
        delay: Seconds to wait first.
        cut: Bytes of the body to send before the connection is dropped; 0 drops it without an
            answer, a negative number leaves out the end, None sends all.
        reset: Drop the connection hard, so that the client gets a reset and no end.
        stall: Seconds of silence in the middle of the body.
        length: What the announced length is wrong by.
    """

    response: ServedResponse | None = None
    change: Callable[[ServedResponse], ServedResponse] | None = None
    delay: float = 0.0
    cut: int | None = None
    reset: bool = False
    stall: float = 0.0
    length: int = 0


Faults = Callable[[Request], Fault | None]


class Refused(Exception):
    """The server will not do this.

    Args:
        status: HTTP status.
        message: For the client.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> ServedResponse:
        """As an answer with the errors in its body."""
        return ServedResponse(self.status, orjson.dumps({"errors": [self.message]}))
