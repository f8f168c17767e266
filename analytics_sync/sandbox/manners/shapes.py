"""Manners of shapes: envelopes and objects of another depth than declared.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

from analytics_sync.sandbox.data.json_path import ABSENT, drop, get
from analytics_sync.sandbox.data.record_place import RecordPlace
from analytics_sync.sandbox.data.response_shape import cursor_in_record, key_paths
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Record, Subject, manner


@manner("shape", "provable", bodies.is_list)
def extra_envelope(subject: Subject) -> Hooks:
    """The body is one level deeper, below ``response``."""
    return Hooks(
        reply=lambda _, response: bodies.with_body(response, {"response": bodies.decoded(response)})
    )


@manner("shape", "provable", bodies.is_enveloped)
def records_deeper(subject: Subject) -> Hooks:
    """The records are one level deeper, below ``items``."""
    return Hooks(
        reply=lambda _, response: bodies.with_list(
            subject, response, {"items": bodies.records(subject, response)}
        )
    )


def _has_other_elements(subject: Subject) -> bool:
    token = bodies.token_path(subject) if bodies.has_token(subject) else ()
    return (
        bodies.is_list(subject)
        and RecordPlace(subject.resource).has_choice
        and not bodies.is_numbered(subject)  # such a server counts all elements
        and cursor_in_record(subject.resource) is None
        and -1 not in token
    )


@manner("shape", "harmless", _has_other_elements)
def other_elements(subject: Subject) -> Hooks:
    """The list also holds an element that the selector leaves out."""
    place = RecordPlace(subject.resource)
    return Hooks(
        reply=lambda _, response: bodies.with_body(
            response, place.with_other(bodies.decoded(response))
        )
    )


def _has_nested(subject: Subject) -> bool:
    resource = subject.resource
    paths = [f.path for f in resource.fields if len(f.path) > 1]
    special = [*key_paths(resource), *((resource.cursor.path,) if resource.cursor else ())]
    return (
        bool(paths)
        and bodies.is_list(subject)
        and not bodies.has_children(subject)
        and all(len(path) == 1 for path in special)
    )


@manner("shape", "provable", _has_nested)
def dotted_keys(subject: Subject) -> Hooks:
    """Declared fields inside an object are keys with dots instead."""
    paths = [f.path for f in subject.resource.fields if len(f.path) > 1]

    def record(record: Record) -> Record:
        for path in paths:
            if (value := get(record, path)) is not ABSENT:
                drop(record, path)
                record[".".join(path)] = value
        return record

    return Hooks(record=record)
