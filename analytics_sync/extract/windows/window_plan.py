"""The plan of a window: the bounds that are still to be requested, and what came of the others.

In: requests for parts of the window, and how the API answered them. Out: the next request; how far the
window was read, and the parts that were refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from analytics_sync.common.errors import HttpStatusError
from analytics_sync.extract.bounds import Bounds


@dataclass(eq=False)
class Trial:
    """Other bounds in place of refused ones.

    Attributes:
        refusal: The first refusal.
        is_helpful: Whether the API accepted some of the other bounds.
        is_backwards: Whether later bounds are tried before earlier ones.
        is_over: Whether refused bounds are not halved any more.
    """

    refusal: HttpStatusError
    is_helpful: bool = False
    is_backwards: bool = False
    is_over: bool = False


@dataclass(frozen=True, eq=False)
class BoundsRequest:
    """Bounds to send.

    Attributes:
        bounds: The bounds.
        whole: The same bounds before their end was moved out of the present.
        delays_refused: How many delays the API has refused for ``whole``.
        trial: The trial that led to these bounds; None without one.
    """

    bounds: Bounds
    whole: Bounds
    delays_refused: int = 0
    trial: Trial | None = None


@dataclass
class WindowPlan:
    """The requests of one window.

    Attributes:
        whole: The request for the whole window.
        pending: The requests to send.
        read_up_to: Before this instant records were requested and given; None if none were given.
        refusals: How many requests the API refused in a row.
        unread: Refused requests that are ignored, although their bounds may be the reason.
        absent: Ignored responses that say that there is nothing.
    """

    whole: BoundsRequest
    pending: deque[BoundsRequest] = field(init=False)
    read_up_to: datetime | None = None
    refusals: int = 0
    unread: list[tuple[BoundsRequest, HttpStatusError]] = field(default_factory=list)
    absent: list[HttpStatusError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pending = deque([self.whole])

    @property
    def is_accepted(self) -> bool:
        """Whether the API accepted a request."""
        return self.read_up_to is not None

    def accept(self, read_up_to: datetime) -> None:
        """Note an accepted request, and how far its bounds reach."""
        self.read_up_to = max(read_up_to, self.read_up_to or read_up_to)
        self.refusals = 0

    def add(self, requests: Sequence[BoundsRequest]) -> None:
        """Put requests before all others."""
        self.pending.extendleft(reversed(requests))

    def of_trial(self, trial: Trial) -> list[BoundsRequest]:
        """The pending requests of a trial."""
        return [request for request in self.pending if request.trial is trial]

    def drop(self, requests: Sequence[BoundsRequest]) -> None:
        """Send these pending requests no more."""
        self.pending = deque(request for request in self.pending if request not in requests)
