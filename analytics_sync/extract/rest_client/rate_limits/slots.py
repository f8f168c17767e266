"""The slots of a rate limit, and the rule by which the next one begins.

In: the times of the last N slots, in a file or on a server. Out: the begin of the next slot. All stores have
the same rule: the slot that was taken N slots ago lies a whole span in the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from analytics_sync.extract.coordination.address import Check

LONGEST_PAUSE_SECONDS = 86_400


@dataclass(frozen=True)
class Slot:
    """The permission to send one request.

    Attributes:
        waited_seconds: The wait for the slot.
        place: Where the store keeps the slot's time.
        starts_at: When the slot begins, by the clock of the store.
        began_ns: The earliest time at which it begins, in nanoseconds of this machine's monotonic clock.
    """

    waited_seconds: float = 0.0
    place: int = 0
    starts_at: int = 0
    began_ns: int = 0


class SlotStore(Protocol):
    """Keeps the times of one account's last slots. Threads may share it."""

    def take(self, check: Check) -> Slot:
        """Take the next slot. ``check`` is called before each wait, and no slot is taken if it raises."""

    def move(self, slot: Slot, delay_ns: int, check: Check) -> None:
        """Let a slot begin later, if its place was not given to another one."""

    def pause(self, seconds: float, check: Check) -> None:
        """Let no slot begin for a number of seconds from now on."""

    def close(self) -> None:
        """Close the store; other processes may still use it."""


def longest_queue(span: int, second: int) -> int:
    """How far in the future a slot may begin: a hundred spans, and the longest pause.

    Args:
        span: The span of the limit.
        second: A second in the units of the clock.
    """
    return 100 * span + LONGEST_PAUSE_SECONDS * second


def plausible(time: int, now: int, span: int, second: int) -> int:
    """A time of a store, or a harmless one if it cannot be right.

    A clock may start again, so stored times may lie far in the future. A damaged store may hold any
    number.

    Args:
        time: The stored time.
        now: The store's clock.
        span: The span of the limit.
        second: A second in the units of the clock.
    """
    return time if 0 < time <= now + longest_queue(span, second) else now - span
