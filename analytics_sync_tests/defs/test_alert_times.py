"""The times of alerts: when a failure is told again, when it is forgotten, and when a message is given up."""

from __future__ import annotations

import socket

import pytest
from dagster import DailyPartitionsDefinition

from analytics_sync.defs.alerts.alert_settings import Receiver
from analytics_sync.defs.alerts.delivery import deliver
from analytics_sync.defs.alerts.incidents import Failed, FinishedRun, Incidents, Worked
from analytics_sync.defs.alerts.state import State
from analytics_sync.defs.alerts.wording import Message

HOUR, DAY = 3600.0, 86400.0
ITEMS = ("shop", "items")


def failed(hour: float, *days: str) -> FinishedRun:
    """A run in which partitions fail."""
    failure = Failed(*ITEMS, "status 403", "refused", frozenset(days))
    return FinishedRun(f"failed {hour}", hour * HOUR, (failure,), ())


def read(hour: float, *days: str) -> FinishedRun:
    """A run that reads partitions."""
    return FinishedRun(f"read {hour}", hour * HOUR, (), (Worked(*ITEMS, "", frozenset(days)),))


@pytest.fixture
def incidents() -> Incidents:
    """Two days that have failed at 0 o'clock, and one of them was read an hour later."""
    found = Incidents([], {"shop": DailyPartitionsDefinition("2025-01-01")})
    found.observe(failed(0, "2025-01-01", "2025-01-02"))
    found.observe(read(1, "2025-01-01"))
    return found


@pytest.mark.parametrize(("hour", "told"), [(11.9, 1), (12, 2)])
def test_a_failure_after_half_a_day_is_told_again_if_a_part_has_worked(
    incidents: Incidents, hour: float, told: int
) -> None:
    incidents.observe(failed(hour, "2025-01-03"))
    assert len(incidents.begun) == told
    assert len(incidents.open) == 1


def test_a_failure_that_nothing_has_mended_is_told_once(incidents: Incidents) -> None:
    for hour in (2, 30, 60):
        incidents.observe(failed(hour, "2025-01-03"))
    assert len(incidents.begun) == 1


@pytest.mark.parametrize(("days", "open_"), [(29.9, 1), (30, 0)])
def test_an_incident_is_forgotten_a_month_after_its_last_failure(
    incidents: Incidents, days: float, open_: int
) -> None:
    incidents.observe(FinishedRun("another source", days * DAY, (), ()))
    assert len(incidents.open) == open_


@pytest.fixture
def nobody() -> Receiver:
    """A receiver at a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return Receiver("webhook", "webhook nobody", f"http://127.0.0.1:{port}/", needs_tls=False)


@pytest.mark.parametrize(("days", "waiting"), [(6.9, 1), (7, 0)])
def test_a_message_that_nobody_takes_for_a_week_is_given_up(
    nobody: Receiver, days: float, waiting: int
) -> None:
    state = State(0)
    state.add([Message("failure", "Failed: shop/items")], [nobody.label], now=0)
    report = deliver(state, [nobody], days * DAY)
    assert len(state.outbox) == waiting
    given_up = "given up, not taken by webhook nobody: Failed: shop/items."
    assert (given_up in report.problems) == (not waiting)


def test_the_oldest_of_very_many_messages_are_given_up(nobody: Receiver) -> None:
    state = State(0)
    state.add([Message("failure", str(n)) for n in range(203)], [nobody.label], now=0)
    report = deliver(state, [nobody], 1)
    assert [w.message.title for w in state.outbox] == [str(n) for n in range(3, 203)]
    assert [p for p in report.problems if p.startswith("given up")] == [
        f"given up, not taken by webhook nobody: {n}." for n in range(3)
    ]
