"""The declared window of a resource: the keys of ``incremental``.

In: the ``incremental`` value of a catalog file. Out: ``Incremental``. Keys and their meaning are those of
dlt's ``rest_api``. "(ours)" marks each key that dlt lacks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, field_validator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.param_format import FORMATS, days_back, duration_of, zone_of
from analytics_sync.catalog.config.paths import FieldPath


def _duration(value: Any) -> Any:
    """A text is an ISO 8601 duration; pydantic reads a number as seconds."""
    return duration_of(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta())]
# A number has dlt's unit: days if the cursor is a date, otherwise seconds.
Lag = Annotated[NonNegativeFloat | timedelta, BeforeValidator(_duration)]
Lookback = Annotated[timedelta, BeforeValidator(days_back)]


class Incremental(Model):
    """The datetime field that windows a resource.

    ``cursor_path``, ``start_param``, ``end_param``, ``row_order``, ``range_start``, ``range_end``,
    ``lag`` and ``initial_value`` are dlt's. ``initial_value`` is accepted and ignored, because
    partitions set the start. ``param_format`` (ours) is the format of the two parameters: one of the
    names below or a strftime pattern. ``step: month`` (ours): ``start_param`` takes the first day of
    a month, and the response covers that month. ``time_zone`` (ours): the zone in which the API reads
    bounds without an offset. ``max_span`` (ours): the longest span of one request. ``delay`` (ours):
    how long before the present the API refuses bounds or has no data yet. ``cursor_changes`` (ours):
    whether the cursor of a record may change. ``lookback`` (ours): how far before the newest partition
    the schedule reads partitions again, for records that change late. ``primary_key`` and
    ``allow_external_schedulers`` are accepted and ignored: rows are merged by the key of the resource, and
    partitions set the windows.
    """

    cursor_path: FieldPath
    initial_value: Any = None
    start_param: str | None = None
    end_param: str | None = None
    row_order: Literal["asc", "desc"] | None = None
    range_start: Literal["open", "closed"] | None = None
    range_end: Literal["open", "closed"] | None = None
    lag: Lag | None = None
    param_format: str = "iso"
    time_zone: str | None = None
    max_span: Duration | None = None
    delay: Duration | None = None
    step: Literal["month"] | None = None
    cursor_changes: bool | None = None
    lookback: Lookback | None = None
    primary_key: Any = None
    allow_external_schedulers: bool = False

    @property
    def sends_bounds(self) -> bool:
        """Whether requests carry a start, an end, or both."""
        return self.step is None and (self.start_param or self.end_param) is not None

    @field_validator("param_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in FORMATS and "%" not in value:
            raise ValueError("expected iso, iso_ms, date, epoch_s, epoch_ms or a strftime pattern")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone_of(value)
        return value
