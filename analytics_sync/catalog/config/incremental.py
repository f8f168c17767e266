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


_LENGTH = float | str  # seconds, or an ISO 8601 duration
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=_LENGTH),
    Field(gt=timedelta()),
]
# A number has dlt's unit: days if the cursor is a date, otherwise seconds.
Lag = Annotated[
    NonNegativeFloat | timedelta, BeforeValidator(_duration, json_schema_input_type=_LENGTH)
]
Lookback = Annotated[timedelta, BeforeValidator(days_back, json_schema_input_type=int | str)]


class Incremental(Model):
    """The datetime field that windows a resource, and how the API treats bounds."""

    cursor_path: FieldPath
    """The datetime field of a record, by which it belongs to a window."""
    initial_value: Any = None
    """Sets no start: partitions do. Its spelling is the param_format if that is absent."""
    start_param: str | None = None
    """The query parameter for the start of a window."""
    end_param: str | None = None
    """The query parameter for the end of a window."""
    row_order: Literal["asc", "desc"] | None = None
    """The order in which the API lists records by the cursor. The reader then stops early."""
    range_start: Literal["open", "closed"] | None = None
    """closed: a record exactly at the start is given; open: it is not."""
    range_end: Literal["open", "closed"] | None = None
    """closed: a record exactly at the end is given; open: it is not."""
    lag: Lag | None = None
    """The window starts earlier by this length, for records that change late. A number is seconds, or days if
    the cursor is a date."""
    param_format: str = "iso"
    """The format of the two parameters: iso, iso_ms, date, epoch_s, epoch_ms or a strftime pattern (ours)."""
    time_zone: str | None = None
    """The zone in which the API reads bounds without an offset: an IANA name, or an offset such as '+09:00'
    (ours)."""
    max_span: Duration | None = None
    """The longest span that the API accepts in one request: seconds, or a duration such as P7D (ours)."""
    delay: Duration | None = None
    """No bound is later than this length before the present (ours)."""
    step: Literal["month"] | None = None
    """month: one request for each month; start_param takes its first day (ours)."""
    cursor_changes: bool | None = None
    """Whether the cursor of a record may change, as the time of its last change does (ours)."""
    lookback: Lookback | None = None
    """How far before the newest partition the schedule reads partitions again: days, or a duration (ours)."""
    primary_key: Any = None
    """Accepted without effect: rows are merged by the primary_key of the resource."""
    allow_external_schedulers: bool = False
    """Accepted without effect: partitions set the windows."""

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
