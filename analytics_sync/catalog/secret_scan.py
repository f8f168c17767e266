"""No secret stands in a catalog file: what looks like one is an error.

In: the plain data of a file, before anything else looks at it. Out: nothing, or a ``CatalogError``
with file, line and key that says where the secret goes instead, and never what was found. Two
things give a secret away: the name of the header, parameter or key that it is given to, and the
shape of the value itself. Names of columns, cursors and fields are names and no values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.models import REFERENCE
from analytics_sync.catalog.secret_patterns import looks_random, looks_secret
from analytics_sync.catalog.yaml_config import Lines, Path

# at the end of a name: X-Shop-Api-Key, clientSecret, auth[token]
_NAMES = re.compile(
    r"(?:^|_)(?:token|secret|signature|sig|cookie|authorization|passwd|pwd|passphrase|credentials?)$"
    r"|(?:api|app|application|access|account|auth|private|secret|signing|subscription|master)_?keys?$"
    r"|(?:access|auth|refresh|id|bearer)token$|clientsecret$|password$"
)
# a token that says where reading goes on is no secret
_PLACES = re.compile(
    r"(?:^|_)(?:page|paging|pagination|next|prev|previous|cursor|continuation|continue|sync|delta|"
    r"skip|scroll|start|starting|end|after|before|offset|resume|change|position)_?tokens?$"
)
_NO_SECRETS = {"", "true", "false", "{incremental.start_value}", "{incremental.end_value}"}

# headers, parameters and auth carry values to the API; what is below the others are names
_CARRIERS = {"headers", "params", "auth"}
_OF_NAMES = {"columns", "include_from_parent", "skip_parents", "paginator", "incremental"}
# keys of {type: config, ...} and its like: they name a setting or a field
_OF_REFERENCES = {
    "type", "key", "optional", "allow_slash", "resource", "field", "config", "match", "cursor_path",
}  # fmt: skip

_USERINFO = re.compile(r"://[^\s/?#@]+@")
_QUERY = re.compile(r"[?&;#]([^=&;#?\s]{1,100})=([^&;#\s]+)")


def check_secrets(data: Mapping[str, Any], lines: Lines, *, source: str, file: str) -> None:
    """Refuse a file with a secret in it.

    Args:
        data: What the file says.
        lines: The line of each key.
        source: The source's name where the file has no ``source``.
        file: The file's name, for messages.

    Raises:
        CatalogError: About the first value that looks like a secret. It does not hold the value.
    """
    found = next(_found(data, (), carries=False, secret=False), None)
    if found is None:
        return
    declared = data.get("source")
    if isinstance(declared, str) and not looks_secret(declared):
        source = declared
    at = found
    while at and at not in lines:
        at = at[:-1]
    place = found[2:] if found[:1] == ("resources",) else found
    raise CatalogError(
        f"a secret does not belong into a catalog file; {_advice(found, source)}",
        file=file,
        line=lines.get(at, 0),
        resource=_resource(data, found),
        key=".".join(_shown(part) for part in place),
    )


def _found(value: Any, path: Path, *, carries: bool, secret: bool) -> Iterator[Path]:
    """The places of secrets, in the order of the file."""
    if isinstance(value, Mapping):
        yield from _in_mapping(value, path, carries=carries, secret=secret)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _found(item, (*path, index), carries=carries, secret=secret)
    elif isinstance(value, str):
        prose = path[-1:] == ("description",)
        by_place = (secret and not _is_no_secret(value)) or (carries and looks_random(value))
        if by_place or looks_secret(value, prose=prose) or (not prose and _in_url(value)):
            yield path
    elif secret and isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def _in_mapping(
    value: Mapping[str, Any], path: Path, *, carries: bool, secret: bool
) -> Iterator[Path]:
    # of one header or parameter, {type: config, key: ...} says where the value comes from
    reference = carries and path[-1] not in _CARRIERS and "type" in value
    for key, item in value.items():
        at = (*path, key)
        if looks_secret(key):
            yield at
        elif reference and key in _OF_REFERENCES:
            yield from _found(item, at, carries=False, secret=False)
        elif key in _OF_NAMES and not carries:
            yield from _only_shapes(item, at)
        else:
            fallback = key == "default" and value.get("type") == "secret"
            yield from _found(
                item,
                at,
                carries=carries or key in _CARRIERS,
                secret=secret or fallback or names_a_secret(key),
            )


def _only_shapes(value: Any, path: Path) -> Iterator[Path]:
    """Below here are names: of columns, of parameters, of fields."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if looks_secret(key):
                yield (*path, key)
            yield from _only_shapes(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _only_shapes(item, (*path, index))
    elif isinstance(value, str) and looks_secret(value, prose=path[-1] == "description"):
        yield path


def names_a_secret(name: str) -> bool:
    """Whether a header, parameter or key of this name holds a secret."""
    plain = _snake(name[-100:])
    return bool(_NAMES.search(plain)) and not _PLACES.search(plain)


def _snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _is_no_secret(value: str) -> bool:
    return value in _NO_SECRETS or bool(REFERENCE.match(value))


def _in_url(value: str) -> bool:
    return bool(_USERINFO.search(value)) or any(
        names_a_secret(unquote_plus(name)) and not re.fullmatch(r"\{[^{}]+\}", given)
        for name, given in _QUERY.findall(value)
    )


def _advice(path: Path, source: str) -> str:
    names = [p for p in path if isinstance(p, str) and p != "default" and not looks_secret(p)]
    if not _CARRIERS & set(names):
        return (
            'it goes into client.auth as dlt.secrets["..."], or into a header or parameter '
            "as {type: secret, key: ...}"
        )
    key = _snake(names[-1])
    text = f'write dlt.secrets["{key}"]'
    if "auth" not in names:
        text += f" or {{type: secret, key: {key}}}"
    if "headers" in names and names[0] != "client":
        text += " in client.headers"
    return f"{text} and set SOURCES__{source.upper()}__{key.upper()}"


def _resource(data: Mapping[str, Any], path: Path) -> str:
    if path[:1] != ("resources",) or len(path) < 2 or not isinstance(path[1], int):
        return ""
    entry = data["resources"][path[1]]
    name = entry.get("name", path[1]) if isinstance(entry, Mapping) else path[1]
    return _shown(name) if isinstance(name, str | int) else str(path[1])


def _shown(part: str | int) -> str:
    return "..." if isinstance(part, str) and looks_secret(part) else str(part)
