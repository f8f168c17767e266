"""The state of a sensor of alerts, as its cursor.

In: the cursor. Out: how far it has read Dagster's history, the open incidents, and the messages that a receiver
has not taken yet. The cursor lives in Dagster's instance, so a restart of the daemon loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from analytics_sync.defs.alerts.incidents import Incident
from analytics_sync.defs.alerts.wording import Message

_VERSION = 1


@dataclass
class Waiting:
    """A message that has not reached everybody.

    Attributes:
        message: The message.
        to: The labels of the receivers that lack it.
        made_at: When it was made, in seconds of the epoch.
    """

    message: Message
    to: list[str]
    made_at: float


@dataclass
class State:
    """What a tick hands on to the next one.

    Attributes:
        after: The storage id of the latest end of a run that was read.
        open: The open incidents.
        outbox: The messages that wait, from old to new.
    """

    after: int
    open: list[Incident] = field(default_factory=list)
    outbox: list[Waiting] = field(default_factory=list)

    @classmethod
    def of(cls, cursor: str | None) -> State | None:
        """The state of a cursor; None for no cursor, or for a text that is none."""
        try:
            document = json.loads(cursor or "null")
            if document["version"] != _VERSION:
                return None
            return cls(
                int(document["after"]),
                [Incident(**i) for i in document["open"]],
                [
                    Waiting(Message.of(w["message"]), w["to"], w["made_at"])
                    for w in document["outbox"]
                ],
            )
        except (ValueError, TypeError, KeyError):
            return None

    def add(self, messages: Iterable[Message], to: Iterable[str], now: float) -> None:
        """Put messages for some receivers into the outbox."""
        labels = list(to)
        self.outbox += [Waiting(message, list(labels), now) for message in messages]

    def text(self) -> str:
        """The state as a cursor."""
        return json.dumps(
            {
                "version": _VERSION,
                "after": self.after,
                "open": [i.document() for i in self.open],
                "outbox": [
                    {"message": w.message.document(), "to": w.to, "made_at": w.made_at}
                    for w in self.outbox
                ],
            }
        )
