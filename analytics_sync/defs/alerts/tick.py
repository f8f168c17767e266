"""One tick of a sensor of alerts.

In: the context of the tick and the sources. Out: the reason that Dagster shows for it, and the next cursor. The
first tick, and *Preview tick result* in the UI, send nothing: Dagster names no earlier tick to them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from dagster import SensorEvaluationContext, SensorResult

from analytics_sync.catalog import Source
from analytics_sync.common.errors import MissingSetting
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import counted
from analytics_sync.defs.alerts.alert_settings import (
    URLS,
    AlertSettings,
    alert_settings,
)
from analytics_sync.defs.alerts.delivery import deliver
from analytics_sync.defs.alerts.finished_runs import (
    Location,
    Reader,
    before_latest_ends,
    checks_of,
    ends_after,
    latest_end,
    resources_of,
)
from analytics_sync.defs.alerts.incidents import Incident, Incidents
from analytics_sync.defs.alerts.messages import Wording
from analytics_sync.defs.alerts.runless_checks import runless_checks
from analytics_sync.defs.alerts.state import State
from analytics_sync.defs.alerts.wording import Message

_MAX_RUNS = 100  # of a tick; the next one reads on
_RUNS_OF_PREVIEW = 20
_MAX_SECONDS = 20.0  # for reading them


class Tick:
    """One tick.

    Args:
        context: Its context.
        location: The sources.
        is_check: Whether it is about checks, not about resources.

    Raises:
        WrongSetting: A setting is wrong.
    """

    def __init__(
        self, context: SensorEvaluationContext, location: Location, *, is_check: bool
    ) -> None:
        self._context, self._location, self._is_check = context, location, is_check
        self._read: Reader = checks_of if is_check else resources_of
        self._settings: AlertSettings = alert_settings()

    def result(self) -> SensorResult:
        """Read on in the history, and send what is to be told."""
        context, labels = self._context, [r.label for r in self._settings.receivers]
        if not labels:
            return SensorResult(
                skip_reason=f"Nobody is told. Set {URLS} to the address of a receiver."
            )
        is_trial = context.last_tick_completion_time is None
        state = State.of(context.cursor)
        if state is None:
            reason = f"Begins now. {', '.join(labels)} will be told of runs that end from now on."
            reason += self._preview() if is_trial else ""
            return SensorResult(
                skip_reason=reason, cursor=State(latest_end(context.instance)).text()
            )
        state, messages, is_behind = self._read_on(state, _MAX_RUNS)
        if is_trial:
            return SensorResult(skip_reason=_trial(messages, state, labels), cursor=context.cursor)
        now = time.time()
        state.add(messages, labels, now)
        report = deliver(state, self._settings.receivers, now)
        for problem in report.problems:
            context.log.error(problem)
        reason = report.summary(len(state.outbox)) or "Nothing to tell."
        if is_behind:
            reason += " The next tick reads on: there are more runs."
        return SensorResult(skip_reason=reason, cursor=state.text())

    def _read_on(self, state: State, limit: int) -> tuple[State, list[Message], bool]:
        """The state after the next runs, what is to be told of them, and whether more follow."""
        until = time.monotonic() + _MAX_SECONDS
        partitions = {name: p.partitions for name, p in self._location.sources.items()}
        incidents = Incidents(state.open, partitions)
        ends = ends_after(self._context.instance, state.after, limit)
        after, is_behind = state.after, len(ends) == limit
        for end in ends:
            if time.monotonic() > until:
                is_behind = True
                break
            incidents.observe(
                self._read(self._context.instance, self._location, end, incidents.open)
            )
            after = end.storage_id
        if self._is_check and not is_behind:
            for found in runless_checks(self._context.instance, self._location):
                incidents.observe(found)
        messages = self._messages(incidents)
        return State(after, incidents.open, state.outbox), messages, is_behind

    def _messages(self, incidents: Incidents) -> list[Message]:
        changed = [*incidents.begun, *incidents.over]
        if not changed:
            return []
        redact = Redactor(self._secrets(changed))
        words = Wording(self._settings.dagster_url, redact, is_check=self._is_check)
        return [*words.begun(incidents.begun), *words.over(incidents.over)]

    def _secrets(self, incidents: Iterable[Incident]) -> set[str]:
        found = {secret for r in self._settings.receivers for secret in r.secrets}
        for name in {incident.source for incident in incidents}:
            if planned := self._location.sources.get(name):
                found |= _secrets_of(planned.source)
        return found

    def _preview(self) -> str:
        """What would have been told of the latest runs, for somebody who tests the sensor."""
        instance = self._context.instance
        _, messages, _ = self._read_on(
            State(before_latest_ends(instance, _RUNS_OF_PREVIEW)), _RUNS_OF_PREVIEW
        )
        if not messages:
            return f" Of the last {_RUNS_OF_PREVIEW} runs nothing would have been told."
        texts = "".join(f"\n\n{m.text}" for m in messages)
        return f" Of the last {_RUNS_OF_PREVIEW} runs it would have told:{texts}"


def _trial(messages: Collection[Message], state: State, labels: Collection[str]) -> str:
    """What a tick would send."""
    head = f"Test: nothing is sent, and the cursor stays. A tick would send to {', '.join(labels)}:"
    waiting = [w.message for w in state.outbox]
    if not messages and not waiting:
        return f"{head} nothing. {counted(len(state.open), 'incident')} open."
    return "\n\n".join([head, *(m.text for m in [*waiting, *messages])])


def _secrets_of(source: Source) -> set[str]:
    """The secrets of a source that are set."""
    from analytics_sync.extract.rest_client.credentials import Credentials
    from analytics_sync.extract.rest_client.settings import Settings

    settings = Settings(source)
    try:
        settings.look_up_secrets()
        Credentials(settings).sent()
    except MissingSetting:
        pass
    return settings.secrets | settings.provided
