"""Stale pages: responses that were in a cache before they arrived.

In: a page, and the window that is read. Out: a message if the page is older than the end of the window.
Records of the window that came after the page was made are then missing.
"""

from __future__ import annotations

from datetime import timedelta

from analytics_sync.catalog import Resource
from analytics_sync.common.window import EPOCH, Window
from analytics_sync.extract.rest_client.response import Response, seconds_in_cache


def judge_age(response: Response, window: Window | None, resource: Resource) -> str:
    """What the age of a page says against the window; empty if it says nothing.

    A window that is not over yet lacks records anyway.

    Args:
        response: The page.
        window: None for everything.
        resource: The declaration.
    """
    age = seconds_in_cache(response.headers)
    if not age or window is None or resource.cursor is None:
        return ""
    answered = EPOCH + timedelta(microseconds=response.received_at)
    if not answered < window.end <= answered + timedelta(seconds=age):
        return ""
    return (
        f"A response came from a cache, where it had been for {age:,} s. It is older than the end of the "
        f"window, so that records may be missing. Run again later, or declare headers: "
        f"{{Cache-Control: no-cache}} for resource {resource.name!r}."
    )
