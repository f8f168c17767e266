"""Processing steps as data: filters, maps and lists that become records.

In: the ``processing_steps`` of a catalog file. Out: one frozen model per step. dlt takes functions in these
places. A file holds data, so each step has a form of its own (ours).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.paths import FieldPath

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "exists"]
_SIZES = frozenset({"<", "<=", ">", ">="})


class Condition(Model):
    """A comparison of a field with a constant. An absent field is null."""

    field: FieldPath
    """The field that is compared."""
    op: Operator = "=="
    """The comparison."""
    value: Any = None
    """The constant; a list for in and not in."""

    @model_validator(mode="after")
    def _fits(self) -> Condition:
        has_value = "value" in self.model_fields_set
        if self.op == "exists":
            if has_value and not isinstance(self.value, bool):
                raise ValueError("expected true or false as the value of exists")
        elif not has_value:
            raise ValueError(f"expected a value beside {self.op}")
        if self.op in {"in", "not in"} and not isinstance(self.value, list):
            raise ValueError(f"expected a list as the value of {self.op}")
        is_size = isinstance(self.value, int | float | str) and not isinstance(self.value, bool)
        if self.op in _SIZES and not is_size:
            raise ValueError(f"expected a number or a text as the value of {self.op}")
        return self


class RecordMap(Model):
    """A change of each record: fields are renamed, then dropped, then set to constants."""

    rename: dict[FieldPath, FieldPath] = Field(default_factory=dict)
    """{old field: new field}."""
    drop: tuple[FieldPath, ...] = ()
    """Fields that are left out."""
    set: dict[FieldPath, Any] = Field(default_factory=dict)
    """{field: constant}."""

    @model_validator(mode="after")
    def _changes(self) -> RecordMap:
        if not (self.rename or self.drop or self.set):
            raise ValueError("expected rename, drop or set")
        names = list(self.rename.values())
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two fields are renamed to {', '.join(sorted(twice))}")
        return self


def _include(value: Any) -> Any:
    return {name: name for name in value} if isinstance(value, list) else value


class FanOut(Model):
    """A list of objects in a record: each becomes a record in its place."""

    field: FieldPath
    """The field with the list."""
    include: Annotated[
        dict[FieldPath, FieldPath],
        BeforeValidator(_include, json_schema_input_type=dict[str, str] | list[str]),
    ] = Field(default_factory=dict)
    """Fields of the record around the list that each new record gets: {name here: field there}, or a list of
    names."""


def _conditions(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _fan_out(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


class ProcessingStep(Model):
    """One step: ``filter``, ``map`` or ``yield_map``."""

    filter: Annotated[
        tuple[Condition, ...] | None,
        BeforeValidator(_conditions, json_schema_input_type=Condition | list[Condition] | None),
    ] = None
    """Keep the records that meet the condition, or all conditions of a list."""
    map: RecordMap | None = None
    """Rename, drop or set fields."""
    yield_map: Annotated[
        FanOut | None, BeforeValidator(_fan_out, json_schema_input_type=str | FanOut | None)
    ] = None
    """Make a record of each object in a list."""

    @model_validator(mode="after")
    def _is_one(self) -> ProcessingStep:
        found = [s for s in (self.filter, self.map, self.yield_map) if s is not None]
        if len(found) != 1 or self.filter == ():
            raise ValueError("expected one of filter, map and yield_map; a step each")
        return self
