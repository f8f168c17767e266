"""The judge of gaps: pages with a status of success that say that they are not complete.

In: the pages of a read. Out: a finding for a page that lacks records by its own words; an error for one
that holds no records at all, because an error is not "no rows". The catalog file can accept such pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from analytics_sync.common.errors import InvalidResponse
from analytics_sync.common.exact_json import dumps
from analytics_sync.extract.convert.stand_ins import StandIns
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.paginators.signs_of_gaps import signs_of_gaps
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.verdict import is_accepted

_MAX_NAMED = 3
_MAX_CHARACTERS = 120


class GapJudge:
    """Judges the pages of one request series.

    Args:
        context: The context of the read.
        redact: Removes secrets from messages.
    """

    def __init__(self, context: ReadContext, redact: Callable[[str], str]) -> None:
        self._context = context
        self._redact = redact

    @cached_property
    def _stand_ins(self) -> StandIns:
        return StandIns(self._context.resource, self._context.resource.fields)

    def judge(self, response: Response, records: Sequence[Any]) -> None:
        """Judge a page.

        Raises:
            InvalidResponse: The page speaks of an error and holds no records.
        """
        context, resource = self._context, self._context.resource
        signs = signs_of_gaps(response, records, resource.selector)
        if not signs or is_accepted(
            response.status, (response.unmasked or response).raw, resource.response_actions
        ):
            return
        said = self._redact("; ".join(signs[:_MAX_NAMED]))
        if not records:
            raise InvalidResponse(
                context.place,
                f"{resource.method} {self._redact(response.url)} answered status {response.status} without "
                f"records, and says that there was an error: {said}.",
                "Run again. If this means that there are no records, declare response_actions with a "
                "part of this text as content, and action ignore.",
            )
        context.add_finding(
            COMPLETE,
            f"The API says that a page is not complete: {said}. Run again. If the page is complete all "
            "the same, declare response_actions with its status_code or content, and action accept.",
        )

    def judge_left_out(self, elements: Sequence[Any]) -> None:
        """Judge the elements of a page that a filter of ``data_selector`` leaves out.

        An error in place of a record lacks the field that the filter compares.
        """
        resource = self._context.resource
        if not elements or not resource.fields:
            return
        found = [e for e in elements if type(e) is dict and self._stand_ins.error_in(e)]
        if found:
            example = self._redact(dumps(found[0]).decode())[:_MAX_CHARACTERS]
            self._context.add_finding(
                COMPLETE,
                f"data_selector leaves out elements that hold an error and no declared field, for "
                f"example {example}. They may stand for records. Run again, or declare a data_selector "
                "that takes them: then they are rejected.",
            )
