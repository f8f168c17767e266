"""The reader of the ``Link`` header, by RFC 8288.

In: the value of the header; several headers are joined by commas. Out: its links, each with its target
and its relation types. The target and quoted parameters may hold commas and semicolons, so the value is
read character by character and never split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SEPARATORS = re.compile(r"[ \t,]*")
_TARGET = re.compile(r"<([^>]*)>")
_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*
        (?P<name>[^\s;,=<>"]*)
        (?:[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s;,"]*)))?""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MAX_SHOWN_CHARACTERS = 80


class MalformedLinkHeader(ValueError):
    """A part of a ``Link`` header that is no link."""


@dataclass(frozen=True)
class Link:
    """One link.

    Attributes:
        target: The URL as the header gives it, often relative.
        relations: The relation types in lower case.
        anchor: The context of the link, if it is not the response itself; None without one.
        is_empty: Whether the header says that the target has no records (``results="false"``).
    """

    target: str
    relations: tuple[str, ...]
    anchor: str | None = None
    is_empty: bool = False


def parse_links(header: str) -> Iterator[Link]:
    """The links of a header, in their order.

    Raises:
        MalformedLinkHeader: A part of the header is no link. The links before it are given first.
    """
    position = _after(_SEPARATORS, header, 0)
    while position < len(header):
        target = _TARGET.match(header, position)
        if target is None:
            raise MalformedLinkHeader(header[position : position + _MAX_SHOWN_CHARACTERS])
        position = target.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            # Of several parameters of one name, the first counts.
            parameters.setdefault(parameter["name"].lower(), _value(parameter))
        rest = header[position:].lstrip(" \t")
        if rest and not rest.startswith(","):
            raise MalformedLinkHeader(rest[:_MAX_SHOWN_CHARACTERS])
        relations = tuple(parameters.get("rel", "").lower().split())
        is_empty = parameters.get("results", "").lower() == "false"
        yield Link(target[1].strip(), relations, parameters.get("anchor"), is_empty)
        position = _after(_SEPARATORS, header, position)


def find_link(header: str, relation: str) -> str | None:
    """The target of the first link of this relation type; None without one.

    A link with an anchor leads from another resource, not from this response, so it does not count.
    Nor does a link to a page that has no records.

    Raises:
        MalformedLinkHeader: A part of the header is no link, and no link before it fits.
    """
    wanted = relation.lower()
    for link in parse_links(header):
        if wanted in link.relations and not link.anchor and not link.is_empty:
            return link.target
    return None


def _value(parameter: re.Match[str]) -> str:
    quoted = parameter["quoted"]
    return _ESCAPED.sub(r"\1", quoted) if quoted is not None else parameter["token"] or ""


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
