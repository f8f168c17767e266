"""Manners of keys: of another type, shared, empty, missing, or outside the record.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, drop, get_or_none, put
from analytics_sync.sandbox.data.record_place import RecordPlace
from analytics_sync.sandbox.data.response_shape import cursor_in_record, key_paths
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Promise, Record, Subject, manner, register


def _own_keys(subject: Subject) -> list[Path]:
    """The paths of the key's parts that the record itself holds."""
    resource = subject.resource
    outside = {path_of(name) for name in resource.inherited}
    if resource.key_field is not None:
        outside.add(path_of(resource.key_field))
    return [path for path in key_paths(resource) if path not in outside]


def _types(subject: Subject) -> set[str]:
    own = set(_own_keys(subject))
    return {str(f.data_type) for f in subject.resource.fields if f.path in own}


def _is_plain(subject: Subject) -> bool:
    """Whether the records are a list with keys of their own, and no child needs them."""
    return (
        bodies.is_list(subject)
        and bool(_own_keys(subject))
        and not bodies.has_children(subject)
        and not RecordPlace(subject.resource).is_keyed
        and cursor_in_record(subject.resource) is None
    )


def _register_type(name: str, about: str, declared: str, spell: Callable[[Any], Any]) -> None:
    def make(subject: Subject) -> Hooks:
        paths = _own_keys(subject)

        def record(record: Record) -> Record:
            for path in paths:
                if (value := get_or_none(record, path)) not in (None, ""):  # "" stands for null
                    put(record, path, spell(value))
            return record

        return Hooks(record=record)

    register(
        name, about, "keys", "harmless", lambda s: _is_plain(s) and _types(s) == {declared}, make,
    )  # fmt: skip


def _number_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest())


_register_type("numeric-keys", "Keys that are declared as text are numbers.", "text", _number_of)
_register_type("text-keys", "Keys that are declared as numbers are text.", "bigint", str)


def _register_first(
    name: str, about: str, promise: Promise, edit: Callable[[Record, Path], None]
) -> None:
    def make(subject: Subject) -> Hooks:
        paths = _own_keys(subject)

        def change(some: list[Any]) -> list[Any]:
            for path in paths if some else ():
                edit(some[0], path)
            return some

        return Hooks(reply=lambda _, response: bodies.with_records(subject, response, change))

    register(name, about, "keys", promise, _is_plain, make)


_register_first(
    "empty-key", 'The first record of a page has "" as its key.', "provable",
    lambda record, path: put(record, path, ""),
)  # fmt: skip
_register_first("missing-key", "The first record of a page has no key.", "provable", drop)


@manner("keys", "provable", _is_plain)
def shared_key(subject: Subject) -> Hooks:
    """The second record of a page has the key of the first."""
    paths = _own_keys(subject)

    def change(some: list[Any]) -> list[Any]:
        for path in paths if len(some) > 1 else ():
            put(some[1], path, get_or_none(some[0], path))
        return some

    return Hooks(reply=lambda _, response: bodies.with_records(subject, response, change))


def _register_keyed(name: str, about: str, *, keep: bool) -> None:
    def make(subject: Subject) -> Hooks:
        paths = _own_keys(subject)

        def keyed(some: list[Any]) -> dict[str, Any]:
            result = {}
            for record in some:
                key = "/".join(str(get_or_none(record, path)) for path in paths)
                for path in paths if not keep else ():
                    drop(record, path)
                result[key] = record
            return result

        return Hooks(
            reply=lambda _, response: bodies.with_list(
                subject, response, keyed(bodies.records(subject, response))
            )
        )

    register(
        name, about, "shape", "provable", lambda s: _is_plain(s) and bodies.is_enveloped(s), make
    )


_register_keyed("keyed-object", "Records are the values of an object, by key.", keep=False)
_register_keyed(
    "keyed-object-with-ids", "Records are the values of an object, and hold their keys.", keep=True
)
