"""Requests to a server of this machine: whether they come from its own pages, or from no page.

In: the headers of a request. Out: the reason to refuse it, or nothing. A page of any site can make the
browser send requests to 127.0.0.1. With a name that resolves to 127.0.0.1 from its second answer on (DNS
rebinding), the page reads the answers too: then the header Host has the name of the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_OWN_SITES = frozenset({"same-origin", "none"})  # none: an address that somebody typed


def refusal(headers: Iterable[tuple[str, str]], *, allow_links: bool = False) -> str:
    """Why a request must be refused; empty if it may pass.

    Programs other than browsers send neither ``Origin`` nor ``Sec-Fetch-Site``, and pass.

    Args:
        headers: Names and values, in the order of the request.
        allow_links: Whether a link of another page may lead here. The browser then shows the answer in
            a window of its own, and the other page does not see it.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value.strip())
    hosts = values.get("host", [])
    if len(hosts) > 1 or not all(_LOCAL_HOST.fullmatch(host) for host in hosts):
        return "the header Host names another machine. Use http://127.0.0.1 or http://localhost"
    own = {f"{scheme}://{host}".lower() for host in hosts for scheme in ("http", "https")}
    if any(origin.lower() not in own for origin in values.get("origin", [])):
        return "the header Origin names another page"
    sites = values.get("sec-fetch-site", [])
    if all(site.lower() in _OWN_SITES for site in sites):
        return ""
    is_link = values.get("sec-fetch-mode") == ["navigate"] and (
        values.get("sec-fetch-dest") == ["document"]
    )
    if allow_links and is_link:
        return ""
    return "the header Sec-Fetch-Site says that another page sent the request"
