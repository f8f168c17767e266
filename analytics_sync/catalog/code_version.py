"""The code version of an asset: a text that changes when the declaration would give other rows.

In: a resource of a source. Out: twelve hexadecimal digits, equal in each process and with each version of
Python. Dagster compares them with those of the latest materialization, and shows assets whose rows come from
another declaration. A description, a sensor or a retry policy changes no rows. A new key of the catalog that
is not set changes no code version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from analytics_sync.catalog.shared_parts import once_for_accounts
from analytics_sync.catalog.source import Resource, Source

_DIGITS = 12
# Attributes that change how a resource is shown or asked for, and no row.
_SHOWN = frozenset(
    {
        "source",
        "description",
        "page",
        "sensor",
        "selected",
        "error_handler",
        "count_path",
        "key_prefix",
    }
)
_OF_FIELD = frozenset({"description", "required"})
# Keys of paginators and windows that change the number of requests, and no row.
_OF_MODEL = frozenset(
    {"limit", "initial_value", "max_span", "row_order", "lookback"}
    | {"primary_key", "allow_external_schedulers"}
)
# Attributes that change the table of a resource, and not which records it has: children read these only.
_TABLE = frozenset(
    {"table", "fields", "primary_key", "write_disposition", "soft_deletes", "deletes"}
)


def code_version(source: Source, resource: Resource) -> str:
    """The code version of the asset of a resource."""
    client = {"headers": _plain(source.client.headers), "charset": source.client.charset}
    # the parents say which children are read
    ancestors = ",".join(map(_of_parent, source.ancestors(resource)))
    text = f'{{"ancestors":[{ancestors}],"client":{_json(client)},"resource":{_own(resource)}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


@once_for_accounts(_SHOWN)
def _own(resource: Resource) -> str:
    """What a resource declares, as JSON."""
    return _json(_declared(resource, _SHOWN))


@once_for_accounts(_SHOWN | _TABLE)
def _of_parent(resource: Resource) -> str:
    """What a resource declares that its children read, as JSON."""
    return _json(_declared(resource, _SHOWN | _TABLE))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _declared(resource: Resource, without: frozenset[str]) -> dict[str, Any]:
    values = {f.name: getattr(resource, f.name) for f in fields(resource) if f.name not in without}
    if "fields" in values:  # their order changes no row
        values["fields"] = {
            field.column: _without_defaults(
                {f.name: getattr(field, f.name) for f in fields(field) if f.name not in _OF_FIELD}
            )
            for field in values["fields"]
        }
    if resource.cursor is not None and "cursor" in values:
        values["cursor"] = resource.cursor.column
    return _without_defaults(values)


def _without_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are set, as plain data."""
    plain = {name: _plain(value) for name, value in values.items()}
    return {name: value for name, value in plain.items() if value not in (None, False, [], {})}


def _plain(value: Any) -> Any:
    """A value as JSON has it, in one form."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case BaseModel():
            return _of_model(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case AbstractSet():
            return sorted((_plain(item) for item in value), key=json.dumps)
        case timedelta():
            return value.total_seconds()
        case date() | Decimal():
            return str(value)
    if is_dataclass(value):
        return _without_defaults({f.name: getattr(value, f.name) for f in fields(value)})
    raise TypeError(f"{type(value).__name__} has no form in a code version")


def _of_model(model: BaseModel) -> dict[str, Any]:
    """The keys of a model that are not at their defaults. ``type`` tells equal keys of models apart."""
    set_keys = {}
    for name, info in type(model).model_fields.items():
        if name in _OF_MODEL:
            continue
        value = getattr(model, name)
        if name == "type" or value != info.get_default(call_default_factory=True):
            set_keys[name] = _plain(value)
    return set_keys
