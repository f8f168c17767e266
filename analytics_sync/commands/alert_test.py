"""The subcommand ``analytics-sync alert-test``: a test message to each receiver of alerts.

In: the settings of alerts. Out: an exit status, and a line for each receiver.
"""

from __future__ import annotations

import argparse
import sys

from analytics_sync.commands.output import show
from analytics_sync.defs.alerts.alert_settings import URLS, alert_settings
from analytics_sync.defs.alerts.sending import NotSent, send
from analytics_sync.defs.alerts.wording import Message

_FAILED = 1


def alert_test(options: argparse.Namespace) -> int:
    """Send a test message to each receiver, and return whether all have taken it."""
    settings = alert_settings()
    if not settings.receivers:
        print(f"nobody is told: set {URLS} to the address of a receiver", file=sys.stderr)
        show(options, {"receivers": []}, ())
        return _FAILED
    message = Message(
        event="test",
        title="Test: alerts of analytics_sync reach you",
        next="Nothing. Somebody has started analytics-sync alert-test.",
        url=settings.dagster_url,
    )
    receivers = []
    for receiver in settings.receivers:
        problem = ""
        try:
            send(receiver, message)
        except NotSent as e:
            problem = str(e)
            print(f"not sent: {e}", file=sys.stderr)
        receivers.append(
            {"receiver": receiver.label, "sent": not problem, "error": problem or None}
        )
    sent = [f"sent: {entry['receiver']}" for entry in receivers if entry["sent"]]
    show(options, {"receivers": receivers}, sent)
    return 0 if len(sent) == len(receivers) else _FAILED
