"""Trouble that a person switches on and off while the sandbox runs.

In: the kind of a trouble, and the source or resource that has it.
Out: the fault of a request, and a list of what is on. It ends with the sandbox, or when it is switched off.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from analytics_sync.catalog import Source
from analytics_sync.sandbox.messages import Fault, Refused, Request, ServedResponse

# kind -> status and message of the response; None is the right response, but late
KINDS: dict[str, tuple[int, str] | None] = {
    "403": (403, "this key may not read this"),
    "outage": (503, "the service is down for maintenance"),
    "expired-key": (401, "the key has expired"),
    "slow": None,
}
DEFAULT_SECONDS = 2.0
_MAX_SECONDS = 600.0


@dataclass(frozen=True)
class Trouble:
    """One trouble that is on.

    Attributes:
        kind: A key of ``KINDS``.
        place: ``source`` or ``source/resource``; empty for all sources.
        seconds: How long each response takes; 0 unless the kind is ``slow``.
    """

    kind: str
    place: str
    seconds: float = 0.0


class Troubles:
    """What is on in a running sandbox.

    Args:
        sources: The sources that the sandbox serves.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._active: tuple[Trouble, ...] = ()
        self._lock = threading.Lock()

    def fault(self, request: Request) -> Fault | None:
        """The fault of a request; None without trouble at its place."""
        delay, refusal = 0.0, None
        for trouble in self._active:
            if trouble.place in ("", request.source, f"{request.source}/{request.resource}"):
                delay += trouble.seconds
                refusal = refusal or KINDS[trouble.kind]
        if refusal is None:
            return Fault(delay=delay) if delay else None
        status, message = refusal
        response = ServedResponse(status, orjson.dumps({"errors": [message]}))
        return Fault(response=response, delay=delay)

    def start(self, kind: str, place: str, seconds: str | None = None) -> list[dict[str, Any]]:
        """Switch a trouble on, and return all that are on.

        Raises:
            Refused: 404 for an unknown kind or place. 422 for seconds that do not fit.
        """
        if kind not in KINDS:
            raise Refused(404, f"no trouble {kind!r}; known: {', '.join(KINDS)}")
        self._check_place(place)
        length = self._seconds(kind, seconds)
        with self._lock:
            others = [t for t in self._active if (t.kind, t.place) != (kind, place)]
            self._active = (*others, Trouble(kind, place, length))
        return self.listed()

    def end(self, place: str) -> list[dict[str, Any]]:
        """Switch off what is on at a place and below it, and return what stays on.

        Raises:
            Refused: 404, the place is unknown.
        """
        self._check_place(place)
        with self._lock:
            self._active = tuple(
                t
                for t in self._active
                if place and t.place != place and not t.place.startswith(f"{place}/")
            )
        return self.listed()

    def listed(self) -> list[dict[str, Any]]:
        """All that are on, in the order in which they were switched on."""
        return [asdict(trouble) for trouble in self._active]

    def _check_place(self, place: str) -> None:
        source, _, resource = place.partition("/")
        if source and source not in self._sources:
            raise Refused(404, f"no source {source!r}; known: {', '.join(self._sources)}")
        if resource and resource not in self._sources[source].resources:
            known = ", ".join(self._sources[source].resources)
            raise Refused(404, f"no resource {resource!r} of {source}; known: {known}")

    def _seconds(self, kind: str, text: str | None) -> float:
        if kind != "slow":
            return 0.0
        try:
            seconds = DEFAULT_SECONDS if text is None else float(text)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= _MAX_SECONDS:
            raise Refused(422, f"seconds: expected more than 0 and up to 600, found {text!r}")
        return seconds
