"""Validation of a file: its model, or one sentence with file, line, resource and key.

In: the plain data and the lines of the file. Out: the model that pydantic makes of it, or a
``CatalogError`` about the first mistake in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.dlt_keys import reason_against
from analytics_sync.catalog.files.yaml_config import Lines, Path

_AFTER_ALL_LINES = 1 << 30
_MAX_QUOTED = 200


_M = TypeVar("_M", bound=BaseModel)


def validated(model: type[_M], data: Mapping[str, Any], lines: Lines, file: str) -> _M:
    """The data of a file as a model.

    Args:
        model: The keys that the file may have.
        data: The plain data of the file.
        lines: The line of each key.
        file: The file's name, for messages.

    Raises:
        CatalogError: The first mistake in the file.
    """
    try:
        return model.model_validate(data)
    except ValidationError as e:
        problem = _explained(e, data, lines, file)
    # Raise outside the except block: pydantic's own error quotes the file, and would be chained.
    raise problem


def _explained(
    error: ValidationError, data: Mapping[str, Any], lines: Lines, file: str
) -> CatalogError:
    """The problem of pydantic's error that comes first in the file."""
    first = min(error.errors(), key=lambda e: lines.get(_place(e["loc"], lines), _AFTER_ALL_LINES))
    place = _place(first["loc"], lines)
    resource = ""
    keys = place
    if place[:1] == ("resources",) and len(place) > 1 and isinstance(place[1], int):
        entry = data["resources"][place[1]]
        resource = str(entry.get("name", place[1]) if isinstance(entry, Mapping) else entry)
        keys = place[2:]
    missing = first["type"] == "missing"
    key = ".".join(map(str, [*keys, first["loc"][-1]] if missing else keys))
    reason = None
    if place and first["type"] == "extra_forbidden":
        above = tuple(part for part in place[:-1] if isinstance(part, str))
        reason = reason_against(str(place[-1]), above)
    return CatalogError(
        reason or _sentence(first, quote="auth" not in place),
        file=file,
        line=lines.get(place, 0),
        resource=resource,
        key=key,
    )


def _place(loc: Path, lines: Lines) -> Path:
    """pydantic's location without the tags of unions, which are not in the file."""
    place: Path = ()
    for part in loc:
        if (*place, part) in lines:
            place = (*place, part)
    return place


def _sentence(error: Any, *, quote: bool) -> str:
    """The problem as a sentence.

    Args:
        error: One problem, as pydantic describes it.
        quote: Whether the sentence may quote the value. A value in ``auth`` may be a secret.
    """
    context = error.get("ctx", {})
    given = repr(error.get("input"))
    cut = f"{given[:_MAX_QUOTED]}{'...' if len(given) > _MAX_QUOTED else ''}"
    found = f", found {cut}" if quote else ""
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
