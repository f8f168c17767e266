"""The messages about incidents: one for each cause that has begun, and one for each source that is well again.

In: the incidents that have begun or are over in a tick. Out: messages. Resources of one source that fail for
one reason in one tick share a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from analytics_sync.common.shown import counted, listed, shown
from analytics_sync.defs.alerts.incidents import Incident
from analytics_sync.defs.alerts.wording import MAX_CAUSE, Message

FAILURE, CHECK_FAILURE, WELL = "failure", "check_failure", "well"
_NEXT = (
    "Follow the advice of the cause, then start the run again in Dagster (Re-execute). The schedule, if it is "
    "on, reads missed days of the last days by itself."
)
_NEXT_OF_CHECK = "Look at the check in Dagster: {url}. Then materialize the partitions again."


class Wording:
    """Makes messages.

    Args:
        dagster_url: The address of Dagster's UI.
        redact: Masks the secrets of a text.
        is_check: Whether the incidents are about checks.
    """

    def __init__(self, dagster_url: str, redact: Callable[[str], str], *, is_check: bool) -> None:
        self._url, self._redact, self._is_check = dagster_url, redact, is_check

    def begun(self, incidents: Iterable[Incident]) -> Iterator[Message]:
        """The messages of incidents that have begun."""
        for found in _groups(incidents, lambda i: (i.source, i.kind)):
            first = found[0]
            yield Message(
                event=CHECK_FAILURE if self._is_check else FAILURE,
                title=f"Failed: {self._subject(found)}",
                cause=shown(self._redact(first.cause), MAX_CAUSE),
                partitions=_partitions(found),
                next=self._next(first),
                **self._common(found, first, first.run_id),
            )

    def over(self, incidents: Iterable[Incident]) -> Iterator[Message]:
        """The messages of incidents that are over."""
        for found in _groups(incidents, lambda i: (i.source, i.kind if self._is_check else "")):
            first = min(found, key=lambda i: i.since)
            yield Message(
                event=WELL,
                title=f"Well again: {self._subject(found)}",
                **self._common(found, first, found[-1].well_in),
            )

    def _common(self, incidents: list[Incident], first: Incident, run_id: str) -> dict[str, Any]:
        """What both kinds of messages say."""
        return {
            "source": first.source,
            "resources": tuple(dict.fromkeys(i.name for i in incidents if i.resource)),
            "check": first.kind if self._is_check else "",
            "kind": shown(self._redact(first.kind)),
            "since": _moment(first.since),
            "run_id": run_id,
            "url": f"{self._url}/runs/{run_id}" if run_id else self._check_page(first),
        }

    def _subject(self, incidents: list[Incident]) -> str:
        names = list(dict.fromkeys(i.name for i in incidents))
        what = names[0]
        if len(names) > 1:
            what = f"{counted(len(names), 'resource')} of {incidents[0].source}"
        return f"check {incidents[0].kind} of {what}" if self._is_check else what

    def _next(self, incident: Incident) -> str:
        if not self._is_check:
            return _NEXT
        return _NEXT_OF_CHECK.format(url=self._check_page(incident))

    def _check_page(self, incident: Incident) -> str:
        return f"{self._url}/assets/{incident.name}?view=checks"


def _groups(
    incidents: Iterable[Incident], key: Callable[[Incident], tuple[str, str]]
) -> Iterator[list[Incident]]:
    for _, found in groupby(sorted(incidents, key=key), key=key):
        yield list(found)


def _partitions(incidents: list[Incident]) -> str:
    ranges = dict.fromkeys(text for i in incidents for text in i.ranges)
    return listed(sorted(ranges))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
