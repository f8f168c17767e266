"""Manners of parents and children: children that are refused, fields of parents under other names.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import threading
import zlib

from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, drop, get_or_none
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Record, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

_ONE_IN = 3  # parents whose children are refused


def _is_child(subject: Subject) -> bool:
    return subject.resource.parent is not None


def _register_refusal(name: str, about: str, status: int) -> None:
    def make(subject: Subject) -> Hooks:
        resolved = subject.resource.resolved

        def ask(request: Request) -> Request | ServedResponse:
            in_query = [request.one(n) or "" for n in sorted(resolved)]
            parent = "\n".join([request.path, *in_query])
            if zlib.crc32(parent.encode()) % _ONE_IN:
                return request
            return ServedResponse(status, b'{"message": "not for you"}')

        return Hooks(ask=ask)

    register(name, about, "status", "provable", _is_child, make)


_register_refusal(
    "child-forbidden", "The children of every third parent are answered with 403.", 403
)
_register_refusal("child-gone", "The children of every third parent are answered with 410.", 410)
_register_refusal(
    "child-withheld", "The children of every third parent are answered with 451.", 451
)


def _fields_for_children(subject: Subject) -> list[Path]:
    """The fields that requests of children take, without those that the key or the cursor holds."""
    resource = subject.resource
    special = {path_of(name) for name in resource.primary_key}
    special |= {field.path for field in (resource.cursor,) if field}
    found: list[Path] = []
    for child in subject.source.resources.values():
        if child.parent == resource.name:
            paths = {path_of(param.field) for param in child.resolved.values()}
            found += sorted(paths - special, key=str)
    return found


@manner("shape", "provable", lambda s: bool(_fields_for_children(s)))
def parent_field_renamed(subject: Subject) -> Hooks:
    """The fields that the requests of children take have other names."""
    paths = _fields_for_children(subject)

    def record(record: Record) -> Record:
        for path in paths:
            record[f"new_{path[-1]}"] = get_or_none(record, path)
            drop(record, path)
        return record

    return Hooks(record=record)


def _is_selected_by_query(subject: Subject) -> bool:
    """Whether the query names the parent, and the records inherit its fields."""
    resource = subject.resource
    return (
        bodies.is_list(subject)
        and bool(resource.inherited)
        and any(f"{{{name}}}" not in resource.path for name in resource.resolved)
    )


@manner("pages", "provable", _is_selected_by_query)
def ignores_parent(subject: Subject) -> Hooks:
    """All parents get the children of one parent, as if the query did not name the parent."""
    names = dict.fromkeys(subject.resource.resolved, "")
    lock = threading.Lock()
    served: dict[str, ServedResponse] = {}

    def ask(request: Request) -> Request | ServedResponse:
        with lock:
            return served.get(request.link(names), request)

    def reply(request: Request, response: ServedResponse) -> ServedResponse:
        if bodies.records(subject, response):
            with lock:
                served.setdefault(request.link(names), response)
        return response

    return Hooks(ask=ask, reply=reply)
