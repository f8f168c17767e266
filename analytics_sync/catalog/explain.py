"""A validation error of pydantic -> one sentence with file, line, resource and key.

In: the error and the lines of the file. Out: a ``CatalogError`` about the first thing wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.yaml_config import Lines, Path


def explain(
    error: ValidationError, data: Mapping[str, Any], lines: Lines, file: str
) -> CatalogError:
    """The first problem of ``error``, placed in the file."""
    first = min(error.errors(), key=lambda e: lines.get(_place(e["loc"], lines), 1 << 30))
    place = _place(first["loc"], lines)
    resource = ""
    keys = place
    if place[:1] == ("resources",) and len(place) > 1 and isinstance(place[1], int):
        entry = data["resources"][place[1]]
        resource = str(entry.get("name", place[1]) if isinstance(entry, Mapping) else entry)
        keys = place[2:]
    missing = first["type"] == "missing"
    key = ".".join(map(str, [*keys, first["loc"][-1]] if missing else keys))
    return CatalogError(
        _sentence(first, quote="auth" not in place),
        file=file,
        line=lines.get(place, 0),
        resource=resource,
        key=key,
    )


def _place(loc: Path, lines: Lines) -> Path:
    """The part of pydantic's location that stands in the file: it adds tags of unions."""
    place: Path = ()
    for part in loc:
        if (*place, part) in lines:
            place = (*place, part)
    return place


def _sentence(error: Any, *, quote: bool) -> str:
    """What is wrong. ``quote``: what was found may be shown; what stands in ``auth`` may not."""
    context = error.get("ctx", {})
    given = repr(error.get("input"))
    found = f", found {given[:200]}{'...' if len(given) > 200 else ''}" if quote else ""
    match error["type"]:
        case "extra_forbidden":
            return "unknown key; look at its spelling and its place"
        case "missing":
            return "expected this key"
        case "union_tag_invalid":
            return f"type {context['tag']!r} is not known; expected {context['expected_tags']}"
        case "union_tag_not_found":
            return f"expected a mapping with 'type'{found}"
        case "value_error":
            return str(context["error"])
        case _:
            return f"{error['msg'][0].lower()}{error['msg'][1:]}{found}"
