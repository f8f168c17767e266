"""APIs of random forms: how they page, what their parameters are called, what they say of more.

In: a random generator. Out: a handler for the scripted server, and the number of records that it lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from analytics_sync_tests.support.scripted_api import Query

_KINDS = (
    "page", "offset", "cursor", "link", "header", "after", "whole", "first only", "random sample",
)  # fmt: skip


class RandomApi:
    """One API. Some of its names are usual, others nobody expects."""

    def __init__(self, random: Random) -> None:
        pick = random.choice
        self.random = random
        self.kind = pick(_KINDS)
        count = pick([1, 2, 3, 5, 7, 10, 11, 20, 23, 25, 40, 41, 50, 57, 100, 101, 130])
        self.records = [
            {"id": 3 * n + 1, "ratio": random.random(), "group": n % 4} for n in range(count)
        ]
        if pick([True, False]):
            random.shuffle(self.records)
        self.size = pick([1, 3, 5, 7, 10, 20, 25, 50])
        self.largest = max(self.size, pick([1, 50, 100, 1000]))
        self.page_param = pick(["page", "p", "pageNumber", "page[number]", "seite"])
        self.first_page = pick([0, 1])
        self.size_param = pick(["limit", "per_page", "pageSize", "anzahl", ""])
        self.offset_param = pick(["offset", "skip", "start", "ab_zeile"])
        self.cursor_param = pick(["cursor", "page_token", "marke"])
        self.cursor_name = pick(["next_cursor", "nextPageToken"])
        self.is_strict = random.random() < 0.25
        self.envelope = pick([(), ("data",), ("items",), ("result", "rows")])
        self.has_total, self.has_flag = random.random() < 0.4, random.random() < 0.3

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        left = dict(query)
        try:
            size = min(int(left.pop(self.size_param, self.size)), self.largest)
            start = self._start(left, size)
        except ValueError:
            return 400, {}, {"error": "a value cannot be read"}
        if size < 1 or start < 0 or (self.is_strict and left):
            return 400, {}, {"error": "a parameter is refused"}
        records = self.records
        if self.kind == "random sample":
            records = self.random.sample(records, len(records))
        if self.kind == "whole":
            size = len(records)
        return self._page(records, start, size, f"http://{headers['host']}{path}")

    def _start(self, query: Query, size: int) -> int:
        match self.kind:
            case "page":
                return (int(query.pop(self.page_param, self.first_page)) - self.first_page) * size
            case "offset":
                return int(query.pop(self.offset_param, 0))
            case "cursor":
                return int(query.pop(self.cursor_param, 0))
            case "link" | "header":
                return int(query.pop("at", 0))
            case "after" if "starting_after" in query:
                return [str(r["id"]) for r in self.records].index(query.pop("starting_after")) + 1
        return 0

    def _page(self, records: list[Any], start: int, size: int, url: str) -> Any:
        end = start + size
        has_more = end < len(records)
        link = f"{url}?at={end}" if has_more else None
        headers = {"Link": f'<{link}>; rel="next"'} if link and self.kind == "header" else {}
        around: dict[str, Any] = {"total": len(records)} if self.has_total else {}
        if self.kind == "cursor":
            around[self.cursor_name] = str(end) if has_more else None
        if self.kind == "link":
            around["next"] = link
        if self.kind == "after" or self.has_flag:
            around["has_more"] = has_more
        body: Any = records[start:end]
        for name in reversed(self.envelope):
            body = {name: body}
        return 200, headers, {**body, **around} if self.envelope else body
