"""Work that is done once for all accounts of an API: their resources have the same parts.

In: a function of a resource. Out: the same function, which is called once for resources that differ in their
source only. An account copies the resources of its base, and the copies hold the same objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache, wraps
from typing import TypeVar

from analytics_sync.catalog.source import Resource

_T = TypeVar("_T")
_RESULTS = 1024  # that are kept
_NAMES = tuple(field.name for field in fields(Resource))


class _SameParts:
    """A resource that is equal to another one if both hold the same objects.

    It keeps the objects alive, so that no other object gets the identity of one of them.
    """

    __slots__ = ("_ids", "resource")

    def __init__(self, resource: Resource, without: frozenset[str]) -> None:
        self.resource = resource
        self._ids = tuple(id(getattr(resource, name)) for name in _NAMES if name not in without)

    def __hash__(self) -> int:
        return hash(self._ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameParts) and self._ids == other._ids


def once_for_accounts(
    without: frozenset[str],
) -> Callable[[Callable[[Resource], _T]], Callable[[Resource], _T]]:
    """Decorate a function whose result is the same for resources with the same parts.

    Args:
        without: The attributes of a resource that the function does not read.
    """

    def decorate(function: Callable[[Resource], _T]) -> Callable[[Resource], _T]:
        @lru_cache(_RESULTS)
        def result(same: _SameParts) -> _T:
            return function(same.resource)

        @wraps(function)
        def call(resource: Resource) -> _T:
            return result(_SameParts(resource, without))

        return call

    return decorate
