"""The secret scan: a catalog file with a value that looks like a secret is refused.

In: the plain data of a file, before anything else reads it. Out: nothing, or a ``CatalogError``
with file, line and key. The error says where the secret belongs, and never shows the value. The
scan finds a secret by the name of its header, parameter or key, and by the shape of the value.
Columns, cursors and fields are names themselves, so their values are scanned by shape alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from analytics_sync.catalog.building.secret_patterns import looks_random, looks_secret
from analytics_sync.catalog.config.params import REFERENCE
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import Lines, Path, line_of

# These words end a name: X-Shop-Api-Key, clientSecret, auth[token].
_SECRET_NAMES = re.compile(
    r"(?:^|_)(?:token|secret|signature|sig|cookie|authorization|passwd|pwd|passphrase|credentials?)$"
    r"|(?:api|app|application|access|account|auth|private|secret|signing|subscription|master)_?keys?$"
    r"|(?:access|auth|refresh|id|bearer)token$|clientsecret$|password$"
)
# A pagination token names the next page, and is no secret.
_PAGE_TOKEN_NAMES = re.compile(
    r"(?:^|_)(?:page|paging|pagination|next|prev|previous|cursor|continuation|continue|sync|delta|"
    r"skip|scroll|start|starting|end|after|before|offset|resume|change|position)_?tokens?$"
)
_NO_SECRETS = {"", "true", "false", "{incremental.start_value}", "{incremental.end_value}"}

# The values below these keys are sent to the API.
_SENT_KEYS = {"headers", "params", "auth"}
# The values below these keys are names of columns, parameters and fields.
_NAME_KEYS = {"columns", "include_from_parent", "skip_parents", "paginator", "incremental"}
# Keys of {type: config, ...} and {type: resolve, ...}: their values name a setting or a field.
_REFERENCE_KEYS = {
    "type", "key", "optional", "allow_slash", "resource", "field", "config", "match", "cursor_path",
}  # fmt: skip

_PLACEHOLDER = re.compile(
    r"""\{(?:dlt\.(?:secrets|config)\[["'][^"'{}]*["']\]|(?:resources|incremental)\.[^{}]*)\}"""
)
# Words beside a placeholder, as the scheme of a header has them.
_WORDS = re.compile(r"""[\s:=,;"']*(?:[A-Za-z]{1,20}[A-Za-z_-]{0,20}[\s:=,;"']*){0,4}""")
_MAX_NAME_LENGTH = 100
_USERINFO = re.compile(r"://[^\s/?#@]+@")
_QUERY = re.compile(r"[?&;#]([^=&;#?\s]{1,100})=([^&;#\s]+)")


def check_secrets(data: Mapping[str, Any], lines: Lines, *, source: str, file: str) -> None:
    """Refuse a file that holds a secret.

    Args:
        data: The plain data of the file.
        lines: The line of each key.
        source: The source's name if the file has no ``source``.
        file: The file's name, for messages.

    Raises:
        CatalogError: A value looks like a secret. The error does not hold the value.
    """
    found = next(_scan(data, (), sent=False, secret=False), None)
    if found is None:
        return
    declared = data.get("source")
    if isinstance(declared, str) and not looks_secret(declared):
        source = declared
    place = found[2:] if found[:1] == ("resources",) else found
    raise CatalogError(
        f"a secret does not belong into a catalog file; {_advice(found, source)}",
        file=file,
        line=line_of(lines, found),
        resource=_resource(data, found),
        key=".".join(_shown(part) for part in place),
    )


def secret_paths(data: Mapping[str, Any]) -> list[Path]:
    """The paths of all values and keys that look like secrets."""
    return list(_scan(data, (), sent=False, secret=False))


def _scan(value: Any, path: Path, *, sent: bool, secret: bool) -> Iterator[Path]:
    """The paths of secrets, in the order of the file.

    Args:
        value: The value at ``path``.
        path: Keys from the root of the file.
        sent: Whether the value is sent to the API.
        secret: Whether a key above names a secret.
    """
    if isinstance(value, Mapping):
        yield from _scan_mapping(value, path, sent=sent, secret=secret)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _scan(item, (*path, index), sent=sent, secret=secret)
    elif isinstance(value, str):
        prose = path[-1:] == ("description",)
        by_place = (secret and not _is_no_secret(value)) or (sent and looks_random(value))
        if by_place or looks_secret(value, prose=prose) or (not prose and _in_url(value)):
            yield path
    elif secret and isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def _scan_mapping(
    value: Mapping[str, Any], path: Path, *, sent: bool, secret: bool
) -> Iterator[Path]:
    # The value of a header or parameter may be a reference, such as {type: config, key: ...}.
    reference = sent and path[-1] not in _SENT_KEYS and "type" in value
    for key, item in value.items():
        item_path = (*path, key)
        if looks_secret(key):
            yield item_path
        elif reference and key in _REFERENCE_KEYS:
            yield from _scan(item, item_path, sent=False, secret=False)
        elif key in _NAME_KEYS and not sent:
            yield from _scan_shapes(item, item_path)
        else:
            fallback = key == "default" and value.get("type") == "secret"
            yield from _scan(
                item,
                item_path,
                sent=sent or key in _SENT_KEYS,
                secret=secret or fallback or names_a_secret(key),
            )


def _scan_shapes(value: Any, path: Path) -> Iterator[Path]:
    """The paths of secrets among names of columns, parameters and fields, found by shape alone."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if looks_secret(key):
                yield (*path, key)
            yield from _scan_shapes(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _scan_shapes(item, (*path, index))
    elif isinstance(value, str):
        prose = (
            path[-1] == "description" or " - " in value
        )  # a column: its type and its description
        if looks_secret(value, prose=prose):
            yield path


def names_a_secret(name: str) -> bool:
    """Whether a header, parameter or key of this name holds a secret."""
    plain = _snake_case(name[-_MAX_NAME_LENGTH:])
    return bool(_SECRET_NAMES.search(plain)) and not _PAGE_TOKEN_NAMES.search(plain)


def _snake_case(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _is_no_secret(value: str) -> bool:
    """Whether a value only refers to a secret: alone, or beside words such as ``Token token=``."""
    if value in _NO_SECRETS or REFERENCE.match(value):
        return True
    rest, count = _PLACEHOLDER.subn(" ", value)
    return bool(count) and bool(_WORDS.fullmatch(rest))


def _in_url(value: str) -> bool:
    """Whether a URL in the text holds a user, or a query parameter that names a secret."""
    return bool(_USERINFO.search(value)) or any(
        names_a_secret(unquote_plus(name)) and not re.fullmatch(r"\{[^{}]+\}", given)
        for name, given in _QUERY.findall(value)
    )


def _advice(path: Path, source: str) -> str:
    """What to write at this path instead, and which setting then holds the secret."""
    names = [p for p in path if isinstance(p, str) and p != "default" and not looks_secret(p)]
    if not _SENT_KEYS & set(names):
        return (
            'it goes into client.auth as dlt.secrets["..."], or into a header or parameter '
            "as {type: secret, key: ...}"
        )
    key = _snake_case(names[-1])
    text = f'write dlt.secrets["{key}"]'
    if "auth" not in names:
        text += f" or {{type: secret, key: {key}}}"
    if "headers" in names and names[0] != "client":
        text += " in client.headers"
    return f"{text} and set SOURCES__{source.upper()}__{key.upper()}"


def _resource(data: Mapping[str, Any], path: Path) -> str:
    """The name of the resource that holds this path, or its index, or an empty text."""
    if path[:1] != ("resources",) or len(path) < 2 or not isinstance(path[1], int):
        return ""
    entry = data["resources"][path[1]]
    name = entry.get("name", path[1]) if isinstance(entry, Mapping) else path[1]
    return _shown(name) if isinstance(name, str | int) else str(path[1])


def _shown(part: str | int) -> str:
    """A key for a message; a key that looks like a secret itself is not shown."""
    return "..." if isinstance(part, str) and looks_secret(part) else str(part)
