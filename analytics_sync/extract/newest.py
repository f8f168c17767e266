"""The newest cursor of a resource, found by one request.

In: the declaration of a windowed resource that lists newest first. Out: the newest cursor.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import Place
from analytics_sync.extract.convert.cursor import CursorReader
from analytics_sync.extract.processing import Processing
from analytics_sync.extract.rest_client.call import Counters
from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.paginators.paginator import paginator_for
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.extract.rest_client.resource_request import request_of
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import MAX_SHOWN_URL

_MAX_SECONDS = 60.0  # Dagster gives up the tick of a sensor after this time


def newest_cursor(
    source: Source, resource: Resource, until: datetime | None = None
) -> datetime | None:
    """The newest cursor on the first page, in UTC; None when no record has one.

    Args:
        source: The declaration.
        resource: A resource of the source that lists newest first.
        until: Later cursors do not count; None counts all.

    Raises:
        ExtractError: The resource cannot be read.
    """
    settings = Settings(source)
    session = Session(settings)
    place = Place(source.name, resource.name)
    params: dict[str, object] = {
        name: settings.param(resource.settings[name], f"{resource.name}: parameter {name}")
        if name in resource.settings
        else declared
        for name, declared in resource.params.items()
    }
    sensor_params = resource.sensor.params if resource.sensor else {}
    page = paginator_for(resource.paginator, place).first_request().params
    with closing(session), session.redact.in_logs():
        request = request_of(resource, session.base_url, params, place, session.redact)
        response = session.get(
            request.url,
            {**request.page_query(page), **sensor_params},
            place=place,
            policy=resource.error_handler,
            counters=Counters(),
            deadline=_deadline(session),
            headers=request.headers,
            content=request.content(page),
            actions=resource.response_actions,
        )
    request_name = f"{resource.method} {session.redact(response.url)[:MAX_SHOWN_URL]}"
    selected = select(response.body, resource, place, request_name, session.redact)
    records = Processing(resource, place, session.redact).apply(selected)
    return CursorReader(resource).newest_cursor(records, until)


def _deadline(session: Session) -> Deadline:
    """The deadline of the request of one tick."""
    if session.max_seconds <= _MAX_SECONDS:
        return Deadline.after(session.max_seconds)
    return Deadline.after(
        _MAX_SECONDS,
        "A sensor has no more time. Look at the API, or name fewer records in sensor.params.",
    )
