"""The messages between the HTTP server and the APIs that it serves.

In: nothing; these are plain values.
Out: requests, responses, refusals, and the faults that a test may inject.
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
        source: Name of the source in the request's address.
        resource: Name of the resource of the request's path; None if no resource has this path.
        path: Path below the source's base URL, percent-encoded as received.
        query: Decoded parameters: name -> all values.
        headers: Lower-case name -> value.
        number: Number of requests to this sandbox so far, this one included.
        link: Function that returns this request's absolute URL with some parameters replaced.
        method: The HTTP method.
        body: The body of the request.
    """

    source: str
    resource: str | None
    path: str
    query: Query
    headers: Mapping[str, str]
    number: int
    link: Callable[[Mapping[str, str]], str]
    method: str = "GET"
    body: bytes = b""

    def one(self, name: str) -> str | None:
        """The last value of a parameter; None if the client did not send it."""
        values = self.query.get(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class ServedResponse:
    """Status, body and headers of a response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong on purpose.

    Attributes:
        response: The response to send; None sends the real one.
        change: Function that changes the real response; used only if ``response`` is None.
        delay: Seconds to wait before the response.
        cut: Number of body bytes to send before the connection is closed; None sends all.
            0 closes the connection without a response. A negative number leaves out the body's end.
        reset: Whether to close the connection with a TCP reset instead of an orderly end.
        stall: Seconds of silence in the middle of the body.
        length: Error of the announced length, in bytes.
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
    """The server refuses a request.

    Args:
        status: HTTP status.
        message: Text for the client.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> ServedResponse:
        """The response with the message in its body."""
        return ServedResponse(self.status, orjson.dumps({"errors": [self.message]}))
