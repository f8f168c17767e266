"""The requester: the requests of one series, sent with what their resource declares.

In: the page requests of a paginator. Out: responses. A link that has lost a part of the first request
gets it back.
"""

from __future__ import annotations

from analytics_sync.common.errors import HttpStatusError
from analytics_sync.extract.read_context import ReadContext
from analytics_sync.extract.rest_client.paginators.link_repair import (
    restore_base_path,
    restore_params,
)
from analytics_sync.extract.rest_client.paginators.paginator import PageRequest
from analytics_sync.extract.rest_client.resource_request import ResourceRequest
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session


class Requester:
    """Sends the requests of one series.

    A class of its own, so that a series and its prefetcher do not refer to each other: their memory
    is freed at once, not at the next garbage collection.

    Args:
        context: The context of the read.
        session: Sends the requests.
        request: The request of the series, without the parameters of the paginator.
    """

    def __init__(self, context: ReadContext, session: Session, request: ResourceRequest) -> None:
        self._context = context
        self._session = session
        self._request = request

    def fetch(self, request: PageRequest) -> Response:
        """The response to a request of the paginator."""
        context, first = self._context, self._request
        link = self._repaired(request.link) if request.link else None
        return self._session.get(
            link or first.url,
            {} if link else first.page_query(request.params),
            place=context.place,
            policy=context.resource.error_handler,
            counters=context.result.counters,
            headers=first.headers,
            content=first.content(request.params),
            actions=context.resource.response_actions,
            deadline=context.deadline,
        )

    def fetch_unless_refused(self, request: PageRequest) -> Response | None:
        """The response; None when the API refuses a request of an earlier run: cursors expire."""
        try:
            return self.fetch(request)
        except HttpStatusError as e:
            is_refusal = 400 <= e.status < 500 and e.status not in {401, 403, 429}
            if e.is_ignored or (is_refusal and not e.is_failure):
                return None
            raise

    def _repaired(self, link: str) -> str:
        first = self._request
        link = restore_base_path(link, first.url, self._session.base_url)
        return restore_params(link, first.url, first.query)
