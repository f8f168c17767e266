"""The guard before Dagster's webserver: it refuses requests of other pages and other hosts.

In: an ASGI application. Out: the same application behind the checks. Dagster's webserver has no
authentication, and it takes mutations by GET and as ``text/plain``, which any page may send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from analytics_sync.same_origin import refusal

_GRAPHQL = "/graphql"
# Below these paths are data and actions. All others are the UI's page, to which a link may lead.
_NO_PAGES = ("graphql", "logs", "notebook", "dagit", "download_debug")
_REPORTS = "report_"
_JSON = frozenset({"application/json", "application/graphql"})

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application that hands on only the requests of its own pages and of programs.

    Args:
        app: The application behind the guard.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request or websocket, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        status, problem = _judge(scope)
        if not problem:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await receive()  # the request to connect
            await send({"type": "websocket.close", "code": 1008, "reason": problem})
        else:
            text = f"Refused: {problem}.\n".encode()
            kind = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": kind})
            await send({"type": "http.response.body", "body": text})


def _judge(scope: Message) -> tuple[int, str]:
    """The status and the reason of a refusal; no reason if the request may pass."""
    headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
    method = scope.get("method", "")
    first = scope["path"].split("/")[1]
    is_page = method in {"GET", "HEAD"} and first not in _NO_PAGES
    is_page = is_page and not first.startswith(_REPORTS)
    if problem := refusal(headers, allow_links=is_page):
        return 403, problem
    if scope["type"] == "websocket" or is_page:
        return 200, ""
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    is_json = len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() in _JSON
    is_graphql = scope["path"].rstrip("/") == _GRAPHQL
    if method == "POST" and not is_json and (kinds or is_graphql):
        return 415, "send JSON, with Content-Type: application/json"
    if is_graphql and method != "POST" and not _asks_for_html(method, headers):
        return 405, "send GraphQL as POST, with Content-Type: application/json"
    return 200, ""


def _asks_for_html(method: str, headers: list[tuple[str, str]]) -> bool:
    """Whether a request is for the page that edits queries. The webserver looks at the same header."""
    accepted = [value for name, value in headers if name.lower() == "accept"]
    return method == "GET" and "text/html" in next(iter(accepted), "")


def _unframed(send: Send) -> Send:
    """Send answers that no other page may show in a frame."""

    async def send_unframed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"x-frame-options", b"SAMEORIGIN")]
            message = {**message, "headers": headers}
        await send(message)

    return send_unframed
