"""The delivery of messages: each receiver gets each message, now or at a later tick.

In: the outbox of the state. Out: an outbox without what was taken, and lines for the log. A receiver that fails
is left in peace until the next tick, and holds up no other one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from analytics_sync.common.shown import counted
from analytics_sync.defs.alerts.alert_settings import Receiver
from analytics_sync.defs.alerts.state import State, Waiting

_MAX_SECONDS = 25.0  # of a tick: Dagster ends a tick after 60 seconds
_MAX_AGE = 7 * 86400.0
_MAX_WAITING = 200


@dataclass
class Report:
    """What a tick has delivered.

    Attributes:
        sent: Number of the messages that a receiver has taken.
        problems: A line for each receiver that failed, and for each message that was given up.
    """

    sent: int = 0
    problems: list[str] = field(default_factory=list)

    def summary(self, waiting: int) -> str:
        """One sentence each about what was sent, what waits, and why."""
        parts = [f"{counted(self.sent, 'message')} sent."] if self.sent else []
        if waiting:
            parts.append(f"{counted(waiting, 'message')} waiting: the next tick tries again.")
        return " ".join([*parts, *self.problems])


def deliver(state: State, receivers: Sequence[Receiver], now: float) -> Report:
    """Send what waits, from old to new.

    Args:
        state: The state; what was taken leaves its outbox.
        receivers: The receivers.
        now: The present, in seconds of the epoch.
    """
    if not state.outbox:
        return Report()
    from analytics_sync.defs.alerts.sending import NotSent, send  # loaded for a message only

    report, until = Report(), time.monotonic() + _MAX_SECONDS
    labels = {receiver.label for receiver in receivers}
    for waiting in state.outbox:
        waiting.to = [label for label in waiting.to if label in labels]
    for receiver in receivers:
        for waiting in [w for w in state.outbox if receiver.label in w.to]:
            if time.monotonic() > until:
                break
            try:
                send(receiver, waiting.message)
            except NotSent as e:
                report.problems.append(f"{e}.")
                break
            waiting.to.remove(receiver.label)
            report.sent += 1
    state.outbox = [w for w in state.outbox if w.to]
    _give_up(state, report, now)
    return report


def _give_up(state: State, report: Report, now: float) -> None:
    """Drop messages that nobody takes for a week, and the oldest ones of very many."""
    kept: list[Waiting] = [w for w in state.outbox if now - w.made_at < _MAX_AGE][-_MAX_WAITING:]
    for waiting in state.outbox:
        if waiting not in kept:
            lost = ", ".join(waiting.to)
            report.problems.append(f"given up, not taken by {lost}: {waiting.message.title}.")
    state.outbox = kept
