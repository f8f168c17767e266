"""URLs: built from declared parts, compared by origin, never trusted when a response holds them.

In: base URL, path template, values; a link from a response. Out: a URL with encoded path values; the
link's absolute URL, if it has the configured scheme, host and port.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Container, Mapping
from urllib.parse import quote, unquote_plus, urlencode, urljoin

from urllib3.util import parse_url

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.params import PLACEHOLDER
from analytics_sync.common.errors import ExtractError, ForeignOrigin, Place
from analytics_sync.common.shown import shown

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_SHOWN_URL = 300
"""Characters of a URL in a message. A cursor in it may be much longer."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SCHEME_AND_HOST = re.compile(r"^[^:/?#]+://[^/?#\\]*")
"""The start of an absolute URL, up to its path."""


def fill_path(
    template: str,
    values: Mapping[str, object],
    with_slashes: frozenset[str],
    place: Place,
    redact: Callable[[str], str] = str,
) -> str:
    """Put values into a path template, percent-encoded.

    Args:
        template: A path such as ``/v2/workflow/{workflow_id}``.
        values: A value for each placeholder.
        with_slashes: The placeholders whose slashes stay unencoded.
        place: For messages.
        redact: Removes secrets from messages.

    Raises:
        ExtractError: A value is missing, empty, ``.`` or ``..``, or holds a control character.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        text = "" if values[name] is None else request_text(values[name])
        parts = text.split("/") if name in with_slashes else [text]
        if _CONTROL.search(text) or any(part in {"", ".", ".."} for part in parts):
            raise ExtractError(
                place,
                f"the value {redact(text)[:80]!r} for {{{name}}} cannot be part of a path.",
                "It is empty, a dot segment or holds control characters: look at the setting or "
                "at the parent record it comes from.",
            )
        return "/".join(quote(part, safe="") for part in parts)

    return PLACEHOLDER.sub(value, template)


def check_query_values(
    query: Mapping[str, object], place: Place, redact: Callable[[str], str] = str
) -> None:
    """Check query values that come from records or settings.

    Raises:
        ExtractError: A value is empty, which many APIs read as "no filter", or holds a control
            character.
    """
    for name, value in query.items():
        if value == "" or (isinstance(value, str) and _CONTROL.search(value)):
            raise ExtractError(
                place,
                f"the value {redact(str(value))[:80]!r} cannot be the parameter {name!r}.",
                "It is empty or holds control characters: look at the setting or at the parent "
                "record it comes from.",
            )


def placeholders(template: str) -> tuple[str, ...]:
    """The names of the placeholders in a path template."""
    return tuple(PLACEHOLDER.findall(template))


def placeholders_with_slash(resource: Resource) -> frozenset[str]:
    """The placeholders whose slashes stay unencoded, as declared by ``allow_slash``."""
    names = placeholders(resource.path)
    return frozenset(n for n in names if getattr(resource.params.get(n), "allow_slash", False))


def join(base_url: str, path: str) -> str:
    """Base URL and path, concatenated: ``urljoin`` would drop a path at the end of the base URL."""
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}" if path.strip("/") else base_url


def with_query(url: str, params: Mapping[str, object]) -> str:
    """``url`` with ``params`` added, as ``encoded`` spells them."""
    query = encoded(params)
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query}"


def encoded(params: Mapping[str, object]) -> str:
    """The fields of a query or a form; a list repeats its name, a value of None is left out."""
    return urlencode(
        [
            (name, request_text(item))
            for name, value in params.items()
            for item in (value if isinstance(value, list | tuple) else [value])
            if item is not None
        ]
    )


def shown_url(url: str, redact: Callable[[str], str]) -> str:
    """A URL for messages: without secrets, and not longer than a line or two."""
    return shown(redact(url), MAX_SHOWN_URL)


def without_query(url: str, names: Container[str]) -> str:
    """``url`` without the query parameters of these names."""
    base, mark, query = url.partition("?")
    if not mark:
        return url
    query, hash_mark, fragment = query.partition("#")
    kept = [p for p in query.split("&") if unquote_plus(p.partition("=")[0]) not in names]
    return base + ("?" + "&".join(kept) if kept else "") + hash_mark + fragment


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, read by the code that will connect: two parsers can be played off
    against each other, for example by a backslash."""
    parts = parse_url(url)
    scheme = parts.scheme or ""
    return scheme, (parts.host or "").strip("[]"), parts.port or DEFAULT_PORTS.get(scheme, 0)


def is_loopback_host(host: str) -> bool:
    """Whether a host is this machine by its spelling."""
    try:
        return is_loopback_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_loopback_address(address: str) -> bool:
    """Whether an IP address is one of this machine only.

    Raises:
        ValueError: The text is no IP address.
    """
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def follow(
    current: str,
    link: str,
    allowed: tuple[str, str, int],
    place: Place,
    what: str,
    redact: Callable[[str], str] = str,
) -> str:
    """The absolute form of a link found in a response.

    Args:
        current: The URL that a relative link starts from.
        link: The link.
        allowed: The configured origin.
        place: For messages.
        what: The kind of link, for messages.
        redact: Removes secrets from messages.

    Raises:
        ForeignOrigin: The link leads to another origin, or is not a URL.
    """
    try:
        target = urljoin(current, link)
        found = origin(target)
    except ValueError:
        target, found = link, ("", "", 0)
    if _is_unencrypted(found, allowed):
        target, found = SCHEME_AND_HOST.sub(lambda _: _show(allowed), target, count=1), allowed
    if found != allowed:
        raise ForeignOrigin(
            place,
            f"{what} leads to {redact(_show(found))[:200]}, but the configured origin is {_show(allowed)}; "
            "nothing was sent there.",
            "If the API really moved, change base_url.",
        )
    return target


def _is_unencrypted(found: tuple[str, str, int], allowed: tuple[str, str, int]) -> bool:
    """Whether a link spells the configured https origin with http.

    Servers behind a proxy that ends TLS build such links. The request goes to the configured origin.
    """
    return (
        (found[0], allowed[0]) == ("http", "https")
        and found[1] == allowed[1]
        and found[2] in (DEFAULT_PORTS["http"], allowed[2])
    )


def _show(found: tuple[str, str, int]) -> str:
    scheme, host, port = found
    return f"{scheme or '?'}://{host or '?'}:{port}"


def request_text(value: object) -> str:
    """A value as a request spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
