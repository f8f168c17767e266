"""One call of the session: what all its attempts share, what each attempt gave, and what they cost.

In: the arguments of ``Session.get``. Out: plain values, which the session passes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analytics_sync.catalog.config.client import ErrorHandler
from analytics_sync.catalog.config.models import ResponseAction
from analytics_sync.common.errors import Place
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.content import Content
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.verdict import Verdict


@dataclass
class Counters:
    """The cost of reading one resource. Threads may share it.

    Attributes:
        waited: Seconds, for the rate limit and before retries.
        bytes: Of unpacked bodies.
    """

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **amounts: float) -> None:
        """Add each amount to the counter of its name."""
        with self.lock:
            for name, amount in amounts.items():
                setattr(self, name, getattr(self, name) + amount)


class Exchange(NamedTuple):
    """One request that was sent, and how the API answered.

    Attributes:
        place: The resource that it was sent for.
        request: Method and URL, headers and body, with secrets masked.
        status: The HTTP status.
        headers: The headers of the response, by name in lower case.
        received_at: When the response arrived, in microseconds since 1970.
    """

    place: Place
    request: str
    status: int
    headers: Mapping[str, str]
    received_at: int


ExchangeListener = Callable[[Exchange], None]


@dataclass(slots=True)
class Call:
    """The part of a ``get`` that all its attempts share."""

    url: str
    params: Mapping[str, object]
    target: str  # the URL with all query parameters, credentials included
    headers: Mapping[str, str]
    content: Content
    place: Place
    policy: ErrorHandler
    actions: Sequence[ResponseAction]
    counters: Counters
    deadline: Deadline
    token: str = ""  # the access token of the latest attempt
    has_renewed_token: bool = False

    def check_time(self, ahead: float = 0.0, doing: str = "") -> None:
        """Raise if the deadline has passed, or will have passed after a wait.

        Raises:
            LimitExceeded: It has.
        """
        self.deadline.check(self.place, ahead=ahead, doing=doing)


@dataclass(slots=True)
class Attempt:
    """One attempt: a response, or the problem that prevented one; no verdict means a page."""

    number: int
    response: Response | None
    problem: str = ""
    verdict: Verdict | None = None
