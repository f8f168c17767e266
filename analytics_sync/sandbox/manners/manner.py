"""A manner: a named change of requests or responses of one resource.

In: the functions of the modules beside this one, which ``manner`` adds to ``MANNERS``.
Out: ``Manners``, the chosen manners of a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import orjson

from analytics_sync.catalog import Resource, Source
from analytics_sync.sandbox.faults import records_changed
from analytics_sync.sandbox.manners import raw_numbers
from analytics_sync.sandbox.messages import Request, ServedResponse
from analytics_sync.sandbox.options import Options

Record = dict[str, Any]
Promise = Literal["harmless", "provable"]
Group = Literal[
    "status",
    "bounds",
    "pages",
    "total",
    "end",
    "links",
    "gaps",
    "digits",
    "times",
    "keys",
    "shape",
    "charset",
]
_ORDER = get_args(Group)  # in which manners change a response; a shape hides the records


@dataclass(frozen=True)
class Subject:
    """The resource that gets a manner, its source, and the options of the server."""

    source: Source
    resource: Resource
    options: Options


@dataclass(frozen=True)
class Hooks:
    """The functions of one manner for one resource.

    Attributes:
        ask: Changes a request, or answers it.
        reply: Changes a response to a request; the request is the one that the client sent.
        record: Changes one record. Tests apply it to the expected records too.
        encode: Changes a finished response, after all other changes.
    """

    ask: Callable[[Request], Request | ServedResponse] | None = None
    reply: Callable[[Request, ServedResponse], ServedResponse] | None = None
    record: Callable[[Record], Record] | None = None
    encode: Callable[[ServedResponse], ServedResponse] | None = None


@dataclass(frozen=True)
class Manner:
    """One manner.

    Attributes:
        name: Name, as on the command line.
        about: What the server does, in one line.
        group: Manners of one group cannot be combined for one resource.
        promise: What a run must do: ``harmless`` is the right rows. ``provable`` is the right rows,
            a failure, or a failed check of severity ERROR.
        fits: Whether the manner can show at a resource.
        make: Makes the functions for a resource.
    """

    name: str
    about: str
    group: Group
    promise: Promise
    fits: Callable[[Subject], bool]
    make: Callable[[Subject], Hooks]


MANNERS: dict[str, Manner] = {}
"""All manners, by name."""


def manner(
    group: Group, promise: Promise, fits: Callable[[Subject], bool]
) -> Callable[[Callable[[Subject], Hooks]], Callable[[Subject], Hooks]]:
    """Add the decorated function to ``MANNERS``; its docstring describes the manner."""

    def add(make: Callable[[Subject], Hooks]) -> Callable[[Subject], Hooks]:
        name = make.__name__.replace("_", "-")
        register(name, make.__doc__ or "", group, promise, fits, make)
        return make

    return add


def register(
    name: str,
    about: str,
    group: Group,
    promise: Promise,
    fits: Callable[[Subject], bool],
    make: Callable[[Subject], Hooks],
) -> None:
    """Add a manner to ``MANNERS``."""
    MANNERS[name] = Manner(name, about.strip(), group, promise, fits, make)


class Manners:
    """The manners of a server.

    Args:
        sources: The sources by name.
        options: Options of the server.
        names: ``NAME`` for every resource that it fits, or ``NAME=source/resource``.

    Raises:
        ValueError: There is no such manner or resource, or the manner does not fit the resource.
    """

    def __init__(
        self, sources: Mapping[str, Source], options: Options, names: Iterable[str] = ()
    ) -> None:
        self._hooks: dict[str, list[Hooks]] = {}
        subjects = {
            str(r): Subject(s, r, options) for s in sources.values() for r in s.resources.values()
        }
        parsed = [text.partition("=") for text in names]
        for name, _, _ in parsed:
            if name not in MANNERS:
                raise ValueError(f"no manner {name!r}; known: {', '.join(MANNERS)}")
        parsed.sort(key=lambda choice: _ORDER.index(MANNERS[choice[0]].group))
        for name, _, asset in parsed:
            if asset and asset not in subjects:
                raise ValueError(f"manner {name}: no resource {asset!r}; expected source/resource")
            if asset and not MANNERS[name].fits(subjects[asset]):
                raise ValueError(f"manner {name} cannot show at {asset}: {MANNERS[name].about}")
            for subject in [subjects[asset]] if asset else subjects.values():
                if MANNERS[name].fits(subject):
                    hooks = MANNERS[name].make(subject)
                    self._hooks.setdefault(str(subject.resource), []).append(hooks)

    def ask(self, request: Request) -> Request | ServedResponse:
        """The request that the API answers, or the response in place of its answer."""
        for hooks in self._of(request):
            if hooks.ask is not None:
                asked = hooks.ask(request)
                if isinstance(asked, ServedResponse):
                    return asked
                request = asked
        return request

    def reply(
        self, request: Request, resource: Resource | None, response: ServedResponse
    ) -> ServedResponse:
        """The response that the client gets.

        Args:
            request: The request, as the client sent it.
            resource: The resource of the request's path; None if no resource has this path.
            response: The response of the API.
        """
        hooks = self._of(request)
        if not hooks or resource is None:
            return response
        if response.status == 200:
            for hook in hooks:
                if hook.record is not None:
                    response = records_changed(resource, _each(hook.record))(response)
        for hook in hooks:
            if hook.reply is not None and response.status == 200:
                response = hook.reply(request, response)
        response = replace(response, body=raw_numbers.spelled(response.body))
        for hook in hooks:
            if hook.encode is not None:
                response = hook.encode(response)
        return response

    def expected(self, asset: str, record: Record) -> Record:
        """A record of the ledger as the client gets it.

        Args:
            asset: ``source/resource``.
            record: The record; it is not changed.
        """
        changes = [h.record for h in self._hooks.get(asset, ()) if h.record is not None]
        if not changes:
            return record
        record = orjson.loads(orjson.dumps(record))
        for change in changes:
            record = change(record)
        return record

    def _of(self, request: Request) -> list[Hooks]:
        return self._hooks.get(f"{request.source}/{request.resource}", [])


def _each(change: Callable[[Record], Record]) -> Callable[[list[Any]], list[Any]]:
    return lambda records: [change(r) if isinstance(r, dict) else r for r in records]
