"""Ways for a run to fail, most of which repeat its credentials.

In: the canaries, and requests to a scripted server. Out: ``FAILURES`` by name: what the server
answers, or how else the run fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.canary_sources import CANARIES
from analytics_sync_tests.support.encoders import JSON, TEXT
from analytics_sync_tests.support.scripted_api import Raw

LINKS = "json_link, next_url_path: next"
CURSORS = "cursor, cursor_param: after, cursor_path: next"


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        answer: A function of path, query and headers, and of ``here`` and ``away``, the addresses
            of the server and of another one. It returns the answer of the server. None: no server.
        address: The address of the sources, in place of the server's; ``https`` only changes its
            scheme.
        paginator: The paginator of the sources.
        environment: Further settings.
        code: Python code that the process of the run executes first.
        is_killed: Whether the run kills itself.
        output: A text in the output that shows that the failure has occurred.
    """

    answer: Callable[..., Any] | None = None
    address: str = ""
    paginator: str = LINKS
    environment: Mapping[str, str] | None = None
    code: str = ""
    is_killed: bool = False
    output: str = ""


def _echo(path: str, query: Any, headers: Any, **_: Any) -> str:
    """The whole request, as careless servers repeat it in their responses."""
    target = f"{path}?" + "&".join(f"{n}={quote(str(v))}" for n, v in query.items())
    return f"you sent {target} {json.dumps(dict(headers))} {json.dumps(query)}"


def _status(status: int, body: Callable[[str], Any]) -> Callable[..., Any]:
    """A response with a status, and a body made of the echo."""

    def answer(*request: Any, **_: Any) -> Any:
        return status, {}, body(_echo(*request))

    return answer


def _page(**members: Callable[[Any, str], Any]) -> Callable[..., Any]:
    """A page of one record.

    Args:
        members: Further members of the body: functions of the request, as a mapping with both
            addresses, and of its echo.
    """

    def answer(path: str, query: Any, headers: Any, *, here: str, away: str) -> Any:
        if "page" in query:
            return {"data": [{"id": "2"}]}
        echo = _echo(path, query, headers)
        request = {"echo": echo, "here": here, "away": away, "query": query, "path": path}
        return {"data": [{"id": "1"}], **{n: make(request, echo) for n, make in members.items()}}

    return answer


_SPELLINGS = [
    "percent, small letters", "percent, encodeURIComponent", "percent, twice", "HTML, ASP.NET",
    "JSON of .NET in a text", "JSON of PHP, twice", "JSON in a URL", "base64 for URLs after 1 bytes",
    "base64 of JSON of Go", "base64 in lines", "hexadecimal",
]  # fmt: skip


def _respelled(encoder: str) -> Callable[..., Any]:
    """A page of one record that repeats the request in many spellings, also as the name of a field.

    Args:
        encoder: The JSON encoder, one of ``JSON``.
    """

    def answer(path: str, query: Any, headers: Any, **_: Any) -> Any:
        echo = _echo(path, query, headers)
        fields = {name: TEXT[name](echo) for name in _SPELLINGS}
        record = {"id": "1", "note": echo, echo: "name", **fields}
        return 200, {}, JSON[encoder]({"data": [record, {"no id": echo}]}).encode()

    return answer


def _link(request: Any, address: str) -> str:
    """A link to the second page that repeats the query and the echo of a request."""
    pairs = "&".join(f"{n}={quote_plus(str(v))}" for n, v in request["query"].items())
    return f"{address}{request['path']}?{pairs}&page=2&note={quote(request['echo'])[:3000]}"


def _redirect(*, to_other_server: bool) -> Callable[..., Any]:
    """A redirect that repeats the request."""

    def answer(path: str, query: Any, headers: Any, *, here: str, away: str) -> Any:
        request = {"query": query, "path": path, "echo": _echo(path, query, headers)}
        target = _link(request, away if to_other_server else here)
        return 302, {"Location": target.replace("page=2", "page=")}, {}

    return answer


_BUG = """
import os
import analytics_sync.extract.rest_client.record_selector as record_selector
assert record_selector.select
def broken(*args, **kwargs):
    name = f"__{args[1].source.upper()}_"
    raise KeyError(args, kwargs, [v for n, v in sorted(os.environ.items()) if name in n])
record_selector.select = broken
"""
"""A bug that puts the settings of the source into an exception.

The code runs before any module imports the function that it replaces.
"""
_KILL = """
import os
import dlt
dlt.Pipeline.load = lambda *args, **kwargs: os.kill(os.getpid(), 9)
"""
FAILURES: dict[str, Failure] = {
    "well": Failure(_page()),
    "refused 401": Failure(_status(401, lambda echo: {"error": echo})),
    "refused 403": Failure(_status(403, lambda echo: {"message": echo, "more": [echo]})),
    "not found": Failure(_status(404, lambda echo: echo.encode())),
    "too many": Failure(_status(429, lambda echo: {"error": echo})),
    "broken server, a page": Failure(_status(500, lambda echo: f"<h1>{echo}</h1>".encode())),
    "a page in place of data": Failure(_status(200, lambda echo: f"<html>{echo}".encode())),
    "an error in place of data": Failure(_status(200, lambda echo: {"error": echo})),
    "cut data": Failure(_status(200, lambda echo: json.dumps({"data": [echo]})[:-3].encode())),
    "a long answer cut in a key": Failure(
        _status(502, lambda echo: ("x" * 250 + echo).encode())
    ),
    "records that repeat it": Failure(
        _page(data=lambda _, echo: [{"id": "1", "note": echo, "more": {"x": [echo]}}])
    ),
    "records as PHP writes them": Failure(_respelled("PHP")),
    "records as .NET writes them": Failure(_respelled(".NET")),
    "records that cannot be placed": Failure(_page(data=lambda _, echo: [{"note": echo}, echo])),
    "links that repeat it": Failure(_page(next=lambda a, _: _link(a, a["here"]))),
    "links to elsewhere": Failure(_page(next=lambda a, _: _link(a, a["away"]))),
    "a cursor that repeats it, and itself": Failure(
        _page(next=lambda _, echo: echo), paginator=CURSORS
    ),
    "redirected elsewhere": Failure(_redirect(to_other_server=True)),
    "redirected for ever": Failure(_redirect(to_other_server=False)),
    "too large": Failure(_status(200, lambda echo: {"data": [echo] * 2000})),
    "reset": Failure(lambda *_, **__: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", True)),
    "nobody there": Failure(address="http://127.0.0.1:9"),
    "no such host": Failure(address="https://nowhere.invalid"),
    "no certificate": Failure(_page(), address="https"),
    "a warehouse that refuses": Failure(
        environment=pg.settings(
            f"postgresql://me:{quote(CANARIES['database'], safe='')}@127.0.0.1:9/db"
        ),
        output="Look at the destination",
    ),
    "warehouse settings that are spelled wrong": Failure(
        environment=pg.settings(f"postgres//me:{CANARIES['database']}@::1:x/db"),
        output="Look at the destination",
    ),
    "a mistake of ours": Failure(_page(), code=_BUG, output="This is a bug in analytics_sync"),
    "killed in the load": Failure(
        _page(data=lambda _, echo: [{"id": "1", "note": echo}]), code=_KILL, is_killed=True
    ),
}  # fmt: skip
