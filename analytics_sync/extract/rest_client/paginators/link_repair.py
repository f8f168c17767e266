"""The repair of links: what a link or redirect has lost of the request that it continues.

In: a URL from a response, and the request of the resource. Out: the URL with the path and the parameters
that it must have, to lead to the same listing. Nothing is repaired where the URL may mean another thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from analytics_sync.extract.rest_client.paginators.sign_names import name_set
from analytics_sync.extract.rest_client.urls import SCHEME_AND_HOST, with_query

_PATH_END = re.compile("[?#]")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_PAGING_WORDS = name_set(
    """
    page pages pagenumber pagesize perpage per p n offset limit size count cursor skip start startat
    after before from since until to end token marker scroll index top max take rows first last next
    position
    """
)
_PLAIN_VALUE = re.compile(
    r"|-?\d{1,19}|true|false|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?"
)


def restore_base_path(link: str, url: str, base_url: str) -> str:
    """``link`` with the path of ``base_url``, if that is all that it lacks to lead to ``url``.

    A gateway may serve an API below a path that the API itself does not know. The links of such an
    API lack that path, and lead to nothing or to something else.

    Args:
        link: An absolute URL from a response.
        url: The URL of the resource.
        base_url: The configured base URL.
    """
    base_path = _split(base_url)[1].rstrip("/")
    start, path = _split(link)
    if not base_path or not path.strip("/") or _split(url)[1] != base_path + path:
        return link
    return f"{start}{base_path}{link[len(start) :]}"


def restore_params(link: str, url: str, query: Mapping[str, object]) -> str:
    """``link`` with the parameters of the first request that it has lost.

    Without its filters, a link would lead to other records. A token in the link may stand for them, so
    nothing is added to a link with a token. Parameters about paging are the link's own.

    Args:
        link: An absolute URL from a response.
        url: The URL of the resource.
        query: The parameters of the first request, without those of the paginator.
    """
    if _split(link)[1].rstrip("/") != _split(url)[1].rstrip("/"):
        return link
    given = {_name(pair): unquote_plus(pair.partition("=")[2]) for pair in _pairs(link)}
    lost = {n: v for n, v in query.items() if n not in given and not is_about_paging(n)}
    has_token = any(n not in query and not _PLAIN_VALUE.fullmatch(v) for n, v in given.items())
    if not lost or has_token:
        return link
    base, mark, fragment = link.partition("#")
    return with_query(base, lost) + mark + fragment


def keep_query(target: str, current: str) -> str:
    """The target of a redirect, with the parameters that the redirect has lost.

    A redirect that only respells the path (a slash at its end, another version) leads to the same
    listing. Without its parameters, that listing would hold other records.

    Args:
        target: The absolute URL to which ``current`` is redirected.
        current: The URL of the request.
    """
    if _last_segment(target) != _last_segment(current):
        return target
    given = {_name(pair) for pair in _pairs(target)}
    lost = [pair for pair in _pairs(current) if _name(pair) not in given]
    if not lost:
        return target
    base = target.partition("#")[0].rstrip("?&")
    return f"{base}{'&' if _pairs(target) else '?'}{'&'.join(lost)}"


def is_about_paging(name: str) -> bool:
    """Whether a parameter tells which page, or how many records."""
    return any(word.lower() in _PAGING_WORDS for word in _WORD.findall(name))


def _split(url: str) -> tuple[str, str]:
    """Scheme and host, and the path."""
    base = SCHEME_AND_HOST.match(url)
    start = base.end() if base else 0
    return url[:start], _PATH_END.split(url[start:], maxsplit=1)[0]


def _last_segment(url: str) -> str:
    return _split(url)[1].rstrip("/").rpartition("/")[2].lower()


def _pairs(url: str) -> list[str]:
    return [pair for pair in url.partition("#")[0].partition("?")[2].split("&") if pair]


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])
