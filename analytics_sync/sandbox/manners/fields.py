"""The fields of a resource that a manner may change.

In: a subject.
Out: the fields on which neither keys nor windows nor other resources depend.
"""

from __future__ import annotations

from analytics_sync.catalog import Field
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.response_shape import paged_by
from analytics_sync.sandbox.manners.manner import Subject


def plain_fields(subject: Subject) -> list[Field]:
    """The fields that are no key, no cursor, not inherited, and not inside another field."""
    resource = subject.resource
    declared = {f.name for f in (resource.cursor,) if f} | {
        *resource.inherited,
        *resource.primary_key,
    }
    for child in subject.source.resources.values():
        if child.parent == resource.name:
            declared |= {param.field for param in child.resolved.values()}
            declared |= set(child.inherited.values()) | set(child.skip_parents)
    special = {*map(path_of, declared), *paged_by(resource)}
    roots = [f.path for f in resource.fields]
    return [
        f
        for f in resource.fields
        if not any(path[: len(f.path)] == f.path for path in special)
        and not any(other != f.path and other[: len(f.path)] == f.path for other in roots)
        and not any(other != f.path and f.path[: len(other)] == other for other in roots)
    ]
