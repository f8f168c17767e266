"""Paging by what an answer hands out: a link, a cursor, or the id of its last record.

In: a page. Out: the paginator that leads from it to a page of other records. Each is followed before it is proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from analytics_sync.common.json_path import MISSING, lookup, spell
from analytics_sync.common.shown import counted
from analytics_sync.extract.rest_client.paginators.link_header import (
    MalformedLinkHeader,
    find_link,
)
from analytics_sync.extract.rest_client.paginators.next_links import next_links
from analytics_sync.extract.rest_client.paginators.signs_of_more import Sign
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.known_params import known_params, possible_cursors
from analytics_sync.infer.pages import AnsweredPage, PageTaker
from analytics_sync.infer.param_names import AFTER_IDS, names_for_token
from analytics_sync.infer.param_search import Effect, ParamSearch
from analytics_sync.infer.proposal import Choice, listed

_MAX_REQUESTS = 7  # of the search for one parameter
Found = tuple[dict[str, Any], str, AnsweredPage]
"""A paginator, why it is one, and the page that it leads to."""


class FollowedPages:
    """Looks for paging by links and cursors.

    Args:
        asker: Sends the requests.
        taker: Makes pages of answers.
        declared: Parameters of cursors that other resources of the source declare.
    """

    def __init__(self, asker: Asker, taker: PageTaker, declared: Sequence[str]) -> None:
        self._asker = asker
        self._taker = taker
        self._declared = declared
        self.tried: list[str] = []
        """What was tried in vain, in words."""

    def find(
        self, page: AnsweredPage, sent: Mapping[str, object]
    ) -> tuple[Choice, AnsweredPage] | None:
        """The paginator of a page, with the page that it leads to; None if there is none.

        Args:
            page: The page.
            sent: What its request had beside the declared parameters.
        """
        for way in (self._by_header, self._by_link, self._by_cursor, self._by_last_id):
            for paginator, reason, other in way(page, sent):
                reason = f"{reason} led to {counted(len(other), 'record')} that are all new"
                return Choice(paginator, reason, "proven"), other
        return None

    def _by_header(self, page: AnsweredPage, _: Mapping[str, object]) -> Iterator[Found]:
        try:
            link = find_link(page.response.headers.get("link", ""), "next")
        except MalformedLinkHeader:
            link = None
        if link:
            other = self._follow(page, link)
            if other is not None:
                yield {"type": "header_link"}, "the next link of the header Link", other
            else:
                self.tried.append("the next link of the header Link led to no new records")

    def _by_link(self, page: AnsweredPage, _: Mapping[str, object]) -> Iterator[Found]:
        for link in next_links(page.response, page.records):
            other = self._follow(page, link.url)
            if other is not None:
                yield (
                    {"type": "json_link", "next_url_path": link.path},
                    f"the link at {link.place}",
                    other,
                )
            else:
                self.tried.append(f"the link at {link.place} led to no new records")

    def _follow(self, page: AnsweredPage, link: str) -> AnsweredPage | None:
        try:
            other = self._taker.page(self._asker.follow(urljoin(page.response.url, link)))
        except ValueError:
            return None
        return other if page.is_continued_by(other) else None

    def _by_cursor(self, page: AnsweredPage, sent: Mapping[str, object]) -> Iterator[Found]:
        for place, value in _cursors(page):
            likely = names_for_token(place, known_params(page))
            names = list(dict.fromkeys([*self._declared, *likely]))
            if (found := self._param(page, names, value, sent, place)) is None:
                continue
            param, other = found
            reason = f"the value at {place}, sent as {param},"
            if place.lower() in page.response.headers:
                keys = {"type": "header_cursor", "cursor_key": place, "cursor_param": param}
            else:
                keys = {"type": "cursor", "cursor_path": place, "cursor_param": param}
            yield keys, reason, other

    def _by_last_id(self, page: AnsweredPage, sent: Mapping[str, object]) -> Iterator[Found]:
        """The id of the last record as the cursor, where a flag says that there is more."""
        flags = [s for s in page.signs_of_more() if s.kind == "flag" and s.value is True]
        last = page.records[-1].get("id", MISSING) if page.records else MISSING
        place = self._taker.place
        if not flags or not isinstance(last, str | int) or place.kind != "list" or not place.keys:
            return
        path = f"{spell(place.keys, is_exact=False)}[-1].id"
        if lookup(page.response.body, path) != last:
            return
        if (found := self._param(page, AFTER_IDS, last, sent, path)) is not None:
            param, other = found
            keys = {"type": "cursor", "cursor_path": path, "cursor_param": param}
            keys["has_more_path"] = flags[0].place
            yield keys, f"the id of the last record, sent as {param},", other

    def _param(
        self,
        page: AnsweredPage,
        names: Sequence[str],
        value: Any,
        sent: Mapping[str, object],
        place: str,
    ) -> tuple[str, AnsweredPage] | None:
        """The parameter that takes a cursor, and the page that it leads to."""
        pages: dict[Sequence[str], AnsweredPage] = {}

        def ask(some: Sequence[str]) -> Effect:
            params = {**sent, **dict.fromkeys(some, value)}
            response = self._asker.probe(params)
            if response is None:
                return Effect.REFUSED
            other = self._taker.page(response)
            if other is not None and page.is_continued_by(other):
                pages[tuple(some)] = other
                return Effect.EXPECTED
            return Effect.NONE

        search = ParamSearch(ask, _MAX_REQUESTS)
        name = search.find(names)
        if name is None:
            tried = listed(search.tried)
            self.tried.append(f"there is a cursor at {place}, and none of {tried} takes it")
            return None
        again = self._taker.page(self._asker.probe({**sent, name: value}))
        if again is None or again.names != pages[(name,)].names:
            self.tried.append(f"each answer to {name} has other records")
            return None
        return name, pages[(name,)]


def _cursors(page: AnsweredPage) -> list[tuple[str, Any]]:
    """The values that may be cursors, with their places: those that speak of a next page first."""
    found = {
        _place(page, sign): sign.value for sign in page.signs_of_more() if sign.kind == "cursor"
    }
    found.pop("", None)
    return list((found | dict(possible_cursors(page))).items())


def _place(page: AnsweredPage, sign: Sign) -> str:
    """The place of a cursor itself: a sign may name the object around it. Empty if it is at neither."""
    if sign.place.lower() in page.response.headers:
        return sign.place
    value = lookup(page.response.body, sign.place)
    if isinstance(value, Mapping):
        inner = [name for name, v in value.items() if v == sign.value]
        return f"{sign.place}.{inner[0]}" if len(inner) == 1 else ""
    return sign.place if value == sign.value else ""
