"""The API of a simulated shop: tables of records that change from day to day, over real HTTP.

In: changes of records, and the trouble of the API. Out: an address; listings of the records by page, by
cursor and by bounds, as on the simulated day.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Record = dict[str, Any]
PAGE = 7


@dataclass
class Trouble:
    """What goes wrong at the API.

    Attributes:
        status: A status in place of records; 0 for none.
        is_html: Whether a page of HTML with status 200 is sent.
        is_cut: Whether the connection ends in the middle of each response.
        loses_next: Whether the cursor of the next page has another name.
        renamed: Whether the field ``value`` has the name ``amount``.
        has_new_field: Whether there is a field that nobody knows.
        is_short: Whether the last page of a listing is missing, though the total is told.
    """

    status: int = 0
    is_html: bool = False
    is_cut: bool = False
    loses_next: bool = False
    renamed: bool = False
    has_new_field: bool = False
    is_short: bool = False

    def serve(self, record: Record) -> Record:
        """A record as the API sends it."""
        sent = dict(record)
        if self.renamed and "value" in sent:
            sent["amount"] = sent.pop("value")
        if self.has_new_field:
            sent["channel"] = f"web-{record['id']}"
        return sent


@dataclass
class ShopApi:
    """The server; a context manager.

    Attributes:
        records: The records of each table, by key. A child has the key of its parent as ``parent``.
        trouble: The trouble of each table.
    """

    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    trouble: dict[str, Trouble] = field(default_factory=dict)

    def __enter__(self) -> ShopApi:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Print nothing."""

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(split.query).items()}
                api.answer(self, split.path.strip("/").split("/"), query)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(
        self, handler: BaseHTTPRequestHandler, path: list[str], query: Mapping[str, str]
    ) -> None:
        """Answer ``/<table>`` or ``/<parent table>/<key>/<table>``."""
        table, parent = path[-1], path[1] if len(path) == 3 else None
        trouble = self.trouble.get(table, Trouble())
        if trouble.status:
            _send(handler, trouble.status, b'{"error": "no"}')
        elif trouble.is_html:
            _send(handler, 200, b"<html>Maintenance</html>", "text/html")
        elif parent is not None and parent not in self.records[path[0]]:
            _send(handler, 404, b'{"error": "not found"}')
        else:
            body = json.dumps(self._page(table, parent, query, trouble)).encode()
            _send(handler, 200, body, is_cut=trouble.is_cut)

    def _page(
        self, table: str, parent: str | None, query: Mapping[str, str], trouble: Trouble
    ) -> Record:
        found = [
            record
            for key, record in sorted(self.records[table].items())
            if record.get("parent") == parent
            and ("from" not in query or record["updated_at"] >= query["from"][:19])
            and ("to" not in query or record["updated_at"] < _after(query["to"]))
        ]
        start = int(query.get("cursor") or PAGE * (int(query.get("page", 1)) - 1))
        page = found[start : start + PAGE]
        has_more = start + PAGE < len(found)
        if "page" in query:
            if trouble.is_short and not has_more and start:
                page = []
            return {"data": [trouble.serve(r) for r in page], "total": len(found)}
        name = "continue_at" if trouble.loses_next else "next"
        meta: Record = {"has_more": has_more}
        if has_more:
            meta[name] = str(start + PAGE)
        return {"data": [trouble.serve(r) for r in page], "meta": meta}


def _after(bound: str) -> str:
    """The first text after all times of a bound: a day and an instant belong to it."""
    return f"{bound[:19]}~"


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    kind: str = "application/json",
    *,
    is_cut: bool = False,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if is_cut:
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True
        handler.connection.close()
    else:
        handler.wfile.write(body)
