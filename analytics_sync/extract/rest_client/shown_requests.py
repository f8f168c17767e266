"""Requests as a person reads them: credentials are masked.

In: a request of a session. Out: method and URL, or all of it: headers and body too. Nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.rest_client.call import Call
from analytics_sync.extract.rest_client.content import GET, Content
from analytics_sync.extract.rest_client.urls import shown_url, with_query

_PLAIN_HEADERS = frozenset({"Accept", "Accept-Encoding", "User-Agent"})


class ShownRequests:
    """Shows the requests of one session.

    Args:
        redact: Masks the secrets of the session.
        headers: The names of the headers of all requests.
        query: The names of the credentials in the query of all requests.
    """

    def __init__(self, redact: Redactor, headers: Iterable[str], query: Iterable[str]) -> None:
        self._redact = redact
        self._secret_headers = [name for name in headers if name not in _PLAIN_HEADERS]
        self._query = list(query)

    def short(self, call: Call) -> str:
        """Method and URL for messages, without credentials."""
        url = shown_url(with_query(call.url, call.params), self._redact)
        return f"{call.content.method} {url}"

    def sent(self, call: Call, url: str) -> str:
        """The whole request of a call, or that of a redirect which it led to."""
        if url == call.target:
            return self.whole(call.url, call.params, call.headers, call.content)
        return f"{call.content.method} {shown_url(url, self._redact)}"

    def whole(
        self,
        url: str,
        params: Mapping[str, object],
        headers: Mapping[str, str],
        content: Content = GET,
    ) -> str:
        """A request with its headers and body.

        Args:
            url: The URL without the query.
            params: Query parameters. A value ``~name~`` is shown as ``{name}``.
            headers: The resource's own headers.
            content: Method and body.
        """
        masked = dict.fromkeys(self._query, "~~~")
        target = with_query(self._redact(with_query(url, params)), masked)
        sent = dict.fromkeys(self._secret_headers, "***")
        sent |= {name: self._redact(value) for name, value in headers.items()}
        named = ", ".join(f"{name}: {value}" for name, value in sent.items())
        shown = f"{content.method} {target}" + (f" with the headers {named}" if named else "")
        if content.body:
            shown += f" and the body {self._redact(content.body.decode())}"
        return re.sub(r"~([\w.]+)~", r"{\1}", shown.replace("~~~", "***"))
