"""The values at declared places of a response: cursors, flags and totals.

In: a body, and the path that the catalog file declares. Out: what the value there says.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.common.json_path import MISSING, lookup
from analytics_sync.extract.rest_client.paginators.sign_names import whole_number_of
from analytics_sync.extract.rest_client.response import Response


def is_empty(cursor_or_link: Any) -> bool:
    """Whether a value at the place of a cursor or link says that no page follows."""
    return cursor_or_link is MISSING or cursor_or_link in (None, "", 0, False)


def is_last_by_flag(path: str | None, response: Response) -> bool:
    """Whether the flag at ``path`` (``has_more_path``) says that no page follows."""
    said = MISSING if path is None else lookup(response.body, path)
    if isinstance(said, str):
        return said.strip().lower() in ("", "0", "false", "no")
    return said is None or said is False or said == 0


def whole_number(body: Any, path: str) -> int | None:
    """The whole number at ``path``, also as digits; None when the body holds none there."""
    return whole_number_of(lookup(body, path))
