"""Alerts: a message when a run or a check fails, and another one when it is well again.

In: Dagster's history. Out: messages to a webhook, Slack, Teams or a mailbox, one for each incident.
"""
