"""The subcommand ``analytics-sync describe``: what the declaration of one resource means, in plain words.

In: one resource of the configured catalog or of a file. Out: its request, paging, key, window, columns, parents,
children, partitions and checks, with file and line. Nothing is requested, and no setting is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.catalog.building.setting_places import setting_places
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.plan import SourcePlan, plan_of
from analytics_sync.catalog.tables import OWN_DESCRIPTIONS, table_columns
from analytics_sync.commands.list_assets import entry, windows_text
from analytics_sync.commands.output import show
from analytics_sync.commands.places import one_resource
from analytics_sync.commands.request_words import (
    paging_text,
    template_text,
    value_text,
    window_lines,
)
from analytics_sync.commands.tables import table_lines
from analytics_sync.defs.checks.asset_checks import DESCRIPTIONS, check_names
from analytics_sync.defs.specs.asset_page import description

_WIDTH = 14  # of the labels


def describe(options: argparse.Namespace) -> int:
    """Show what one resource is."""
    source, resource = one_resource(options.resource)
    plan = plan_of(source)
    document = _document(source, plan, resource)
    show(options, document, _lines(document))
    return 0


def _document(source: Source, plan: SourcePlan, resource: Resource) -> dict[str, Any]:
    return {
        **entry(source, plan, resource),
        "description": description(source, resource),
        "request": _request(source, resource),
        "records_at": resource.selector or "the only list of a response",
        "paging": paging_text(resource.paginator),
        "total_at": resource.count_path,
        "primary_key": list(resource.primary_key),
        "window": list(window_lines(resource.incremental)) if resource.incremental else [],
        "parents": [parent.name for parent in source.ancestors(resource)],
        "skip_parents": {n: list(values) for n, values in resource.skip_parents.items()},
        "inherited": dict(resource.inherited),
        "children": [r.name for r in source.resources.values() if r.parent == resource.name],
        "steps": [step.model_dump(exclude_unset=True, mode="json") for step in resource.steps],
        "responses": [_action_text(action) for action in resource.response_actions],
        "retries": _retries(resource),
        "limits": _limits(source),
        "lookback": plan.lookback and str(plan.lookback),
        "columns": list(_columns(resource)),
        "checks": {name: DESCRIPTIONS[name] for name in check_names(source, resource)},
    }


def _request(source: Source, resource: Resource) -> dict[str, Any]:
    names = [*resource.params, *(n for n in resource.texts if n not in resource.params)]
    body = resource.post
    base = source.client.base_url
    return {
        "method": resource.method,
        "path": resource.path,
        "base_url": base,
        "base_url_setting": variable_name(source.name, "base_url"),
        "parameters": {name: value_text(source, resource, name) for name in names},
        "headers": {name: template_text(value) for name, value in resource.headers.items()},
        "body": template_text(body.form if body.json is None else body.json) if body else None,
        "credentials": [
            f"{place.purpose}: setting {variable_name(source.name, place.key)}"
            for place in setting_places(source.client, {})
            if place.key != "base_url"
        ],
    }


def _action_text(action: Any) -> str:
    conditions = [
        f"status {action.status_code}" if action.status_code else "",
        f"text {action.content!r}" if action.content else "",
    ]
    return f"{' and '.join(filter(None, conditions))}: {action.action}"


def _retries(resource: Resource) -> str:
    policy = resource.error_handler
    statuses = ", ".join(map(str, policy.retry_on_status_codes))
    return f"{policy.max_retries} after status {statuses} or a lost connection"


def _limits(source: Source) -> dict[str, Any]:
    client = source.client
    rate = client.rate_limit
    return {
        "rate_limit": f"{rate.requests} requests in {rate.seconds:g} s" if rate else None,
        "max_connections": client.max_connections,
        "max_pages": client.max_pages,
        "max_seconds": client.max_seconds,
    }


def _columns(resource: Resource) -> Iterator[dict[str, Any]]:
    declared = {field.column: field for field in (*resource.fields, *resource.hints)}
    for name, column in table_columns(resource).items():
        field = declared.pop(name, None)
        own = OWN_DESCRIPTIONS.get(name)
        yield _column(name, column["data_type"], field, own, resource)
    for name, field in declared.items():  # the other columns follow the data
        yield _column(name, field.data_type, field, None, resource)


def _column(
    name: str, data_type: str | None, field: Field | None, own: str | None, resource: Resource
) -> dict[str, Any]:
    inherited = resource.inherited.get(field.name) if field else None
    notes = [
        "key" if name in resource.key else "",
        "required" if field and field.required else "",
        f"from {inherited} of {resource.parent}" if inherited else "",
        f"or at {', '.join(field.alias_names)}" if field and field.aliases else "",
        f"null is {field.null_as!r}" if field and field.null_as is not None else "",
        field.format or "" if field else "",
    ]
    return {
        "column": name,
        "type": data_type,
        "field": field.name if field else None,
        "notes": [note for note in notes if note],
        "description": (field.description if field else own) or "",
    }


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['asset']}, declared in {found['file']}:{found['line']}"
    yield ""
    yield from found["description"].splitlines()
    yield ""
    for label, texts in _sections(found):
        for text in texts:
            yield f"{label:<{_WIDTH}}{text}"
            label = ""
    yield ""
    rows: list[Sequence[str]] = [("column", "type", "field", "notes", "description")]
    rows += [
        (c["column"], c["type"] or "", c["field"] or "", ", ".join(c["notes"]), c["description"])
        for c in found["columns"]
    ]
    yield from table_lines(rows)
    yield ""
    yield from (f"check {name}: {text}" for name, text in found["checks"].items())


def _sections(found: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    request, limits = found["request"], found["limits"]
    base = request["base_url"] or "not declared"
    yield "request", [f"{request['method']} {request['path']}"]
    yield "address", [f"{base}, or setting {request['base_url_setting']}"]
    yield "parameters", [f"{name} = {value}" for name, value in request["parameters"].items()]
    yield "headers", [f"{name}: {value}" for name, value in request["headers"].items()]
    yield "body", [request["body"]] if request["body"] else []
    yield "credentials", request["credentials"] or ["none"]
    total = [f"total at {found['total_at']}"] if found["total_at"] else []
    yield "records", [f"at {found['records_at']}", *total]
    yield "paging", [found["paging"]]
    yield "key", [", ".join(found["primary_key"]) or "none"]
    yield "window", found["window"]
    yield "parents", found["parents"]
    yield (
        "no children",
        [f"where {n} is {', '.join(map(str, v))}" for n, v in found["skip_parents"].items()],
    )
    yield "children", found["children"]
    yield "steps", [str(step) for step in found["steps"]]
    yield "responses", found["responses"]
    yield "retries", [found["retries"]]
    yield "rate limit", [limits["rate_limit"] or "none declared"]
    yield (
        "limits",
        [
            f"{limits['max_connections']} connections, {limits['max_pages']:,} pages, "
            f"{limits['max_seconds']:,.0f} s"
        ],
    )
    marks = ", rows that are gone are marked in _deleted_at" if found["marks_deleted"] else ""
    yield "rows", [f"{found['write_disposition']}{marks}"]
    yield "partitions", [windows_text(found["windows"], found["resource"])]
    yield "runs", [found["schedule"] or f"automation: {found['automation']}"]
    yield "source", ["on" if found["enabled"] else "off"]
