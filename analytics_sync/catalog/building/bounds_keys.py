"""The check of the keys that describe the bounds of a window.

In: a complete ``incremental``. Out: nothing, or a ``CatalogError`` for a key that has no effect or that
no request can keep to.
"""

from __future__ import annotations

from datetime import timedelta

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.param_format import directives, offset_of, unit_of
from analytics_sync.catalog.errors import Fail


def check_bounds(incremental: Incremental, fail: Fail) -> None:
    """Check the keys of ``incremental`` together.

    Raises:
        CatalogError: The first key that cannot have its effect.
    """
    sent = {incremental.start_param, incremental.end_param} - {None}
    for key in ("range_start", "range_end", "time_zone", "max_span", "delay"):
        if getattr(incremental, key) is not None and not sent:
            fail("expected start_param or end_param: no bound is sent", *_at(key))
    if incremental.step:
        for key in ("max_span", "delay"):
            if getattr(incremental, key) is not None:
                fail("expected no step: a month is requested as a whole", *_at(key))
    pattern = incremental.param_format
    if "I" in directives(pattern) and "p" not in directives(pattern):
        fail(f"expected %H, or %I with %p, found {pattern!r}", *_at("param_format"))
    if incremental.time_zone and offset_of(pattern) and not directives(pattern) & {"z", "Z"}:
        fail(
            f"expected a param_format without an offset: {pattern!r} says the time zone itself",
            *_at("time_zone"),
        )
    if incremental.max_span is not None:
        _check_max_span(incremental, incremental.max_span, fail)
    if incremental.delay is not None and incremental.end_param is None:
        fail("expected end_param: only an end can keep away from the present", *_at("delay"))


def _check_max_span(incremental: Incremental, max_span: timedelta, fail: Fail) -> None:
    if incremental.start_param is None or incremental.end_param is None:
        fail("expected start_param and end_param: they limit a request", *_at("max_span"))
    unit = unit_of(incremental.param_format)
    shortest = unit if incremental.range_start == "closed" else 2 * unit
    if max_span < shortest:
        fail(
            f"expected at least {shortest}: the bounds of one request take as long; "
            "range_start: closed makes them shorter by their unit",
            *_at("max_span"),
        )


def _at(key: str) -> tuple[str, str, str]:
    return "endpoint", "incremental", key
