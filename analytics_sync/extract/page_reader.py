"""Walks over the pages of one resource.

In: an errand, a parent's values, the bounds of a part of the window. Out: the pages of the walks that
read that, one after the other. A walk may ask for pages ahead of their turn; it never takes one that
does not fit the page before it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import HttpError, NoProgress, Place
from analytics_sync.common.json_path import lookup
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.converter import Converter
from analytics_sync.extract.incremental import requests_for
from analytics_sync.extract.journal import Journal, WalkPages
from analytics_sync.extract.parents import Parent, inherit
from analytics_sync.extract.prefetch import Ahead
from analytics_sync.extract.rest_client.paginator import Step, Walk, whole_number
from analytics_sync.extract.rest_client.record_selector import select
from analytics_sync.extract.rest_client.response import Answer
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.settings import Settings
from analytics_sync.extract.rest_client.urls import (
    fill_path,
    join,
    placeholders,
    refuse_strange,
    slashes,
)
from analytics_sync.extract.result import Page, Reading

_Mark = tuple[list[int | None], set[str]]


@dataclass(frozen=True)
class Errand:
    """What is read, which part of it, and where things are taken down.

    Attributes:
        window: None for everything.
        deadline: On the monotonic clock.
    """

    resource: Resource
    window: Window | None
    place: Place
    reading: Reading
    journal: Journal
    deadline: float


class Walks:
    """The walks of one errand. Threads may share it.

    Args:
        errand: What is read.
        session: HTTP.
        settings: For setting-bound parameters.
        ahead: For requests ahead of their turn.
    """

    def __init__(
        self, errand: Errand, session: Session, settings: Settings, ahead: Executor
    ) -> None:
        self._errand = errand
        self._session = session
        self._settings = settings
        self._ahead = ahead

    def pages(
        self, parent: Parent | None, part: Window | None, *, afresh: bool = False
    ) -> Generator[Page, None, None]:
        """The records of each page of one walk, or of one walk a month where the API wants that.

        Args:
            parent: Whose child is read; None when the resource is none.
            part: What the API is asked to cut on; None for everything.
            afresh: Whether pages that an earlier run has kept are of no use.
        """
        errand, redact = self._errand, self._session.redact
        resource = errand.resource
        own = resource.incremental if resource.cursor else None
        params = self._params(parent)
        inside = set(placeholders(resource.path))
        values = {n: params[n] for n in inside}
        path = fill_path(resource.path, values, slashes(resource), errand.place, redact)
        url = join(self._session.base_url, path)
        query = {n: v for n, v in params.items() if n not in inside}
        given = {n: v for n, v in query.items() if n in resource.resolved or n in resource.settings}
        refuse_strange(given, errand.place, redact)
        walks: list[dict[str, object]] = requests_for(own, part) if own and part else [{}]
        for bounds in walks:
            kept = self._errand.journal.walk(url, {**query, **bounds}, afresh=afresh)
            with closing(self._walk(url, {**query, **bounds}, parent, kept)) as walk:
                yield from walk

    def _walk(
        self, url: str, query: dict[str, object], parent: Parent | None, kept: WalkPages
    ) -> Generator[Page, None, None]:
        errand = self._errand
        resource, window, place, reading = (
            errand.resource, errand.window, errand.place, errand.reading,
        )  # fmt: skip
        walk = Walk(resource.paginator, place, self._session.redact)
        order = resource.incremental.row_order if resource.incremental else None
        converter = Converter(resource) if order and window else None
        step = walk.first()
        told: int | None = None
        got = 0
        before: _Mark | None = None

        def fetch(step: Step) -> Answer:
            return self._session.get(
                step.link or url,
                {} if step.link else {**query, **step.params},
                place=place,
                policy=resource.error_handler,
                counters=reading.counters,
                headers=resource.headers,
                deadline=errand.deadline,
            )

        kept.still_true(
            lambda step: _unless_refused(fetch, step),
            lambda a, b: self._keys(a) == self._keys(b),
        )
        with closing(Ahead(self._ahead, fetch)) as ahead:
            for number in range(self._session.max_pages):
                answer = kept.get(number, step)
                is_new = answer is None
                if answer is None:
                    try:
                        answer = self._foreseen(ahead, step, before) or fetch(step)
                    except HttpError as e:
                        if reading.children is None and e.status in resource.ignored_statuses:
                            reading.ended(f"status {e.status}, ignored", told, got, whole=False)
                            return
                        raise
                records = self._records(answer)
                turn = walk.turn(answer, records)
                if is_new:  # and known to be a page
                    kept.add(number, step, answer)
                if number == 0 and resource.count_path is not None:
                    told = whole_number(answer.body, resource.count_path)
                if turn.step is not None and is_new and not ahead:
                    steps = walk.foreseen(turn.step, answer, records, told)
                    ahead.foresee(steps, self._session.at_once(len(answer.raw)))
                before = self._mark(answer) if ahead else None
                beyond = converter and window and converter.beyond(records, window, order == "desc")
                if turn.keep:
                    got += len(records)
                    with reading.counters.lock:
                        reading.pages += 1
                    own = inherit(records, parent) if parent is not None else records
                    at, size = answer.at, len(answer.raw)
                    # the next page shall find this one's memory free, and still in the cache
                    del answer, records
                    yield Page(own, at, size, last=turn.step is None)
                    del own
                if turn.step is None:
                    kept.end()
                    reading.ended(turn.end, told, got, whole=turn.whole)
                    return
                if beyond:
                    kept.end()
                    reading.ended("the window's edge", None, got, whole=True)
                    return
                step = turn.step
        raise NoProgress(
            place,
            f"more than {self._session.max_pages:,} pages.",
            "If there really are that many, raise client.max_pages.",
        )

    def _foreseen(self, ahead: Ahead, step: Step, before: _Mark | None) -> Answer | None:
        """The page that was asked for ahead of its turn, if it follows the page before.

        It may have been answered earlier than that one. Had something been added or deleted between
        the two, a row could have slipped from the one to the other unseen; then the totals differ, or
        a row is in both, and what was asked for is of no use.
        """
        answer = ahead.get(step)
        if answer is None:
            return None
        total, keys = self._mark(answer)
        if before is None or total != before[0] or not keys.isdisjoint(before[1]):
            ahead.close()
            return None
        return answer

    def _mark(self, answer: Answer) -> _Mark:
        """The totals that an answer tells, and the keys of its records."""
        return self._total(answer), {repr(key) for key in self._keys(answer)}

    def _total(self, answer: Answer) -> list[int | None]:
        """How many records or pages the answer says that there are."""
        resource = self._errand.resource
        paths = (resource.count_path, getattr(resource.paginator, "total_path", None))
        return [whole_number(answer.body, path) for path in paths if path]

    def _records(self, answer: Answer) -> list[Any]:
        redact = self._session.redact
        said = f"GET {redact(answer.url)}"
        return select(answer.body, self._errand.resource, self._errand.place, said, redact)

    def _keys(self, answer: Answer) -> list[list[Any]]:
        """What tells the records of a page apart, in their order."""
        paths = self._errand.resource.primary_key
        return [[lookup(record, path) for path in paths] for record in self._records(answer)]

    def _params(self, parent: Parent | None) -> dict[str, object]:
        resource: Resource = self._errand.resource
        params: dict[str, object] = {}
        from_parent = dict(parent.params) if parent else {}
        for name, declared in resource.params.items():
            if name in resource.settings:
                params[name] = self._settings.param(
                    resource.settings[name], f"{resource.name}: parameter {name}"
                )
            else:
                params[name] = from_parent.get(
                    name, None if name in resource.resolved else declared
                )
        return params


def _unless_refused(fetch: Callable[[Step], Answer], step: Step) -> Answer | None:
    """None when the API does not take that request any more: cursors expire."""
    try:
        return fetch(step)
    except HttpError as e:
        if 400 <= e.status < 500 and e.status not in {401, 403, 429}:
            return None
        raise
