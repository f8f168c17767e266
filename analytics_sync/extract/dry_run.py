"""The dry run: the first request of each resource, and how many there are at least. Nothing is sent.

In: a source, a window and the selected resources. Out: the requests as a person reads them, with their
parameters. Secrets are masked; a value of a parent record is the name of its field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import BoundsFormat
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.windows.incremental import window_params, with_lag


def first_requests(
    source: Source, window: Window | None, names: Collection[str]
) -> Iterator[tuple[Resource, str]]:
    """The first request of each resource, or why there would be none.

    A parent that is read for its children only has one too.

    Args:
        source: The declaration.
        window: The window of windowed resources; None for a run without one.
        names: The selected resources.

    Raises:
        MissingSetting: The base URL or a credential is not set.
    """
    with ReadRun(source, window, names, resume=False) as run:
        for resource in run.resources_to_read():
            try:
                yield resource, run.first_request(resource)
            except ExtractError as e:
                yield resource, f"no request can be made: {e.happened} {e.advice}".rstrip()


def fewest_requests(resource: Resource, window: Window | None) -> int | None:
    """How many requests a read of a resource needs at least; None for a child, which has one per parent.

    Each request may lead to further pages. An API that refuses the bounds is asked again with other ones.

    Args:
        resource: The resource.
        window: The window that is read; None for everything.
    """
    if resource.parent is not None:
        return None
    incremental = resource.incremental if resource.cursor else None
    window = with_lag(resource, window)
    if incremental is None or window is None:
        return 1
    if incremental.sends_bounds and incremental.max_span is not None:
        bounds = BoundsFormat(incremental)
        return len(bounds.cut(bounds.of(window), incremental.max_span))
    return len(window_params(incremental, window))
