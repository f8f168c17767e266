"""Incidents: what is failing, since when, and which partitions are not well yet.

In: what finished runs say, in the order of their ends. Out: the incidents that have begun, and those that are
over. A repeated failure of one kind is the same incident, also if each run of a backfill has it. An incident is
over as soon as all its partitions were read, or their check has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dagster import TimeWindowPartitionsDefinition

from analytics_sync.defs.alerts.partition_ranges import keys_of, ranges_of

# Seconds after a failure: once it has worked in between, the next one is told again.
_NEW_AFTER = 12 * 3600.0
_FORGOTTEN_AFTER = 30 * 86400.0  # seconds after the last failure


@dataclass(frozen=True)
class Failed:
    """A failure of a resource, or of its check, in one run.

    Attributes:
        source: Name of the source.
        resource: Name of the resource; "" for the whole source.
        kind: The kind of the cause; the name of the check, if it is one.
        cause: The first line of the error.
        partitions: The partitions that failed; none if it has none.
    """

    source: str
    resource: str
    kind: str
    cause: str
    partitions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Worked:
    """A resource that was read, or a check that has passed, in one run.

    Attributes:
        source: Name of the source.
        resource: Name of the resource.
        kind: The name of the check; "" for a resource that was read: no cause of a failure is there then.
        partitions: The partitions; none if it has none.
    """

    source: str
    resource: str
    kind: str = ""
    partitions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FinishedRun:
    """What one finished run says."""

    run_id: str
    ended_at: float
    failed: tuple[Failed, ...]
    worked: tuple[Worked, ...]


@dataclass
class Incident:
    """Something that fails.

    Attributes:
        source, resource, kind, cause: As in its first failure.
        run_id: The first run that failed.
        since: When this run ended, in seconds of the epoch.
        last: When its latest run has ended.
        ranges: The partitions that are not well yet.
        has_partitions: Whether it is about partitions.
        has_worked: Whether a part of it has worked since the latest failure.
        well_in: The run after which nothing is left of it.
    """

    source: str
    resource: str
    kind: str
    cause: str
    run_id: str
    since: float
    last: float
    ranges: list[str] = field(default_factory=list)
    has_partitions: bool = False
    has_worked: bool = False
    well_in: str = ""

    @property
    def name(self) -> str:
        """The source, and the resource if it is about one."""
        return f"{self.source}/{self.resource}" if self.resource else self.source

    def document(self) -> dict[str, Any]:
        """The incident as a JSON document."""
        return asdict(self)


class Incidents:
    """The open incidents, and what has changed.

    Args:
        open_: The open incidents.
        partitions: The partitions of each source.

    Attributes:
        begun: The incidents that have begun.
        over: The incidents that are over.
    """

    def __init__(
        self, open_: list[Incident], partitions: Mapping[str, TimeWindowPartitionsDefinition]
    ) -> None:
        self.open = list(open_)
        self.begun: list[Incident] = []
        self.over: list[Incident] = []
        self._partitions = partitions

    def observe(self, run: FinishedRun) -> None:
        """Take in what a finished run says. Runs come in the order of their ends."""
        for worked in run.worked:
            for incident in [i for i in self.open if _concerns(worked, i)]:
                self._mend(incident, worked, run)
        for failed in run.failed:
            self._add(failed, run)
        self.open = [i for i in self.open if run.ended_at - i.last < _FORGOTTEN_AFTER]

    def _mend(self, incident: Incident, worked: Worked, run: FinishedRun) -> None:
        incident.has_worked = True
        if incident.has_partitions:
            definition = self._partitions[incident.source]
            left = keys_of(incident.ranges, definition) - worked.partitions
            if left:
                incident.ranges = ranges_of(left, definition)
                return
        incident.well_in = run.run_id
        self.open.remove(incident)
        self.over.append(incident)

    def _add(self, failed: Failed, run: FinishedRun) -> None:
        same = (failed.source, failed.resource, failed.kind)
        known = [i for i in self.open if (i.source, i.resource, i.kind) == same]
        incident = known[0] if known else None
        if incident is None:
            incident = Incident(*same, failed.cause, run.run_id, run.ended_at, run.ended_at)
            self.open.append(incident)
            self.begun.append(incident)
        elif incident.has_worked and run.ended_at - incident.last >= _NEW_AFTER:
            incident.cause, incident.run_id, incident.since = failed.cause, run.run_id, run.ended_at
            self.begun.append(incident)
        incident.last, incident.has_worked = run.ended_at, False
        if failed.partitions:
            incident.has_partitions = True
            definition = self._partitions[failed.source]
            keys = keys_of(incident.ranges, definition) | failed.partitions
            incident.ranges = ranges_of(keys, definition)


def _concerns(worked: Worked, incident: Incident) -> bool:
    """Whether something that has worked may mend an incident."""
    if worked.source != incident.source or incident.resource not in {"", worked.resource}:
        return False
    return worked.kind in {"", incident.kind}
