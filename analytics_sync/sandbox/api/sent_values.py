"""The values that a request sends inside its texts and its body.

In: a resource, and a request. Out: the request, with each of these values as a parameter of the query. So the
rest of the sandbox serves a value in the same way, wherever the file declares its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.texts import Placeholder, Text
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import get_or_none
from analytics_sync.sandbox.messages import Refused, Request

_Pairs = Iterator[tuple[str, str]]


def with_sent_values(request: Request, resource: Resource, in_path: Mapping[str, str]) -> Request:
    """The request with the values of its texts as parameters.

    Args:
        request: The request as it came.
        resource: The resource of its path.
        in_path: The values of the placeholders in the path.

    Raises:
        Refused: 405 for another method than the declared one; 400 for a text or a body that is not as declared.
    """
    if request.method != resource.method:
        raise Refused(405, f"only {resource.method} is declared for {resource.name}")
    window = resource.incremental
    bounds = {window.start_param, window.end_param} if window else set()
    found = [(n, v) for n, v in in_path.items() if n in bounds]
    for name, text in resource.texts.items():
        found += _values(text, request.query.get(name), f"parameter {name}")
    for name, text in resource.headers.items():
        if isinstance(text, Text):
            found += _values(text, request.headers.get(name.lower()), f"header {name}")
    if resource.post is not None:
        found += _of_body(request, resource)
    query = {**request.query}
    for name, value in found:
        query[name] = [value]
    return replace(request, query=query)


def _of_body(request: Request, resource: Resource) -> _Pairs:
    """The values of a body: those of its texts, those of the paginator, and plain numbers at its top."""
    assert resource.post is not None
    if isinstance(resource.post.form, dict):
        form = parse_qs(request.body.decode(), keep_blank_values=True)
        for name, text in resource.post.form.items():
            if text is not None:
                yield from _values(text, form.get(name), f"field {name} of the form")
        return
    if isinstance(resource.post.form, Text):
        yield from _values(resource.post.form, request.body.decode(), "the body")
        return
    if resource.post.json is None and not resource.paginator.body_paths:
        return
    try:
        body = json.loads(request.body)
    except ValueError:
        raise Refused(400, "the body is no JSON") from None
    if isinstance(body, dict):
        yield from ((n, str(v)) for n, v in body.items() if type(v) is int)
    if resource.post.json is not None:
        yield from _values(resource.post.json, body, "the body")
    for path in resource.paginator.body_paths:
        if (value := get_or_none(body, path_of(path))) is not None:
            yield path, str(value)


def _values(declared: Any, sent: Any, where: str) -> _Pairs:
    """The values of the texts in a declared value, taken from the one that was sent.

    Raises:
        Refused: 400, the value is not as declared.
    """
    if isinstance(sent, list) and len(sent) == 1 and not isinstance(declared, list):
        sent = sent[0]
    if isinstance(declared, Text):
        yield from _of_text(declared, sent, where)
    elif isinstance(declared, dict):
        for name, item in declared.items():
            if not isinstance(sent, dict) or name not in sent:
                raise Refused(400, f"{where} lacks {name}")
            yield from _values(item, sent[name], f"{name} of {where}")
    elif isinstance(declared, list | tuple):
        if not isinstance(sent, list) or len(sent) != len(declared):
            raise Refused(400, f"{where} is no list of {len(declared)}")
        for number, (item, one) in enumerate(zip(declared, sent, strict=True)):
            yield from _values(item, one, f"element {number} of {where}")
    elif _plain(sent) != _plain(declared):
        raise Refused(400, f"{where} is {sent!r} and not {declared!r}")


def _of_text(declared: Text, sent: Any, where: str) -> _Pairs:
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else "(.+?)" for part in declared.parts
    )
    match = re.fullmatch(pattern, "" if sent is None else _plain(sent), re.DOTALL)
    if match is None:
        raise Refused(400, f"{where} is not as declared: {sent!r}")
    slots = [part for part in declared.parts if isinstance(part, Placeholder)]
    for slot, value in zip(slots, match.groups(), strict=True):
        if value.startswith("{"):
            raise Refused(400, f"{where} holds a placeholder in place of its value: {value!r}")
        yield slot.name, value


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
