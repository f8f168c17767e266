"""Manners of links and redirects: they lose a part of the request that they continue.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Promise, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

_MOVED = "moved"
_ORIGIN_AND_SOURCE = re.compile(r"^(https?://[^/]+)/[^/?]+")


@manner("links", "harmless", lambda _: True)
def redirect_without_parameters(subject: Subject) -> Hooks:
    """Every request is redirected to the same path, without its parameters."""

    def ask(request: Request) -> Request | ServedResponse:
        if request.one(_MOVED):
            return bodies.with_query(request, **{_MOVED: None})
        return ServedResponse(301, b"", {"Location": f"?{_MOVED}=1"})

    return Hooks(ask=ask)


def _has_links(subject: Subject) -> bool:
    paginator = subject.resource.paginator
    in_body = bodies.has_token(subject) and isinstance(paginator, p.JsonLink)
    return in_body or (bodies.is_list(subject) and isinstance(paginator, p.HeaderLink))


def _has_bounds(subject: Subject) -> bool:
    incremental = subject.resource.incremental
    return _has_links(subject) and incremental is not None and incremental.start_param is not None


def _edited(
    subject: Subject, edit: Callable[[str], str]
) -> Callable[[Request, ServedResponse], ServedResponse]:
    """A reply with another link to the next page."""
    paginator = subject.resource.paginator

    def reply(_: Request, response: ServedResponse) -> ServedResponse:
        if isinstance(paginator, p.HeaderLink):
            header = response.headers.get("Link")
            if header is None:
                return response
            link = re.sub("<(.*?)>", lambda found: f"<{edit(found[1])}>", header, count=1)
            return bodies.with_header(response, "Link", link)
        body, path = bodies.decoded(response), bodies.token_path(subject)
        if not isinstance(link := get_or_none(body, path), str):
            return response
        put(body, path, edit(link))
        return bodies.with_body(response, body)

    return reply


@manner("links", "harmless", _has_bounds)
def links_without_bounds(subject: Subject) -> Hooks:
    """Links have lost the bounds of the window."""
    incremental = subject.resource.incremental
    lost = {incremental.start_param, incremental.end_param} if incremental else set()

    def edit(link: str) -> str:
        base, _, query = link.partition("?")
        kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in lost]
        return f"{base}?{urlencode(kept)}"

    return Hooks(reply=_edited(subject, edit))


def _register_cut(name: str, about: str, promise: Promise, replacement: str) -> None:
    def make(subject: Subject) -> Hooks:
        return Hooks(reply=_edited(subject, lambda link: _ORIGIN_AND_SOURCE.sub(replacement, link)))

    register(name, about, "links", promise, _has_links, make)


_register_cut(
    "links-without-base-path", "Links lack the path of the base URL.", "harmless", r"\1",
)  # fmt: skip
_register_cut(
    "relative-links-without-base-path", "Links are relative, without the path of the base URL.",
    "harmless", "",
)  # fmt: skip
