"""The asker: the few requests of a proposal, sent as a run sends them.

In: a source with one resource, and the parameters of each request. Out: answers. The session of the package
sends them: with the declared credentials and rate limit, with ``Retry-After``, and to the configured origin only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.client import ErrorHandler
from analytics_sync.common.errors import (
    ConnectionFailed,
    ForeignOrigin,
    HttpStatusError,
    InvalidResponse,
    Place,
)
from analytics_sync.common.shown import shown
from analytics_sync.extract.rest_client.call import Counters
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.content import GET, Content
from analytics_sync.extract.rest_client.paginators.paginator import paginator_for
from analytics_sync.extract.rest_client.resource_request import request_of
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import fill_path, join, with_query

_MAX_SECONDS = 600.0
_MAX_SHOWN = 150  # characters of a request, for people
_ADVICE = "Ask for less: a listing of fewer records, or --requests with a smaller number."
_OF_PROBES = ErrorHandler(max_retries=1, backoff_factor=1)  # a refusal is an answer, too
_MAX_BROKEN = 8  # connections, one after the other
_NOT_REFUSALS = frozenset({401, 429})


class Asker:
    """Sends the requests of one resource; a context manager.

    Args:
        source: The source.
        resource: The resource, as declared so far.
        most: The largest number of requests.
        tell: Told of each request, as a line for people.

    Raises:
        MissingSetting: The address or a credential is not set.
    """

    def __init__(
        self, source: Source, resource: Resource, most: int, tell: Callable[[str], None]
    ) -> None:
        settings = Settings(source)
        self._session = Session(settings)
        self._place = Place(source.name, resource.name)
        self._resource = resource
        self._most = most
        self._tell = tell
        self._deadline = Deadline.after(_MAX_SECONDS, _ADVICE)
        self._counters = Counters()
        self._broken = 0
        params: dict[str, object] = {
            name: settings.param(resource.settings[name], f"{resource.name}: parameter {name}")
            if name in resource.settings
            else declared
            for name, declared in resource.params.items()
        }
        self._request = request_of(
            resource, self._session.base_url, params, self._place, self._session.redact
        )

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    @property
    def url(self) -> str:
        """The address of the resource."""
        return self._request.url

    @property
    def query(self) -> Mapping[str, Any]:
        """The query of the first request."""
        return self._request.query

    @property
    def asked(self) -> int:
        """How many requests were sent, with those that were tried again."""
        return self._counters.requests

    @property
    def left(self) -> int:
        """How many requests may still be sent."""
        return self._most - self.asked

    def first(self) -> Response:
        """The answer to the request as it is declared, with what its paginator adds.

        Raises:
            ExtractError: The API cannot be read.
        """
        page = paginator_for(self._resource.paginator, self._place).first_request().params
        query, content = self._request.page_query(page), self._request.content(page)
        return self._get(self.url, query, self._resource.error_handler, content)

    def probe(self, params: Mapping[str, object]) -> Response | None:
        """The answer to the request with further parameters.

        None if the API refuses it, or if no request is left.
        """
        return self._try(self.url, {**self._request.query, **params})

    def follow(self, link: str) -> Response | None:
        """The answer to the request of a link, under the same rules."""
        return self._try(link, {})

    def child(self, path: str, placeholder: str, value: object) -> Response | None:
        """The answer to the request of a child of one record, under the same rules.

        Args:
            path: Below the base URL, with the placeholder.
            placeholder: The name of the value in the path.
            value: The value.
        """
        redact = self._session.redact
        filled = fill_path(path, {placeholder: value}, frozenset(), self._place, redact)
        return self._try(join(self._session.base_url, filled), {})

    def _try(self, url: str, query: Mapping[str, object]) -> Response | None:
        if self.left <= 0:
            return None
        try:
            response = self._get(url, query, _OF_PROBES)
            self._broken = 0
            return response
        except HttpStatusError as e:
            if e.status in _NOT_REFUSALS:
                raise
        except (ForeignOrigin, InvalidResponse):
            pass
        except ConnectionFailed:  # some servers break off at a value that they cannot read
            self._broken += 1
            if self._broken == _MAX_BROKEN:
                raise
        return None

    def _get(
        self,
        url: str,
        query: Mapping[str, object],
        policy: ErrorHandler,
        content: Content = GET,
    ) -> Response:
        target = self._session.redact(with_query(url, query))
        self._tell(f"{content.method} {shown(target, _MAX_SHOWN)}")
        with self._session.redact.in_logs():
            return self._session.get(
                url,
                query,
                place=self._place,
                policy=policy,
                counters=self._counters,
                deadline=self._deadline,
                headers=self._request.headers,
                actions=self._resource.response_actions,
                content=content,
            )
