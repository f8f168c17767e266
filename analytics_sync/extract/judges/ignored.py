"""Ignored series: request series whose first response means "no records" by declaration.

In: the errors of such series, and whether other series of the same read gave pages. Out: the ends of
these series; a finding when the declaration may hide records.

``ignore`` with a status alone is a broad declaration: a status such as 400 also says that a request is
wrong, and 500 that the server is down. So a status is in doubt if no series of a read gave a page, and
neither the text of the response nor the declaration says that there is nothing to read.
"""

from __future__ import annotations

import re
import threading

from analytics_sync.common.errors import HttpStatusError, InvalidResponse, Place
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.extract.rest_client.response import error_text
from analytics_sync.extract.result import ReadResult

# Not permitted, not there, not there any more, or withheld: statuses of a single parent's children.
_CHILD_GONE = frozenset({403, 404, 410, 451})
# Statuses that say by themselves that there is nothing, or nothing for this key.
_ABSENT = frozenset({402, 403, 404, 405, 409, 410, 423, 451, 501})
_MIN_SERIES = 2  # without bounds, one series proves nothing: the declaration was made for it

_NO_DATA = re.compile(
    r"\b(no|not any|without|zero)\b[^.;]{0,30}"
    r"\b(data|records?|results?|rows?|entries|events?|items?|content|activity|matches|reports?|usage)\b"
    r"|\bnot found\b|\b(is|are|was) empty\b|\bnothing\b|\b(doesn't|does not) exist\b",
    re.IGNORECASE,
)
_OFF = re.compile(
    r"(\bnot|n't)\b[^.;]{0,20}"
    r"\b(enabled|active|activated|available|supported|allowed|permitted|licensed|subscribed|configured|included)\b"
    r"|\b(disabled|unavailable|unsupported|upgrade|subscription|plan|feature)\b",
    re.IGNORECASE,
)
_ABOUT_BOUNDS = re.compile(
    r"range|(?<!up)date|time(?!stamp)|period|interval|span|window|future|format|param"
    r"|\b(start|end|from|until|before|after|since|days?|hours?|months?|years?)\b",
    re.IGNORECASE,
)


def says_absent(error: HttpStatusError) -> bool:
    """Whether an ignored response says, by its text or by declaration, that there is nothing to read."""
    text = error_text(error.body)
    return (
        error.is_quoted
        or _NO_DATA.search(text) is not None
        or (_OFF.search(text) is not None and _ABOUT_BOUNDS.search(text) is None)
    )


def is_gone(error: HttpStatusError) -> bool:
    """Whether the first response for a parent's children may mean that there are none."""
    return error.status in _CHILD_GONE and not error.is_failure


def missing_part(error: HttpStatusError) -> HttpStatusError:
    """The error of a child that is gone in a part of the window only."""
    return HttpStatusError(
        error.place,
        f"a part of the window has no page, and another part has one: {error.happened}",
        "If a part without records answers so, declare response_actions with status_code "
        f"{error.status} and action ignore.",
        status=error.status,
    )


def _is_doubtful(error: HttpStatusError) -> bool:
    """Whether the status of an ignored response may have another reason than absence."""
    status = error.status
    if status < 400 or status in _ABSENT or says_absent(error):
        return False
    # An empty body cannot be quoted, so that a file has no way to be more exact.
    return status == 401 or status >= 500 or bool(error_text(error.body))


class IgnoredSeries:
    """The ignored series of one read. Threads may share it.

    Args:
        result: Receives ends and findings.
        place: Names the resource.
        has_bounds: Whether the requests carry bounds of a window.
    """

    def __init__(self, result: ReadResult, place: Place, *, has_bounds: bool) -> None:
        self._result = result
        self._place = place
        self._has_bounds = has_bounds
        self._lock = threading.Lock()
        self._ignored: list[HttpStatusError] = []
        self._has_pages = False

    def may_be_absence(self, error: HttpStatusError) -> bool:
        """Whether the first response of a series may mean that there are no records."""
        is_child = self._result.children is not None
        return error.is_ignored or (is_child and is_gone(error))

    def add_pages(self) -> None:
        """Note that the API gave pages."""
        self._has_pages = True

    def add(self, error: HttpStatusError) -> None:
        """Note that all requests of a series, or of a window, were ignored."""
        with self._lock:
            self._ignored.append(error)

    def record_end(self, error: HttpStatusError) -> None:
        """Record the end of a series without pages, while another series of the window has some.

        Raises:
            HttpStatusError: The declaration does not ignore the response.
        """
        if not error.is_ignored:
            raise missing_part(error)
        doubt_ignored(error, self._result, self._place)
        self._result.record_end(f"status {error.status}, ignored", None, 0, proven_complete=False)

    def judge(self) -> None:
        """Record a finding if nothing was read, and the responses do not say that there is nothing."""
        doubtful = [error for error in self._ignored if _is_doubtful(error)]
        if self._has_pages or len(doubtful) < (1 if self._has_bounds else _MIN_SERIES):
            return
        statuses = " and ".join(sorted({str(error.status) for error in doubtful}))
        correct = (
            "start_param, end_param and param_format of incremental, and endpoint.params"
            if self._has_bounds
            else "path and params of endpoint"
        )
        self._result.findings.add(
            COMPLETE,
            f"No request gave records: response_actions ignore status {statuses}, which came "
            f"{len(doubtful)} times for {len(self._ignored)} "
            f"{'windows or parents' if self._has_bounds else 'parents'}. The last: "
            f"{doubtful[-1].happened} If there are no records, add a part of this text as content of "
            f"the action. Otherwise look at the API's status page, and at {correct}.",
        )


def doubt_ignored(error: HttpStatusError, result: ReadResult, place: Place) -> None:
    """Record a finding if an ignored response holds a list of records all the same."""
    try:
        records = select(error.body, result.resource, place)
    except InvalidResponse:
        return
    if records and records[0] is not error.body:
        result.findings.add(
            COMPLETE,
            f"A response with status {error.status} and {len(records):,} records was ignored. "
            "Make response_actions more exact: its content is a part of these records, or its "
            "status_code is the status of pages.",
        )
